"""A school that does not fit its vars is told so before anything is built, and its database stays as it was."""

import psycopg
import pytest

from sandbox import school

SNAPSHOT = """
select nspname::text, relname::text, relkind::text, relacl::text
from pg_namespace
left join pg_class on relnamespace = pg_namespace.oid
where nspname not like 'pg\\_%%' and nspname <> 'information_schema'
order by 1, 2
"""
REFUSED = [
    pytest.param(
        "",
        {"engagement_students_table": "alumnos"},
        "public.alumnos: there is no such relation. Set engagement_students_schema and engagement_students_table.",
        id="no such relation",
    ),
    pytest.param(
        "alter table students rename student_id to id",
        {},
        "public.students.student_id: there is no such column. Set engagement_students_id_column.",
        id="no such column",
    ),
    pytest.param(
        "drop index student_attendance_checkin_time_idx, student_attendance_student_id_checkin_time_idx;"
        "alter table student_attendance alter checkin_time type timestamp",
        {},
        "public.student_attendance.checkin_time: is timestamp without time zone, must be timestamp with time zone. "
        "Set engagement_attendance_checkin_time_column.",
        id="timestamp without time zone",
    ),
    pytest.param(
        "alter table student_attendance rename checkout_time to left_at",
        {},
        "public.student_attendance.checkout_time: there is no such column. "
        "Set engagement_attendance_checkout_time_column.",
        id="no check-out",
    ),
    pytest.param(
        "alter table student_attendance alter checkout_time type timestamp",
        {},
        "public.student_attendance.checkout_time: is timestamp without time zone, must be timestamp with time zone. "
        "Set engagement_attendance_checkout_time_column.",
        id="check-out without time zone",
    ),
    pytest.param(
        "",
        {"engagement_attendance_checkout_condition": "auto_checkout is not true"},
        'public.student_attendance: the condition "auto_checkout is not true" is not SQL over this relation: '
        'column "auto_checkout" does not exist. Set engagement_attendance_checkout_condition.',
        id="condition of check-outs",
    ),
    pytest.param(
        "alter table students alter student_id type text",
        {},
        "public.students.student_id: is text, must be smallint or integer or bigint. "
        "Set engagement_students_id_column.",
        id="ids that are no numbers",
    ),
    pytest.param(
        "",
        {"learning_at_risk_slow_column": "student_id"},
        "mgmt.learning_at_risk_learners_v.student_id: is integer, must be boolean. Set learning_at_risk_slow_column.",
        id="flag that is not boolean",
    ),
    pytest.param(
        "",
        {"engagement_students_condition": "archived is null"},
        'public.students: the condition "archived is null" is not SQL over this relation: '
        'column "archived" does not exist. Set engagement_students_condition.',
        id="condition on a column that is not there",
    ),
    pytest.param(
        "",
        {"engagement_students_active_condition": "level"},
        "Set engagement_students_active_condition.",
        id="condition that is not true or false",
    ),
    pytest.param(
        "",
        {"engagement_attendance_condition": "checkin_time >"},
        "Set engagement_attendance_condition.",
        id="condition that is not SQL",
    ),
    pytest.param(
        "",
        {"engagement_timezone": "America/Guayaquill"},
        'The time zone "America/Guayaquill" is not one that this server knows (pg_timezone_names lists them). '
        "Set engagement_timezone.",
        id="unknown time zone",
    ),
    pytest.param(
        "alter table students alter student_id type bigint; insert into students values (3000000000, 'Far', 'A1')",
        {},
        "public.students.student_id: 1 ids do not fit integer, the panel's type (the largest: 3000000000). "
        "Leave these students out by engagement_students_condition, or set another engagement_students_id_column.",
        id="id beyond integer",
    ),
    pytest.param(
        "",
        {"engagement_consistency_sessions_target": 0},
        "engagement_consistency_sessions_target: is 0, must be a number above 0.",
        id="target of nothing",
    ),
    pytest.param(
        "",
        {"engagement_avg_gap_history_days": "year"},
        'engagement_avg_gap_history_days: is "year", must be null or a whole number of days above 0.',
        id="history that is no number",
    ),
    pytest.param(
        "",
        {"engagement_session_longest_hours": 20.5},
        "engagement_session_longest_hours: is 20.5, must be a number from 1 to 20.",
        id="sessions over two midnights",
    ),
    pytest.param(
        "",
        {"engagement_session_longest_hours": 0.5},
        "engagement_session_longest_hours: is 0.5, must be a number from 1 to 20.",
        id="sessions of half an hour",
    ),
    pytest.param(
        "",
        {"engagement_visit_gap_days": 0},
        "engagement_visit_gap_days: is 0, must be null or a whole number of days above 0.",
        id="gaps of no days",
    ),
    pytest.param(
        "",
        {"learning_stuck_students_enabled": True},
        "mgmt.learning_stuck_students_v: there is no such relation. "
        "Set learning_stuck_students_schema and learning_stuck_students_table.",
        id="second learning list that is not there",
    ),
]


@pytest.fixture(scope="module")
def undeployed(make_database) -> str:
    with psycopg.connect(make_database("undeployed")) as connection:
        school.create(connection)
    return "undeployed"


@pytest.fixture
def school_database(make_database, undeployed, request) -> str:
    name = f"school {request.node.callspec.id if hasattr(request.node, 'callspec') else request.node.name}"
    make_database(name, template=undeployed)
    return name


def snapshot(server: str, database: str) -> list[tuple]:
    with psycopg.connect(server, dbname=database) as connection:
        return connection.execute(SNAPSHOT).fetchall()


@pytest.mark.parametrize(("change", "vars", "line"), REFUSED)
def test_bad_source_is_refused(server, school_database, run_dbt, change, vars, line):
    with psycopg.connect(server, dbname=school_database) as connection:
        connection.execute(change)
    before = snapshot(server, school_database)

    run = run_dbt(school_database, "build", vars=vars)

    assert run.exit_code != 0
    assert line in run.output
    assert snapshot(server, school_database) == before


def test_all_problems_are_told_at_once(server, school_database, run_dbt):
    run = run_dbt(
        school_database,
        "build",
        vars={
            "engagement_students_level_column": "nivel",
            "engagement_attendance_condition": "deleted_at is null",
            "learning_at_risk_table": "riesgo",
            "engagement_timezone": "Quito",
        },
    )
    for name in (
        "engagement_students_level_column",
        "engagement_attendance_condition",
        "learning_at_risk_table",
        "engagement_timezone",
    ):
        assert f"{name}." in run.output


def test_role_that_may_not_read_the_school_is_told(server, school_database, run_dbt):
    with psycopg.connect(server, dbname=school_database) as connection:
        connection.execute(f'create role newcomer login; grant create on database "{school_database}" to newcomer')
        connection.execute("grant select on students to newcomer")
    run = run_dbt(school_database, "build", user="newcomer")
    assert run.exit_code != 0
    assert "role newcomer may not use schema mgmt. Grant it usage." in run.output
    for column in ("checkin_time", "checkout_time"):
        assert f"public.student_attendance.{column}: role newcomer may not read it. Grant it select." in run.output


def test_first_run_without_seeds_says_so(server, school_database, run_dbt):
    before = snapshot(server, school_database)
    run = run_dbt(school_database, "run")
    assert run.exit_code != 0
    assert "mgmt_internal.dayparts: is not loaded yet. Run dbt seed first, or dbt build." in run.output
    assert snapshot(server, school_database) == before


@pytest.mark.parametrize("command", [["parse"], ["compile"], ["docs", "generate"]], ids=" ".join)
def test_commands_that_write_nothing_go_on_without_sources(make_database, run_dbt, command):
    name = f"empty {' '.join(command)}"
    make_database(name)
    run = run_dbt(name, *command)
    assert run.exit_code == 0, run.output


def test_database_that_is_not_there_is_told(run_dbt):
    run = run_dbt("no_such_database", "build")
    assert run.exit_code != 0
    assert 'database "no_such_database" does not exist' in run.output
