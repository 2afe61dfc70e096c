"""The six views of a real database, held to the oracle row for row, in schools adversarial and random."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import psycopg
import pytest
from conftest import MakeDatabase, RunDbt
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import CheckIn, Settings, compare, panel, read_school
from panels import ADVERSARIAL, School, schools

import sandbox.school


def zone_in_daytime() -> str:
    """Choose a zone where it is day now, and so was 30 days ago: visits at both instants have a daypart."""
    zones = ("America/Los_Angeles", "Europe/Berlin", "Australia/Sydney")
    return next(zone for zone in zones if 9 <= datetime.now(ZoneInfo(zone)).hour < 19)


# A school that sets every var that changes rows.
OTHER_SETTINGS = Settings(zone_in_daytime(), sessions_target=12, gap_history_days=60)
OTHER_VARS = {
    "engagement_timezone": OTHER_SETTINGS.timezone,
    "engagement_consistency_sessions_target": OTHER_SETTINGS.sessions_target,
    "engagement_avg_gap_history_days": OTHER_SETTINGS.gap_history_days,
    "engagement_students_condition": "level is distinct from 'archived'",
    # Null for one who has a name and no level; its "or" wants the parentheses.
    "engagement_students_active_condition": "level <> 'frozen' or full_name is null",
    "engagement_attendance_condition": "checkout_time is null",
}


def all_that_count(school: School) -> School:
    """Leave a school as it is, as the default conditions do."""
    return school


def those_that_count(school: School) -> School:
    """Apply the conditions of `OTHER_VARS`."""
    return replace(
        school,
        students=[
            replace(student, active=student.full_name is None or student.level not in (None, "frozen"))
            for student in school.students
            if student.level != "archived"
        ],
        visits=[visit for visit in school.visits if not visit.erased],
    )


@dataclass(frozen=True)
class Deployment:
    """A database with the panel in it, the settings of that panel, and what its conditions let through."""

    connection: psycopg.Connection
    settings: Settings
    counting: Callable[[School], School]


@pytest.fixture(scope="module")
def default_vars(panel_database: str) -> Iterator[Deployment]:
    """Give the panel as it is deployed without a var."""
    with psycopg.connect(panel_database) as connection:
        yield Deployment(connection, Settings(), all_that_count)


@pytest.fixture(scope="module")
def other_vars(make_database: MakeDatabase, deployed_template: str, run_dbt: RunDbt) -> Iterator[Deployment]:
    """Give the panel as it is deployed with `OTHER_VARS`, without the indexes that it looks for."""
    name = "other_vars"
    uri = make_database(name, deployed_template)
    with psycopg.connect(uri) as connection:
        connection.execute(
            "drop index student_attendance_student_id_checkin_time_idx, student_attendance_checkin_time_idx"
        )
    run = run_dbt(name, "run", vars=OTHER_VARS)
    assert run.exit_code == 0, run.output
    with psycopg.connect(uri) as connection:
        yield Deployment(connection, OTHER_SETTINGS, those_that_count)


@pytest.fixture(scope="module", params=["default_vars", "other_vars"])
def deployment(request: pytest.FixtureRequest) -> Deployment:
    """Give one deployment of the panel after the other."""
    return request.getfixturevalue(request.param)


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


def set_session_zone(connection: psycopg.Connection, zone: str) -> None:
    """Set the session's time zone until the transaction ends."""
    connection.execute("select set_config('TimeZone', %s, true)", [zone])


def load(connection: psycopg.Connection, school: School, now: datetime, zone: ZoneInfo) -> None:
    """Write a school as it is at `now`; an erased visit has a checkout."""
    sandbox.school.load(
        connection,
        sandbox.school.School(
            [
                sandbox.school.Student(student.student_id, student.full_name, student.level)
                for student in school.students
            ],
            [
                sandbox.school.Checkin(row.student_id, row.checkin_time, now if visit.erased else None)
                for visit, row in zip(school.visits, school.checkins(now, zone), strict=True)
            ],
            [
                sandbox.school.AtRiskLearner(learner.student_id, learner.stuck, learner.slow)
                for learner in school.learners
            ],
        ),
    )


def check(deployment: Deployment, school: School, session_zones: Sequence[str]) -> None:
    """Load a school, compare the six views with the oracle under each session time zone, and undo it all."""
    connection = deployment.connection
    zone = ZoneInfo(deployment.settings.timezone)
    with connection.transaction(force_rollback=True):
        now = connection.execute("select now()").fetchone()[0].astimezone(UTC)
        load(connection, school, now, zone)
        counting = deployment.counting(school)
        checkins = counting.checkins(now, zone)
        expected = panel(counting.students, checkins, counting.learners, now, deployment.settings)
        for session_zone in session_zones:
            set_session_zone(connection, session_zone)
            differences = compare(connection, expected)
            assert not differences, "\n".join(
                [f"session time zone {session_zone}", *differences, described(counting, checkins, now)]
            )


def described(school: School, checkins: Sequence[CheckIn], now: datetime) -> str:
    """Write out a school, a line for each student, check-in and row of the learning list."""
    lines = [f"now {now}"]
    known = {student.student_id: f"{student}" for student in school.students}
    strangers = {row.student_id: f"unknown student {row.student_id}" for row in (*checkins, *school.learners)}
    for student_id, name in (strangers | known).items():
        lines.append(name)
        lines += [f"    came {row.checkin_time}" for row in checkins if row.student_id == student_id]
        lines += [f"    {row}" for row in school.learners if row.student_id == student_id]
    return "\n".join(lines)


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_adversarial_school(deployment: Deployment, name: str) -> None:
    check(deployment, ADVERSARIAL[name], SESSION_ZONES)


@settings(max_examples=400)
@given(school=schools(), session_zone=st.sampled_from(SESSION_ZONES))
def test_random_school(deployment: Deployment, school: School, session_zone: str) -> None:
    check(deployment, school, [session_zone])


def test_a_checkin_at_infinity_is_in_the_future(panel_connection: psycopg.Connection) -> None:
    with panel_connection.transaction(force_rollback=True):
        panel_connection.execute("insert into public.students values (1, 'Ana', 'A1')")
        students, checkins, learners, now = read_school(panel_connection)
        panel_connection.execute("insert into public.student_attendance values (1, 'infinity')")
        assert compare(panel_connection, panel(students, checkins, learners, now)) == []


@pytest.mark.parametrize("session_zone", SESSION_ZONES)
def test_a_loaded_school_is_read_as_it_is(panel_connection: psycopg.Connection, session_zone: str) -> None:
    school = ADVERSARIAL["an hour a day for a month"]
    with panel_connection.transaction(force_rollback=True):
        now = panel_connection.execute("select now()").fetchone()[0]
        load(panel_connection, school, now, ZoneInfo("America/Guayaquil"))
        set_session_zone(panel_connection, session_zone)
        assert compare(panel_connection, panel(*read_school(panel_connection))) == []


def test_a_difference_tells_the_view_and_the_row(panel_connection: psycopg.Connection) -> None:
    with panel_connection.transaction(force_rollback=True):
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


def test_the_clocks_of_the_last_session_zone_changed_lately(panel_connection: psycopg.Connection) -> None:
    with panel_connection.transaction(force_rollback=True):
        set_session_zone(panel_connection, SESSION_ZONES[-1])
        offsets = panel_connection.execute(
            "select extract(timezone_hour from now()), extract(timezone_hour from now() - interval '13 days')"
        ).fetchone()
    assert offsets == (-4, -5)
