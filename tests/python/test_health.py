"""The health of the sources: what it takes for well, what for not well, and what it leaves behind."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psycopg
import pytest
from copies import copy_project
from psycopg.conninfo import make_conninfo
from rich.console import Console
from support import PROJECT, RunDbt, add_target, commands_of, execute, run_command

from engagement_panel import health
from engagement_panel.check import Check
from sandbox import school
from sandbox.profiles import write_profile
from sandbox.views import panel_views

QUALITY = {test.stem for test in (PROJECT / "tests" / "source_quality").glob("*.sql")}
CHECKS = {"checkins_arrive", "whole_panel"} | QUALITY | panel_views().keys()


@contextmanager
def limited_to(milliseconds: int, folder: Path) -> Iterator[None]:
    """Run what is within on a copy of the project with that limit for a view; a session may last into the next day."""
    limits = {"engagement_view_limit_ms": milliseconds, "engagement_session_longest_hours": 20}
    with commands_of(copy_project(folder, **limits)):
        yield


@pytest.fixture(scope="module", autouse=True)
def patience(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let no view be slow, however busy the machine is."""
    with limited_to(60_000, tmp_path_factory.mktemp("patient")):
        yield


@pytest.fixture(scope="module")
def sound_template(make_database, deployed_template) -> str:
    """Give the name of a database to copy: the panel on the sample school without its dirty rows."""
    now = datetime.now(UTC)
    sample = school.generate(now)
    students = sample.students[:300]  # with as many, each test takes a second less
    known = {student.student_id for student in students}
    checkins = {
        (checkin.student_id, checkin.checkin_time): checkin._replace(
            checkout_time=None if checkin.auto_checkout else checkin.checkout_time
        )
        for checkin in sample.checkins
        if checkin.student_id in known and checkin.checkin_time and checkin.checkin_time <= now
    }
    learners = [learner for learner in sample.at_risk_learners if learner.student_id in known]
    with psycopg.connect(make_database("sound", template=deployed_template)) as connection:
        school.load(connection, school.School(students, list(checkins.values()), learners))
    return "sound"


@pytest.fixture
def database(make_database, sound_template) -> str:
    return make_database("school", template=sound_template)


@pytest.fixture
def profile(database, workspace) -> Path:
    return write_profile(workspace / "health", database)


@pytest.fixture
def sound_school(database) -> Iterator[psycopg.Connection]:
    """Give a connection that commits as it goes."""
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


def stop_the_feed(connection: psycopg.Connection, since: timedelta) -> None:
    """Let the last check-in be one of so long ago."""
    connection.execute("delete from student_attendance where checkin_time > now() - %s", [since])
    connection.execute("insert into student_attendance values (1, now() - %s)", [since])


def states(profile: Path, *arguments: str) -> tuple[int, dict[str, str]]:
    """Run the check, and give its exit code and what state it printed of each thing."""
    outcome = run_command(profile, "health", *arguments)
    assert outcome.errors == ""
    found = {}
    *lines, last = outcome.output.splitlines()
    for line in lines:
        state, *words = line.split()
        if state in ("PASS", "WARN", "FAIL", "ERROR") and words[0] in CHECKS:
            found[words[0]] = state
    assert found.keys() == CHECKS, outcome.output
    not_well = {name: state for name, state in found.items() if state != "PASS"}
    assert bool(re.search(r"`\.venv/bin/dbt show( --target mgmt)? -s NAME`", last)) == bool(not_well)
    return outcome.exit_code, not_well


# Everybody, three times, at the last full hour of the school's day: not 20 hours ago.
STILL_IN_CLASS = """
insert into student_attendance
select student_id, max(hour) - n * interval '1 second'
from
    students,
    generate_series(1, 3) as n,
    date_trunc('hour', now(), 'America/Guayaquil') as this_hour,
    generate_series(this_hour - interval '19 hours', now(), interval '1 hour') as hour
where extract(hour from hour at time zone 'America/Guayaquil') between 9 and 20
group by student_id, n
"""


def test_a_sound_school_is_well(profile, sound_school):
    sound_school.execute(STILL_IN_CLASS)
    assert states(profile) == (0, {})


def test_five_days_of_silence_are_not_well_even_if_a_check_in_lies_ahead(profile, sound_school, tmp_path):
    stop_the_feed(sound_school, timedelta(days=5))
    assert states(profile) == (1, {"checkins_arrive": "FAIL"})

    add_target(profile, "away", dbname="there is none")
    sound_school.execute(NOT_WELL["future_checkins"])
    file = tmp_path / "health.xml"
    outcome = run_command(profile, "health", "--target", "mgmt", "--junit", str(file), "--strict").failed()
    (suite,) = ElementTree.parse(file).getroot()
    assert [suite.get(count) for count in ("tests", "failures", "errors")] == [str(len(CHECKS)), "2", "0"]
    assert "WARN   future_checkins  2 rows\n" in outcome.output
    assert "What: a check-in whose time has not come yet." in outcome.output
    assert "FAIL   checkins_arrive  the last check-in is 120.0 hours old; up to 96 are usual\n" in outcome.output
    advice = "What: check-ins have stopped arriving; "
    assert advice in outcome.output and advice in suite.find("testcase[@name='checkins_arrive']/failure").text
    assert outcome.output.splitlines()[-1] == (
        f"FAIL   {len(CHECKS) - 2} of {len(CHECKS)} checks are well."
        " The rows behind a warning of the sources: `.venv/bin/dbt show --target mgmt -s NAME`."
    )
    sound_school.execute("drop view mgmt.engagement_dau_90d_v")
    outcome = run_command(profile, "health", "--target", "mgmt").exited_with(2)  # though the feed stands still
    assert "(`dbt build --target mgmt`)" in outcome.output.splitlines()[-1]


def test_a_long_weekend_is_no_alarm_unless_the_school_says_so(profile, sound_school, tmp_path):
    stop_the_feed(sound_school, timedelta(days=3.5))
    assert states(profile) == (0, {})
    with commands_of(copy_project(tmp_path, engagement_checkin_silence_hours=72, engagement_view_limit_ms=60_000)):
        assert "up to 72 are usual" in run_command(profile, "health").failed().output


def test_a_feed_that_never_was_is_not_well(profile, sound_school):
    sound_school.execute("truncate student_attendance")
    outcome = run_command(profile, "health").failed()
    assert "FAIL   checkins_arrive  no check-in has ever arrived" in outcome.output


NOT_WELL = {
    "checkins_outside_dayparts": """
        update student_attendance
        set checkin_time = evening.starts_at, checkout_time = evening.starts_at + interval '1 hour'
        from (
            select
                ctid as row_id,
                (checkin_time at time zone 'America/Guayaquil')::date::timestamp at time zone 'America/Guayaquil'
                + interval '20 hours' + student_id % 59 * interval '1 minute'
                + (checkin_time at time zone 'America/Guayaquil')::time::interval / 1440 as starts_at
            from student_attendance
        ) as evening
        where row_id = student_attendance.ctid and starts_at < now() - interval '1 day'
    """,
    "checkouts_at_one_minute": """
        update student_attendance
        set checkout_time = ((checkin_time at time zone 'America/Guayaquil')::date + interval '23:15')
            at time zone 'America/Guayaquil'
        where
            student_id % 4 = 0 and checkin_time < now() - interval '1 day'
            and extract(hour from checkin_time at time zone 'America/Guayaquil') >= 12
    """,
    "future_checkins": "insert into student_attendance values (1, now() + interval '1 hour'), (2, 'infinity')",
    "checkins_without_a_time": "insert into student_attendance values (1, null), (2, '-infinity')",
    "checkins_of_nobody": "insert into student_attendance values (9001, now()), (null, now())",
    "double_checkins": "insert into student_attendance select 1, now() from generate_series(1, 2)",
    "impossibly_old_checkins": "insert into student_attendance values (1, '1980-01-01'), (2, '0044-03-15 BC')",
    "learners_who_are_nobody": "insert into learning.at_risk_learners values (9001, true, null)",
    "students_listed_twice": (
        "alter table students drop constraint students_pkey; insert into students values (1, 'Otra')"
    ),
}


@pytest.mark.parametrize("name", NOT_WELL)
def test_what_is_wrong_with_the_rows_is_warned_of_by_one_check(name, sound_school, run_dbt):
    sound_school.execute(NOT_WELL[name])
    assert warned_of(run_dbt) == {name}


def warned_of(run_dbt: RunDbt, **variables: Any) -> set[str]:
    """Give the checks of the sources that warn; no other may fail."""
    run = run_dbt("school", "test", "--select", "path:tests/source_quality", vars=variables).succeeded()
    return {result.node.name for result in run.results if result.status == "warn"}


ELEVEN_HOURS = "interval '11 hours'"
# Of 400 check-ins from 9:00 on, how many may be so, from which student on they are, and what makes them so.
MOST = {
    "checkins_outside_dayparts": (
        80,
        1,
        f"checkin_time = checkin_time + {ELEVEN_HOURS}, checkout_time = checkout_time + {ELEVEN_HOURS}",
    ),
    "sessions_left_open": (80, 101, "checkout_time = null"),
    "sessions_too_long": (8, 201, "checkout_time = checkin_time + interval '12:00:01'"),
    "checkouts_before_checkins": (4, 250, "checkout_time = checkin_time - interval '1 second'"),
    "checkouts_at_one_minute": (20, 300, "checkout_time = checkin_time + interval '10 hours'"),
}


def test_a_share_of_the_rows_may_be_out_of_the_ordinary(make_database, deployed_template, run_dbt):
    uri = make_database("school", deployed_template)
    execute(
        uri,
        """
        insert into students select n, 'Ana' from generate_series(1, 400) as n;
        insert into student_attendance
        select student_id, nine, nine + student_id * interval '1 minute'
        from
            students,
            lateral (
                select date_trunc('day', now(), 'America/Guayaquil') + interval '9 hours' - interval '2 days'
            ) as opening (nine);
        -- All are odd more than 30 days ago, where nobody looks any more.
        insert into student_attendance
        select student_id, evening + n * interval '1 second', evening + n * interval '1 second' + length
        from
            (select student_id, checkin_time - interval '30 days' + interval '11 hours' from student_attendance)
                as evenings (student_id, evening),
            (values (1, interval '12:00:01'), (2, interval '-00:00:01'), (3, null)) as odd (n, length)
        """,
    )
    lately = "checkin_time > now() - interval '30 days'"
    change = f"update student_attendance set {{}} where {lately} and student_id between {{}} and {{}}"
    execute(uri, "; ".join(change.format(odd, first, first + most - 1) for most, first, odd in MOST.values()))
    assert warned_of(run_dbt) == set()
    execute(uri, "; ".join(change.format(odd, first + most, first + most) for most, first, odd in MOST.values()))
    assert warned_of(run_dbt) == MOST.keys()
    assert warned_of(run_dbt, engagement_session_longest_hours=13) == MOST.keys() - {"sessions_too_long"}
    execute(uri, "delete from student_attendance where student_id < 302")
    assert warned_of(run_dbt) == set(), "of 99 check-ins 19 are at one minute, which is no night's job"


def test_views_that_are_off_are_found_inconsistent(make_database, sample_template, run_dbt):
    """Each view's numbers and dates are off by the length of its name."""
    uri = make_database("school", sample_template)
    for view in (*(f"mgmt.{name}" for name in panel_views()), "mgmt_internal.int_engagement__hourly_attendance"):
        columns = execute(
            uri,
            "select attname::text, format_type(atttypid, atttypmod) from pg_attribute"
            f" where attrelid = '{view}'::regclass and attnum > 0 order by attnum",
        )
        ((definition,),) = execute(uri, f"select pg_get_viewdef('{view}'::regclass)")
        off = ", ".join(
            f"({name} + {len(view)})::{kind} as {name}" if kind in ("integer", "bigint", "numeric", "date") else name
            for name, kind in columns
        )
        execute(uri, f"create or replace view {view} as select {off} from ({definition.rstrip(';')}) as rows")
    results = run_dbt("school", "test", "--select", "path:tests/consistency").results
    failed = {result.node.name for result in results if result.status == "fail"}
    assert failed == {file.stem for file in (PROJECT / "tests" / "consistency").glob("*.sql")}


def test_what_is_wrong_with_the_rows_is_warned_of_and_no_alarm_unless_it_is_asked_to_be(
    profile, sound_school, tmp_path
):
    sound_school.execute("; ".join(NOT_WELL.values()))
    file = tmp_path / "ci" / "health.xml"
    warned = dict.fromkeys(NOT_WELL, "WARN")
    assert states(profile, "--junit", str(file)) == (0, warned)
    (suite,) = ElementTree.parse(file).getroot()
    assert suite.get("failures") == "0"
    assert suite.findtext("testcase[@name='future_checkins']/system-out").startswith(
        "2 rows\nWhat: a check-in whose time has not come yet."
    )

    assert states(profile, "--junit", str(file), "--strict") == (1, warned)
    (suite,) = ElementTree.parse(file).getroot()
    assert {case.get("name") for case in suite} == CHECKS
    counts = [str(len(CHECKS)), str(len(NOT_WELL)), "0"]
    assert [suite.get(count) for count in ("tests", "failures", "errors")] == counts
    cures = {
        "future_checkins": "correct the time at the source",
        "impossibly_old_checkins": "correct the time at the source",
        "checkins_without_a_time": "mend what writes the time",
    }
    for name, cure in cures.items():
        failure = suite.find(f"testcase[@name='{name}']/failure")
        assert failure.attrib == {"type": "warn", "message": "2 rows"}
        assert f"\nTo resolve: {cure}" in failure.text


def test_a_slow_view_is_a_warning_with_its_cause_and_cure(profile, sound_school, tmp_path):
    add_target(profile, "away", dbname="there is none")
    sound_school.execute(f"drop index {school.BY_TIME}")
    file = tmp_path / "health.xml"
    slow = dict.fromkeys([*panel_views(), "whole_panel"], "WARN")
    with limited_to(0, tmp_path):
        assert states(profile, "--target", "mgmt", "--junit", str(file)) == (0, slow)
        assert states(profile, "--target", "mgmt", "--strict") == (1, slow)
    (suite,) = ElementTree.parse(file).getroot()
    said = suite.findtext("testcase[@name='engagement_dau_90d_v']/system-out")
    assert ". Most likely cause: public.student_attendance has no index on (checkin_time)" in said
    assert "\nWhat: the view takes" in said
    assert "\nTo resolve: create index concurrently on public.student_attendance (checkin_time);" in said


def test_failing_rows_are_kept_where_readers_cannot_see_them(profile, database, sound_school, run_dbt):
    sound_school.execute(NOT_WELL["checkins_of_nobody"])
    sound_school.execute("create role health_reader login")
    run_dbt("school", "run", vars={"deployment_readers": ["health_reader"]}).succeeded()

    kept = sound_school.execute("select to_regclass('mgmt_internal.checkins_of_nobody')").fetchone()
    assert kept == (None,), "rows were kept unasked"
    states(profile, "--store-failures")
    rows = sound_school.execute(
        "select student_id, checkins from mgmt_internal.checkins_of_nobody order by 1"
    ).fetchall()
    assert rows == [(9001, 1), (None, 1)]

    with psycopg.connect(make_conninfo(database, user="health_reader"), autocommit=True) as reader:
        assert reader.execute("select count(*) from mgmt.engagement_inactive_roster_v").fetchone()[0] > 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="schema mgmt_internal"):
            reader.execute("select * from mgmt_internal.checkins_of_nobody")
    granted = sound_school.execute(
        "select oid::regclass from pg_class where relnamespace = 'mgmt_internal'::regnamespace"
        " and relkind in ('r', 'v') and has_table_privilege('health_reader', oid, 'select')"
    )
    assert granted.fetchall() == []


def test_a_panel_that_is_not_deployed_cannot_be_checked(make_database, workspace, tmp_path):
    file = tmp_path / "health.xml"
    profile = write_profile(workspace / "health", make_database("school"))
    outcome = run_command(profile, "health", "--junit", str(file)).exited_with(2)
    assert "Is the panel deployed (`dbt build`)" in outcome.output
    assert 'ERROR  checkins_arrive  relation "public.student_attendance" does not exist\n' in outcome.output
    assert (
        'ERROR  double_checkins  relation "mgmt_internal.stg_engagement__checkins" does not exist\n' in outcome.output
    )
    (suite,) = ElementTree.parse(file).getroot()
    errors = suite.findall("testcase/error")
    assert int(suite.get("errors")) == len(errors) > 0
    assert 'relation "public.student_attendance" does not exist' in {error.get("message") for error in errors}


def test_the_terminal_shows_findings_as_they_are_and_the_state_in_its_colour(monkeypatch):
    shown = Console(file=io.StringIO(), force_terminal=True, color_system="standard", highlight=False)
    monkeypatch.setattr(health, "console", shown)
    states = {"pass": "32", "warn": "33", "fail": "1;31", "error": "1;31"}
    health._print([Check(f"one {state}", state, "[/x] [a]", "", 0) for state in states], None)
    for state, colour in states.items():
        assert f"\x1b[{colour}m{state.upper():5}\x1b[0m  \x1b[1mone {state}\x1b[0m  [/x] [a]\n" in shown.file.getvalue()


def test_a_hook_that_fails_is_told_in_one_line(profile, tmp_path):
    project = copy_project(tmp_path)
    settings = project / "dbt_project.yml"
    settings.write_text(settings.read_text().replace("on-run-start:\n", "on-run-start:\n  - select 1 / 0\n"))
    with commands_of(project):
        outcome = run_command(profile, "health").exited_with(2)
    assert (outcome.output, outcome.errors.count("\n")) == ("", 1)
    assert "division by zero" in outcome.errors


def test_a_time_that_python_cannot_hold_keeps_nothing_from_being_shown(profile, sound_school, run_dbt, tmp_path):
    """The years 12000 and 44 BC, in the roster as well."""
    sound_school.execute(
        "insert into students values (9001, 'Julio'), (9002, 'Futura');"
        "insert into student_attendance values"
        " (9001, '0044-03-15 BC'), (9001, '0044-03-15 BC'), (9002, '12000-01-01'), (null, '0044-03-15 BC')"
    )
    for test, shown in (
        ("future_checkins", "12000-01-01"),
        ("impossibly_old_checkins", "0044-03-15"),
        ("double_checkins", "0044-03-15"),
        ("checkins_of_nobody", "0044-03-15"),
    ):
        run = run_dbt("school", "show", "--select", test).succeeded()
        assert shown in run.output
    run_command(profile, "report", "--output", str(tmp_path / "report")).succeeded()
    assert "Julio" in (tmp_path / "report" / "por_llamar.csv").read_text(encoding="utf-8-sig")


def test_rows_that_row_level_security_hides_are_not_well(profile, sound_school, database):
    sound_school.execute(
        "create role health_deployer login; grant usage on schema mgmt, mgmt_internal to health_deployer;"
        "grant select on all tables in schema public, mgmt, mgmt_internal to health_deployer;"
        "alter table student_attendance enable row level security"
    )
    other = write_profile(profile / "hidden", make_conninfo(database, user="health_deployer"))
    outcome = run_command(other, "health").failed()
    assert "FAIL   rows_hidden_by_row_security  1 row\n" in outcome.output
    assert "row-level security of a table behind the panel hides every row" in outcome.output

    sound_school.execute("create policy some_rows on student_attendance for select using (student_id > 1)")
    assert states(other) == (0, {"rows_filtered_by_row_security": "WARN"})


def test_a_school_in_which_nobody_counts_is_warned_of(sound_school, run_dbt):
    sound_school.execute("delete from students")
    run = run_dbt("school", "test", "--select", "no_student_counts")
    assert run.output.count("WARN 1 no_student_counts") == 1
