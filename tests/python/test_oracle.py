"""The views of a real database, held to the oracle row for row, in schools adversarial and random."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import cycle
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import COLUMNS, Settings, columns_of, compare, panel, read_school
from panels import ADVERSARIAL, SESSIONS, VISITS, ClockChange, School, WallClock, schools
from psycopg.conninfo import make_conninfo
from support import MakeDatabase, RunDbt, execute

import sandbox.school


def zone_in_daytime() -> str:
    """Choose a zone where it is day now, and so was 30 days ago: visits at both instants have a daypart."""
    zones = ("America/Los_Angeles", "Europe/Berlin", "Australia/Sydney")
    return next(zone for zone in zones if 9 <= datetime.now(ZoneInfo(zone)).hour < 19)


# A school that sets every var that changes rows.
OTHER_SETTINGS = Settings(
    zone_in_daytime(), sessions_target=12, gap_history_days=60, session_longest_hours=20, visit_gap_days=30
)
OTHER_VARS = {
    "engagement_timezone": OTHER_SETTINGS.timezone,
    "engagement_consistency_sessions_target": OTHER_SETTINGS.sessions_target,
    "engagement_avg_gap_history_days": OTHER_SETTINGS.gap_history_days,
    # The "or" of each condition wants its parentheses.
    "engagement_students_condition": "level is distinct from 'archived' or false",
    # Null for one who has a name and no level.
    "engagement_students_active_condition": "level <> 'frozen' or full_name is null",
    "engagement_attendance_condition": "not erased or false",
    "engagement_session_longest_hours": OTHER_SETTINGS.session_longest_hours,
    "engagement_visit_gap_days": OTHER_SETTINGS.visit_gap_days,
    # Null for one without a mark.
    "engagement_attendance_checkout_condition": "auto_checkout = false or student_id < 0",
}
# A school that does not record when people leave, and looks at all gaps there ever were.
NO_CHECKOUTS_VARS = {"engagement_attendance_checkout_time_column": None, "engagement_visit_gap_days": None}

# The copy of a deployment's database in which the clock can be set.
COPY = "{}_of_any_clock"


class Clock(NamedTuple):
    """A school's zone, and the present as it is told there."""

    zone: str
    now: str


CLOCKS = (
    # Clocks go back at 01:00 on 2025-11-02, so that midnight comes twice, and forward at midnight on 2026-03-08. It is
    # in that hour, on that day, two weeks later; that day is the first of the last 90, or the one before them.
    Clock("America/Havana", "2025-11-02T00:30:00-04:00"),
    Clock("America/Havana", "2025-11-02T00:30:00-05:00"),
    Clock("America/Havana", "2025-11-02T18:00:00-05:00"),
    Clock("America/Havana", "2025-11-16T12:00:00-05:00"),
    Clock("America/Havana", "2026-01-30T09:00:00-05:00"),
    Clock("America/Havana", "2026-01-31T00:00:00-05:00"),
    Clock("America/Havana", "2026-03-08T01:00:00-04:00"),
    Clock("America/Havana", "2026-06-05T09:00:00-04:00"),
    # At midnight they go back to 23:00 on 2025-04-05, and forward on 2025-09-07.
    Clock("America/Santiago", "2025-04-05T23:30:00-04:00"),
    Clock("America/Santiago", "2025-07-04T12:00:00-04:00"),
    Clock("America/Santiago", "2025-09-09T12:00:00-03:00"),
    # At 02:00, an hour back or forward, on a Sunday a week ago or less.
    Clock("America/New_York", "2025-11-08T23:59:59.999999-05:00"),
    Clock("America/New_York", "2025-03-16T12:00:00-04:00"),
    # Half an hour, two hours, and quarters.
    Clock("Australia/Lord_Howe", "2025-04-06T01:45:00+10:30"),
    Clock("Australia/Lord_Howe", "2025-10-12T12:00:00+11:00"),
    Clock("Antarctica/Troll", "2025-10-30T20:00:00+00:00"),
    Clock("Pacific/Chatham", "2025-04-20T12:00:00+12:45"),
    # No change, but a part-hour offset: the last microsecond of a Sunday, the first of a Monday.
    Clock("Asia/Kolkata", "2026-03-15T23:59:59.999999+05:30"),
    Clock("Asia/Kathmandu", "2026-03-16T00:00:00+05:45"),
)


def without_checkouts(school: School) -> School:
    return replace(school, visits=[replace(visit, checkout=None) for visit in school.visits])


def those_that_count(school: School) -> School:
    """Apply the conditions of `OTHER_VARS`."""
    return replace(
        school,
        students=[
            replace(student, active=student.full_name is None or student.level not in (None, "frozen"))
            for student in school.students
            if student.level != "archived"
        ],
        visits=[
            visit
            if visit.auto_checkout is False or (visit.student_id is not None and visit.student_id < 0)
            else replace(visit, checkout=None)
            for visit in school.visits
            if not visit.erased
        ],
    )


Deploy = Callable[..., psycopg.Connection]


@dataclass(frozen=True)
class Deployment:
    """A database with the panel in it, the settings of that panel, and what its conditions let through."""

    connection: psycopg.Connection
    settings: Settings
    counting: Callable[[School], School]


@pytest.fixture(scope="module")
def deploy(make_database: MakeDatabase, deployed_template: str, run_dbt: RunDbt) -> Iterator[Deploy]:
    """Give a function that deploys the panel with vars, after some SQL, at a school whose check-ins may be erased.

    It gives a connection to the database of that name, and leaves a copy for the tests that set the clock.
    """
    with ExitStack() as connections:

        def deploy(name: str, vars: dict[str, Any] | None = None, changes: str = "") -> psycopg.Connection:
            uri = make_database(name, deployed_template)
            execute(uri, f"alter table public.student_attendance add erased boolean; {changes}")
            if vars:
                run_dbt(name, "run", vars=vars).succeeded()
            make_database(COPY.format(name), name)
            return connections.enter_context(psycopg.connect(uri))

        yield deploy


@pytest.fixture(scope="module")
def default_vars(deploy: Deploy) -> Deployment:
    """Give the panel as it is deployed without a var."""
    return Deployment(deploy("default_vars"), Settings(), lambda school: school)


@pytest.fixture(scope="module")
def other_vars(deploy: Deploy) -> Deployment:
    """Give the panel as it is deployed with `OTHER_VARS`, without the indexes that it looks for."""
    connection = deploy("other_vars", OTHER_VARS, f"drop index {sandbox.school.BY_STUDENT}, {sandbox.school.BY_TIME}")
    return Deployment(connection, OTHER_SETTINGS, those_that_count)


@pytest.fixture(scope="module")
def no_checkouts(deploy: Deploy) -> Deployment:
    """Give the panel of a school that does not record when people leave."""
    connection = deploy("no_checkouts", NO_CHECKOUTS_VARS)
    return Deployment(connection, Settings(visit_gap_days=None), without_checkouts)


@pytest.fixture(scope="module", params=["default_vars", "other_vars"])
def deployment(request: pytest.FixtureRequest) -> Deployment:
    """Give one deployment of the panel after the other."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module", params=["default_vars", "other_vars"])
def deployment_of_any_clock(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """Give copies of deployments whose views take the present and the school's zone from settings of the session."""
    deployment = request.getfixturevalue(request.param)
    info = deployment.connection.info
    with psycopg.connect(make_conninfo(info.dsn, dbname=COPY.format(info.dbname))) as connection:
        let_clock_be_set(connection, deployment.settings.timezone)
        yield replace(deployment, connection=connection)


def let_clock_be_set(connection: psycopg.Connection, zone: str) -> None:
    """Replace the present and the school's zone in all views by the settings test.now and test.zone."""
    settings = {"now()": "current_setting('test.now')::timestamptz", f"'{zone}'::text": "current_setting('test.zone')"}
    views = connection.execute(
        "select oid::regclass::text, pg_get_viewdef(oid) from pg_class"
        " where relkind = 'v' and relnamespace::regnamespace::text ~ '^mgmt'"
    ).fetchall()
    for view, definition in views:
        for literal, setting in settings.items():
            definition = definition.replace(literal, setting)
        assert zone not in definition
        connection.execute(f"create or replace view {view} as {definition}")
    connection.commit()


def set_clock(connection: psycopg.Connection, now: datetime, zone: str) -> None:
    """Set what `let_clock_be_set` lets be set, until the transaction ends."""
    connection.execute(
        "select set_config('test.now', %s, true), set_config('test.zone', %s, true)", [now.isoformat(), zone]
    )


def clocks_changed_lately() -> str:
    """Write a POSIX time zone whose clocks went forward ten days ago, whenever the test runs."""
    forward = datetime.now(UTC).date() - timedelta(days=10)
    return f"AAA5BBB,J{julian_day(forward)},J{julian_day(forward + timedelta(days=100))}"


def julian_day(day: date) -> int:
    """Count the days of the year up to that day as POSIX does, which never counts the 29th of February."""
    leap_day = (day.month, day.day) == (2, 29)
    return (day - timedelta(days=leap_day)).replace(year=2001).timetuple().tm_yday


SESSION_ZONES = (
    "UTC",
    "America/Guayaquil",
    "America/New_York",
    "Pacific/Kiritimati",
    "Asia/Kolkata",
    clocks_changed_lately(),
)


def zone_for(name: str, deployment: Deployment) -> str:
    """Choose a session time zone for an adversarial school, another one in another deployment."""
    place = list(ADVERSARIAL).index(name) + 3 * (deployment.settings is OTHER_SETTINGS)
    return SESSION_ZONES[place % len(SESSION_ZONES)]


def set_session_zone(connection: psycopg.Connection, zone: str) -> None:
    """Set the session's time zone until the transaction ends."""
    connection.execute("select set_config('TimeZone', %s, true)", [zone])


def load(connection: psycopg.Connection, school: School, now: datetime, zone: ZoneInfo) -> None:
    """Write a school as it is at `now` into empty tables."""
    tables = {
        "public.students (student_id, full_name, level)": [
            (student.student_id, student.full_name, student.level) for student in school.students
        ],
        "public.student_attendance (student_id, checkin_time, checkout_time, auto_checkout, erased)": [
            (row.student_id, row.checkin_time, as_stored(row.checkout_time), visit.auto_checkout, visit.erased)
            for visit, row in zip(school.visits, school.checkins(now, zone), strict=True)
        ],
        "learning.at_risk_learners (student_id, stuck_flag, slow_flag)": [
            (learner.student_id, learner.stuck, learner.slow) for learner in school.learners
        ],
    }
    for table, rows in tables.items():
        with connection.cursor().copy(f"copy {table} from stdin") as copy:
            for row in rows:
                copy.write_row(row)
    connection.execute("analyze public.students, public.student_attendance, learning.at_risk_learners")


def as_stored(time: datetime | None) -> datetime | str | None:
    """Write the first and the last time that Python knows as PostgreSQL's infinities."""
    return {MINYEAR: "-infinity", MAXYEAR: "infinity"}.get(time.year, time) if time else None


def check(deployment: Deployment, school: School, session_zone: str, clock: Clock | None = None) -> None:
    """Load a school, compare the views with the oracle under a session time zone, and undo it all.

    It happens now, in a school of the deployment's zone, unless a clock says otherwise.
    """
    connection = deployment.connection
    settings = deployment.settings if clock is None else replace(deployment.settings, timezone=clock.zone)
    zone = ZoneInfo(settings.timezone)
    with connection.transaction(force_rollback=True):
        if clock is None:
            now = connection.execute("select now()").fetchone()[0].astimezone(UTC)
        else:
            now = datetime.fromisoformat(clock.now).astimezone(UTC)
            set_clock(connection, now, clock.zone)
        load(connection, school, now, zone)
        counting = deployment.counting(school)
        expected = panel(counting.students, counting.checkins(now, zone), counting.learners, now, settings)
        set_session_zone(connection, session_zone)
        differences = compare(connection, expected)
        assert not differences, "\n".join([f"{now}, {settings}, session time zone {session_zone}", *differences])


@pytest.mark.parametrize("view", COLUMNS)
def test_columns_are_those_of_the_oracle(panel_connection, view):
    columns = panel_connection.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute"
        " where attrelid = to_regclass(%s) and attnum > 0 order by attnum",
        [f"mgmt.{view}"],
    ).fetchall()
    assert columns == list(columns_of(view).items())


def test_the_panel_adds_its_views_and_nothing_else(panel_connection, make_database):
    relations = "select relname, relkind from pg_class where relnamespace = 'mgmt'::regnamespace"
    with psycopg.connect(make_database("before_the_panel")) as connection:
        sandbox.school.create(connection)
        before = connection.execute(relations).fetchall()
    after = panel_connection.execute(relations).fetchall()
    assert set(after) - set(before) == {(view, "v") for view in COLUMNS}


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_adversarial_school(deployment, name):
    check(deployment, ADVERSARIAL[name], zone_for(name, deployment))


@settings(max_examples=100)
@given(school=schools(), session_zone=st.sampled_from(SESSION_ZONES))
def test_random_school(deployment, school, session_zone):
    check(deployment, school, session_zone)


def test_adversarial_schools_without_checkouts(no_checkouts):
    for school, session_zone in zip((VISITS | SESSIONS).values(), cycle(SESSION_ZONES), strict=False):
        check(no_checkouts, school, session_zone)


@settings(max_examples=30)
@given(school=schools(), session_zone=st.sampled_from(SESSION_ZONES))
def test_random_school_without_checkouts(no_checkouts, school, session_zone):
    check(no_checkouts, school, session_zone)


@pytest.mark.parametrize("clock", CLOCKS, ids=" ".join)
def test_adversarial_schools_of_a_clock(deployment_of_any_clock, clock):
    """Each school meets each clock once, half of the clocks in the one deployment and half in the other."""
    told_by_the_clock = [
        school
        for school in (VISITS | SESSIONS).values()
        if any(isinstance(visit.moment, WallClock | ClockChange) for visit in school.visits)
    ]
    first = (CLOCKS.index(clock) + (deployment_of_any_clock.settings is OTHER_SETTINGS)) % 2
    for school, session_zone in zip(told_by_the_clock[first::2], cycle(SESSION_ZONES), strict=False):
        check(deployment_of_any_clock, school, session_zone, clock)


@settings(max_examples=70)
@given(school=schools(), clock=st.sampled_from(CLOCKS), session_zone=st.sampled_from(SESSION_ZONES))
def test_random_school_of_a_clock(deployment_of_any_clock, school, clock, session_zone):
    check(deployment_of_any_clock, school, session_zone, clock)


@pytest.mark.parametrize("session_zone", SESSION_ZONES)
@pytest.mark.parametrize("name", ["an hour a day for a month", "sessions go on across every midnight"])
def test_a_loaded_school_is_read_as_it_is(default_vars, name, session_zone):
    connection = default_vars.connection
    with connection.transaction(force_rollback=True):
        now = connection.execute("select now()").fetchone()[0]
        load(connection, ADVERSARIAL[name], now, ZoneInfo("America/Guayaquil"))
        set_session_zone(connection, session_zone)
        assert compare(connection, panel(*read_school(connection))) == []


def test_a_difference_tells_the_view_and_the_row(panel_connection):
    panel_connection.execute("insert into public.students values (1, 'Ana', 'A1')")
    expected = panel(*read_school(panel_connection))
    expected["engagement_daypart_retention_v"][1] = ("afternoon_12_17", Decimal("0.00"))
    expected["engagement_inactive_roster_v"].clear()
    assert compare(panel_connection, expected) == [
        "engagement_inactive_roster_v: row 1 differs (0 rows expected, 1 found)\n"
        "  expected no row\n"
        "  found    (1, 'Ana', 'A1', None, None, 'active_recent')",
        "engagement_daypart_retention_v: row 2 differs (3 rows expected, 3 found)\n"
        "  expected ('afternoon_12_17', '0.00')\n"
        "  found    ('afternoon_12_17', '0.0000')",
    ]


def test_the_clocks_of_the_last_session_zone_changed_lately(panel_connection):
    set_session_zone(panel_connection, SESSION_ZONES[-1])
    offsets = panel_connection.execute(
        "select extract(timezone_hour from now()), extract(timezone_hour from now() - interval '13 days')"
    ).fetchone()
    assert offsets == (-4, -5)
