"""A school that does not fit its vars is told so before anything is built, and its database stays as it was."""

import re
import threading
import time
from functools import partial
from typing import Any

import psycopg
import pytest
from copies import copy_project
from support import PROJECT, execute

from sandbox import school

SEEDS = ("--resource-type", "seed")
SNAPSHOT = """
select nspname::text, relname::text, relkind::text, relacl::text
from pg_namespace
left join pg_class on relnamespace = pg_namespace.oid
where nspname not like 'pg\\_%%' and nspname <> 'information_schema'
order by 1, 2
"""
# What is done to the school, the vars, and the lines that a run refuses with.
REFUSED = {
    "vars that fit no school": (
        "",
        {
            "engagement_students_condition": "archived is null",
            "engagement_students_active_condition": "level",
            "engagement_attendance_checkout_condition": "generate_series(1, 2) > 1",
            "learning_at_risk_slow_column": "student_id",
            "learning_stuck_students_enabled": True,
            "engagement_timezone": "America/Guayaquill",
            "engagement_consistency_sessions_target": 0,
            "engagement_session_longest_hours": 0.5,
            "engagement_bin_label_collation": "public.no_such_thing",
            "engagement_attendance_condition": "checkin_time >",
        },
        [
            'public.students: the condition "archived is null" is not SQL over this relation: '
            'column "archived" does not exist. Set engagement_students_condition.',
            "Set engagement_students_active_condition.",
            'public.student_attendance: the condition "generate_series(1, 2) > 1" is not SQL over this relation: '
            "set-returning functions are not allowed in WHERE. Set engagement_attendance_checkout_condition.",
            "mgmt.learning_at_risk_learners_v.student_id: is integer, must be boolean. "
            "Set learning_at_risk_slow_column.",
            "mgmt.learning_stuck_students_v: there is no such relation. "
            "Set learning_stuck_students_schema and learning_stuck_students_table.",
            'The time zone "America/Guayaquill" is not one that this server knows (pg_timezone_names lists them). '
            "Set engagement_timezone.",
            "engagement_consistency_sessions_target: is 0, must be a number above 0.",
            "engagement_session_longest_hours: is 0.5, must be a number of hours from 1 to 20.",
            "The collation public.no_such_thing is not one of this database: "
            'collation "public.no_such_thing" for encoding "UTF8" does not exist.',
            'the condition "checkin_time >" is not SQL over this relation: syntax error',
        ],
    ),
    "a relation that is not there, and ambassadors below high engagement": (
        "alter table students rename to alumnos",
        {
            "engagement_ambassador_from_score": 59.5,
            "engagement_attendance_condition": "checkin_time > '2024-13-45'",
        },
        [
            "the condition \"checkin_time > '2024-13-45'\" is not SQL over this relation: date/time field value out of",
            "engagement_ambassador_from_score: is 59.5, must not be below engagement_high_from_score (60).",
            "public.students: there is no such relation. Set engagement_students_schema and engagement_students_table.",
        ],
    ),
    "columns that are not there, and vars that no school can have": (
        """
        alter table students rename student_id to id;
        alter table student_attendance rename checkout_time to left_at
        """,
        {
            "engagement_avg_gap_history_days": "year",
            "engagement_disabled_views": ["engagement_weekly_active_90d_v", "engagement_weekly_active_v"],
            "deployment_readers": None,
            "engagement_students_level_column": "nivel",
            "learning_at_risk_table": "riesgo",
        },
        [
            'engagement_avg_gap_history_days: is "year", must be null or a whole number of days above 0.',
            "engagement_disabled_views: the panel has no view engagement_weekly_active_v.",
            "deployment_readers: is null, must be a list",
            "public.students.nivel: there is no such column. Set engagement_students_level_column.",
            "Set learning_at_risk_schema and learning_at_risk_table.",
            "public.students.student_id: there is no such column. Set engagement_students_id_column.",
            "public.student_attendance.checkout_time: there is no such column. "
            "Set engagement_attendance_checkout_time_column.",
        ],
    ),
    "columns of other types": (
        """
        drop index student_attendance_checkin_time_idx, student_attendance_student_id_checkin_time_idx;
        alter table student_attendance alter student_id type text;
        alter table student_attendance alter checkin_time type timestamp, alter checkout_time type timestamp;
        alter table students alter student_id type text;
        drop view mgmt.learning_at_risk_learners_v;
        create view mgmt.learning_at_risk_learners_v as
        select student_id::text, stuck_flag::text, slow_flag from learning.at_risk_learners;
        create view mgmt.learning_stuck_students_v as select '1'::text as student_id
        """,
        {"learning_stuck_students_enabled": True, "engagement_disabled_views": "engagement_dau_90d_v"},
        [
            'engagement_disabled_views: is "engagement_dau_90d_v", must be a list of names',
            "mgmt.learning_at_risk_learners_v.student_id: is text, must be smallint or integer or bigint. ",
            "mgmt.learning_at_risk_learners_v.stuck_flag: is text, must be boolean. Set learning_at_risk_stuck_column.",
            "mgmt.learning_stuck_students_v.student_id: is text, must be smallint or integer or bigint. ",
            "public.student_attendance.checkin_time: is timestamp without time zone, must be timestamp with time zone. "
            "Set engagement_attendance_checkin_time_column.",
            "public.student_attendance.checkout_time: is timestamp without time zone, must be timestamp with time zone."
            " Set engagement_attendance_checkout_time_column.",
            "public.students.student_id: is text, must be smallint or integer or bigint. "
            "Set engagement_students_id_column.",
            "public.student_attendance.student_id: is text, must be smallint or integer or bigint. "
            "Set engagement_attendance_student_id_column.",
        ],
    ),
    "an id beyond integer": (
        "alter table students alter student_id type bigint; insert into students values (3000000000, 'Far', 'A1')",
        {},
        [
            "public.students.student_id: 1 ids do not fit integer, the panel's type (the largest: 3000000000). "
            "Leave these students out by engagement_students_condition, or set another engagement_students_id_column."
        ],
    ),
}


@pytest.fixture(scope="module")
def undeployed(make_database) -> str:
    with psycopg.connect(make_database("undeployed")) as connection:
        school.create(connection)
    return "undeployed"


@pytest.fixture
def school_database(make_database, undeployed) -> str:
    """Give the URI of a school without the panel, named `school`."""
    return make_database("school", undeployed)


@pytest.fixture
def change(school_database):
    """Give a function that runs SQL in the school."""
    return partial(execute, school_database)


@pytest.fixture
def build(school_database, run_dbt):
    return partial(run_dbt, "school", "build")


@pytest.fixture
def refused(school_database, run_dbt):
    """Give a function whose run of dbt on the school must fail and leave all as it was; it gives what dbt says."""

    def refused(command: str = "build", **options: Any) -> str:
        before = execute(school_database, SNAPSHOT)
        run = run_dbt("school", command, **options)
        assert run.exit_code != 0
        assert execute(school_database, SNAPSHOT) == before
        return run.output

    return refused


@pytest.mark.parametrize(("sql", "vars", "lines"), REFUSED.values(), ids=REFUSED)
def test_bad_source_is_refused_and_all_is_told_at_once(change, refused, sql, vars, lines):
    change(sql)
    for command in ("build", "seed"):
        output = refused(command, vars=vars)
        assert output.count("Fix these first") == 1
        assert output.count("\n    - ") == len(lines)
        for line in lines:
            assert line in output


MISTYPED = {
    "engagement_consistency_session_target": (
        12,
        "there is no such var. Did you mean engagement_consistency_sessions_target?",
    ),
    "deployment_reader": (["dashboard"], "there is no such var. Did you mean deployment_readers?"),
    "deployment_x": (1, "there is no such var."),
    "engagement_x": (1, "there is no such var."),
    "learning_x": (1, "there is no such var."),
    "engagment_timezone": ("UTC", "there is no such var. Did you mean engagement_timezone?"),
    "ENGAGEMENT_CALL_FROM_DAY": (10, "there is no such var. Did you mean engagement_call_from_days?"),
    "deployment_readers": ("dashboard", 'is "dashboard", must be a list of names, for instance [one, another].'),
    "engagement_disabled_views": ([1], "is [1], must be a list of names, for instance [one, another]."),
    "learning_stuck_students_enabled": ("no", 'is "no", must be true or false.'),
    "engagement_attendance_condition": (
        True,
        "is true, must be SQL in quotes: YAML reads no, yes, true and false without quotes as booleans.",
    ),
    "engagement_students_condition": (False, "is false, must be SQL in quotes"),
    "engagement_session_longest_hours": (20.5, "is 20.5, must be no more than 20."),
    "engagement_visit_gap_days": (0, "is 0, must be null or a whole number of days above 0."),
    "engagement_avg_gap_history_days": (0, "is 0, must be null or a whole number of days above 0."),
    "engagement_checkin_silence_hours": ("four", 'is "four", must be a whole number of hours above 0.'),
    "engagement_call_from_days": (True, "is true, must be a whole number of days above 0."),
    "engagement_high_from_score": (101, "is 101, must be no more than 100."),
    "engagement_ambassador_from_score": ("85", 'is "85", must be a number from 0 to 100.'),
    "engagement_consistency_sessions_target": (None, "is null, must be a number above 0."),
    "engagement_students_schema": (2024, "is 2024, must be text."),
    "engagement_list_length": (12.5, "is 12.5, must be a whole number of students above 0."),
}


def test_vars_are_refused_as_people_mistype_them(refused):
    output = refused(vars={name: value for name, (value, _) in MISTYPED.items()})
    for name, (_, complaint) in MISTYPED.items():
        assert f"{name}: {complaint}" in output
    assert "engagement_list_length: is 12.5" in refused("compile", vars={"engagement_list_length": 12.5})


# The least and the most that a number may be, and what is too far beyond either.
BOUNDS = {
    "deployment_lock_wait_ms": (1, 60_000, 1),
    "engagement_consistency_sessions_target": (0.1, 1000, 0.1),
    "engagement_avg_gap_history_days": (1, 36_500, 1),
    "engagement_visit_gap_days": (1, 36_500, 1),
    "engagement_session_longest_hours": (1, 20, 0.1),
    "engagement_checkin_silence_hours": (1, 8_760, 1),
    "engagement_view_limit_ms": (0, 60_000, 1),
    "engagement_call_from_days": (1, 36_500, 1),
    "engagement_high_from_sessions": (1, 1000, 1),
    "engagement_high_from_score": (0, 100, 0.1),
    "engagement_ambassador_from_score": (0, 100, 0.1),
    "engagement_list_length": (1, 100_000, 1),
}


@pytest.mark.parametrize(("end", "sign"), [(0, -1), (1, 1)], ids=["least", "most"])
def test_numbers_may_reach_their_bounds_and_go_no_further(build, refused, end, sign):
    build(*SEEDS, vars={name: bounds[end] for name, bounds in BOUNDS.items()}).succeeded()
    output = refused(vars={name: bounds[end] + sign * bounds[2] for name, bounds in BOUNDS.items()})
    for name in BOUNDS:
        assert re.search(rf"{name}: is [-.\d]+, must be ", output), name


def test_a_var_of_an_older_version_is_named_and_not_refused(build):
    for name, other in (("engagement_dau_schema", "engagement_dau_table"), ("engagement_dau_table", "dau_schema")):
        run = build(*SEEDS, vars={name: "mgmt"}).succeeded()
        line = f"{name} does nothing any more, and can go: the panel makes the daily actives itself."
        assert run.output.count(line) == 1
        assert other not in run.output


def test_a_var_that_was_renamed_in_the_project_is_named(refused, workspace):
    """Neither has a default any more, and one is read by yml alone; a third is set for this package alone."""
    copy = copy_project(workspace / "renamed vars")
    settings = copy / "dbt_project.yml"
    text = settings.read_text().replace("  engagement_timezone:", "  engagement_time_zone:")
    text = text.replace("  engagement_checkin_silence_hours:", "  engagement_silence_hours:")
    settings.write_text(f"{text}  engagement_panel:\n    learning_at_risk_tabel: learners\n")
    output = refused(project=copy)
    for line in (
        "engagement_time_zone: there is no such var. Did you mean engagement_timezone?",
        "engagement_timezone: is not set. Set it in dbt_project.yml, to its default or your own value.",
        "engagement_silence_hours: there is no such var. Did you mean engagement_checkin_silence_hours?",
        "engagement_checkin_silence_hours: is not set.",
        "learning_at_risk_tabel: there is no such var. Did you mean learning_at_risk_table?",
    ):
        assert line in output
    assert "Vars supplied" not in output


def test_every_var_is_declared_and_said_what_it_is():
    """A var without a type would go unchecked, a type without a var would refuse every run."""
    settings = (PROJECT / "dbt_project.yml").read_text().partition("\nvars:\n")[2]
    declared = re.findall(r"^ {8}'(\w+)': ", (PROJECT / "macros/vars/declared_vars.sql").read_text(), re.MULTILINE)
    assert sorted(re.findall(r"^  (\w+): .*  # \S", settings, re.MULTILINE)) == sorted(declared)
    assert len(re.findall(r"^  \w+:", settings, re.MULTILINE)) == len(declared)


def test_role_that_may_not_read_the_school_is_told(change, refused):
    change(
        "create role newcomer login; grant create on database school to newcomer; grant select on students to newcomer"
    )
    output = refused(user="newcomer")
    assert "role newcomer may not use schema mgmt. Grant it usage." in output
    for column in ("checkin_time", "checkout_time"):
        assert f"public.student_attendance.{column}: role newcomer may not read it. Grant it select." in output


@pytest.fixture
def deployer(change) -> str:
    """Give a role that owns nothing and may do what a deployment needs."""
    change(
        """
        drop role if exists "who deploys";
        create role "who deploys" login;
        grant create, temporary on database school to "who deploys";
        grant usage, create on schema mgmt to "who deploys";
        grant select on students, student_attendance, mgmt.learning_at_risk_learners_v to "who deploys";
        insert into students values (1, 'Ana', 'A1')
        """
    )
    return "who deploys"


def test_row_level_security_that_hides_all_rows_is_refused(change, deployer, build, refused):
    cure = f'create policy engagement_panel on students for select to "{deployer}" using (true);'
    of_a_group = f'drop policy engagement_panel on students; grant pg_monitor to "{deployer}";' + cure.replace(
        f'"{deployer}"', "pg_monitor"
    )
    for hidden in (
        "alter table students enable row level security;create policy adding on students for insert with check (true)",
        f'drop policy engagement_panel on students; alter table students owner to "{deployer}";'
        "alter table students force row level security; create policy alone on students as restrictive using (true)",
    ):
        change(hidden)
        told = f"students: row-level security hides every row from role {deployer}."
        assert f"{told} Let the owner of the table run: {cure}" in refused(user=deployer)
        for shown, is_beyond in (
            ("superuser", True),
            ("nosuperuser bypassrls", True),
            (f"nobypassrls; {cure}", False),
            (f"nobypassrls; {of_a_group}", False),
        ):
            change(f'alter role "{deployer}" {shown}')
            run = build(*SEEDS, user=deployer).succeeded()
            assert ("row-level security" in run.output) == ("restrictive" in hidden and not is_beyond)
    change("drop policy engagement_panel on students; alter table students no force row level security")
    build(*SEEDS, user=deployer).succeeded()  # the owner


def test_row_level_security_behind_a_view_is_that_of_the_views_owner(change, deployer, refused):
    change(
        f"""
        create role "owner of the list";
        grant usage on schema learning to "owner of the list";
        grant select on learning.at_risk_learners to "owner of the list";
        alter view mgmt.learning_at_risk_learners_v owner to "owner of the list";
        alter table learning.at_risk_learners enable row level security;
        create policy everything on learning.at_risk_learners for select to "{deployer}" using (true);
        """
    )
    told = "learning.at_risk_learners: row-level security hides every row from role owner of the list."
    assert told in refused(user=deployer)


def test_a_reader_who_may_not_read_behind_a_security_invoker_is_told_of(change, deployer, build, refused):
    change(
        f"""
        create role "the dashboard";
        grant usage on schema learning to "{deployer}";
        grant select on learning.at_risk_learners to "{deployer}";
        alter view mgmt.learning_at_risk_learners_v set (security_invoker)
        """
    )
    readers = {"deployment_readers": ["the dashboard"]}
    table, view = "learning.at_risk_learners", "mgmt.learning_at_risk_learners_v"
    assert (
        f"{table}: role the dashboard may not read it, as whoever reads the panel must, because {view} is a "
        f"security_invoker. Grant it select, or run: alter view {view} reset (security_invoker);"
    ) in refused(user=deployer, vars=readers)
    change(f'grant select (student_id, stuck_flag, slow_flag) on {table} to "the dashboard"')
    change(f"alter table {table} enable row level security")
    change(f'create policy all_rows on {table} to "{deployer}" using (true)')
    output = refused(user=deployer, vars=readers)
    assert f"{table}: row-level security hides every row from role the dashboard." in output
    assert "may not read it" not in output
    change(f"alter view {view} reset (security_invoker)")
    build(*SEEDS, user=deployer, vars=readers).succeeded()


def test_row_level_security_that_may_hide_rows_is_warned_of(change, deployer, build):
    tables = {
        "student_attendance": ("for select", "of_this_school"),
        "learning.at_risk_learners": ("for all", "of_this_school"),
        "students": ("as restrictive", "of_this_school, without_limit"),
    }
    change(
        f"""
        grant usage on schema learning to "{deployer}";
        grant select on learning.at_risk_learners to "{deployer}";
        alter view mgmt.learning_at_risk_learners_v set (security_invoker = on);
        create policy without_limit on students using (true);
        """
    )
    for table, (kind, _) in tables.items():
        change(
            f"alter table {table} enable row level security;"
            f"create policy of_this_school on {table} {kind} using (student_id < 1000)"
        )
    run = build(*SEEDS, user=deployer).succeeded()
    for table, (_, policies) in tables.items():
        hidden = f"row-level security may hide rows from role {deployer} (policies: {policies})."
        assert f"{table}: {hidden}" in run.output


def test_what_a_school_may_have_is_accepted(change, build):
    change(
        """
        create domain number as integer; create domain codi as number check (value > 0);
        create domain word as text; create domain paraula as word;
        alter table students alter student_id type codi, alter level type paraula;
        create materialized view alumnos as select * from students;
        create table visits (like student_attendance) partition by range (checkin_time);
        create foreign data wrapper of_another_server;
        create server elsewhere foreign data wrapper of_another_server;
        create foreign table riesgo (student_id integer, stuck_flag boolean, slow_flag boolean) server elsewhere
        """
    )
    build(
        *SEEDS,
        vars={
            "engagement_students_table": "alumnos",
            "engagement_attendance_table": "visits",
            "learning_at_risk_schema": "public",
            "learning_at_risk_table": "riesgo",
            "engagement_attendance_condition": "student_id > 0 -- the school's own",
            "engagement_timezone": "america/guayaquil",
            "engagement_ambassador_from_score": 60,
            "engagement_session_longest_hours": 20,
        },
    ).succeeded()


def test_a_school_without_a_student_is_warned_of(change, build):
    warning = "public.students: not a single row counts as a student, so the panel is empty."
    run = build(*SEEDS).succeeded()
    assert f"{warning} Is engagement_students_condition right?" in run.output
    change("insert into students values (1, 'Ana', 'A1')")
    assert warning not in build(*SEEDS).output
    assert warning in build(*SEEDS, vars={"engagement_students_condition": "level = 'C2'"}).output


WAITS = "[1, 4, 10, 15]"  # seconds, one after the other


def roll_back_at_the_second_attempt(holder: psycopg.Connection, server: str) -> None:
    """Roll a transaction back when what it keeps waiting has given up once and waits again."""
    waits = set()
    with psycopg.connect(server, autocommit=True) as watcher:
        while len(waits) < 2:
            waits.update(
                watcher.execute(
                    "select query_start from pg_stat_activity where %s = any(pg_blocking_pids(pid))",
                    [holder.info.backend_pid],
                )
            )
            time.sleep(0.05)
    holder.rollback()


def test_a_source_that_is_locked_is_waited_for_and_says_by_whom(
    server, school_database, change, deployer, build, workspace
):
    """In a copy of the project that waits less long."""
    copy = copy_project(workspace / "less patient")
    macro = copy / "macros/sources/source_problems.sql"
    assert WAITS in macro.read_text()
    macro.write_text(macro.read_text().replace(WAITS, "[1, 3]"))  # the last above statement_timeout
    change(f"alter role \"{deployer}\" set lock_timeout = '20ms'")
    change(f"alter role \"{deployer}\" set statement_timeout = '2s'")
    change(f"alter role \"{deployer}\" set transaction_timeout = '2s'")
    build = partial(build, *SEEDS, "--threads", "1", user=deployer, project=copy)

    with (
        psycopg.connect(school_database, application_name="a migration") as migration,
        psycopg.connect(server) as elsewhere,
    ):
        elsewhere.execute("create table public.elsewhere (); lock table public.elsewhere")
        holder = f"public.students is locked by process {migration.info.backend_pid} (postgres, a migration"
        migration.execute("lock table students")
        watch = threading.Thread(target=roll_back_at_the_second_attempt, args=(migration, server))
        watch.start()
        run = build()
        watch.join()
        run.succeeded()
        assert holder in run.output
        assert "Waiting." in run.output

        migration.execute("lock table students")
        run = build()
        migration.rollback()
        elsewhere_pid = elsewhere.info.backend_pid
        elsewhere.rollback()
    assert f"process {elsewhere_pid}" not in run.output
    assert re.search(re.escape(holder) + r".*\)\. Run again when it has finished\.", run.exited_with(2).output)
    assert "is not SQL" not in run.output


def test_columns_that_are_granted_one_by_one_are_enough(change, deployer, build):
    change(
        f"""
        revoke select on students, student_attendance from "{deployer}";
        grant select (student_id, full_name, level) on students to "{deployer}";
        grant select (student_id, checkin_time, checkout_time) on student_attendance to "{deployer}"
        """
    )
    build(*SEEDS, user=deployer).succeeded()


def test_a_condition_on_what_the_role_may_not_read_is_told(change, deployer, refused):
    change(
        "alter table students add archived_at timestamptz;"
        f'revoke select on students from "{deployer}";'
        f'grant select (student_id, full_name, level) on students to "{deployer}"'
    )
    output = refused(user=deployer, vars={"engagement_students_condition": "archived_at is null"})
    assert f'role {deployer} may not read what the condition "archived_at is null" reads' in output


def test_first_run_without_seeds_says_so(refused):
    assert "mgmt_internal.dayparts: is not loaded yet. Run dbt seed first, or dbt build." in refused("run")


@pytest.mark.parametrize("command", [["parse"], ["compile"], ["docs", "generate"]], ids=" ".join)
def test_commands_that_write_nothing_go_on_without_sources(make_database, run_dbt, command):
    make_database("school")
    run_dbt("school", *command).succeeded()
