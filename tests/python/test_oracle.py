"""The six views of a real database, held to the oracle row for row, in schools adversarial and random."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import CheckIn, Learner, Settings, Student, compare, panel, read_school
from panels import ADVERSARIAL, School, schools
from support import MakeDatabase, RunDbt

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
        connection.execute(f"drop index {sandbox.school.BY_STUDENT}, {sandbox.school.BY_TIME}")
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


# A school small enough to work out on paper, at noon in Guayaquil, which is always five hours behind UTC.
PAPER_NOW = datetime(2026, 3, 15, 17, tzinfo=UTC)
PAPER_STUDENTS = [
    Student(1, "Ana", "B1"),
    Student(2, "Bob", None),
    Student(3, None, "A1"),
    Student(4, "Dan", "A1"),
    Student(5, "Eva", "A1"),
    Student(6, "Bob", "A1", active=False),
    Student(7, "Bob", "A1"),
]
PAPER_CHECKINS = [
    CheckIn(student_id, checkin_time and datetime.fromisoformat(checkin_time))
    for student_id, checkin_time in (
        (1, "2026-03-15 08:00-05"),  # 4 hours ago: 0.1666... days
        (1, "2026-03-13 08:30-05"),  # 27 days and 20.5 hours after the one before
        (1, "2026-02-13 12:00-05"),  # 30 days ago
        (2, "2026-03-08 12:00-05"),  # 7 days ago
        (2, "2026-03-08 17:00+00"),  # the same instant
        (3, "2026-02-28 23:30-05"),  # 14 days and 12.5 hours ago: 14.5208... days
        (3, "2026-02-28 23:30-05"),
        (4, "2024-03-08 23:59-05"),
        (4, "2026-03-09 23:59-05"),  # 731 days later; 5 days and 721 minutes ago: 5.5006... days
        (5, "2026-03-15 12:00:00.000001-05"),
        (5, None),
        (6, "2025-09-16 12:00-05"),  # 180 days ago
        (7, "2025-09-16 12:00-05"),
        (8, "2026-03-15 08:00-05"),
        (None, "2026-03-15 08:00-05"),
    )
]
PAPER_LEARNERS = [
    Learner(3, None, True),
    Learner(3, False, None),
    Learner(1, True, True),
    Learner(5, True, True),
    Learner(6, True, True),
    Learner(7, None, None),
    Learner(8, True, True),
]


def test_the_oracle_agrees_with_paper() -> None:
    last = {row.student_id: row.checkin_time for row in PAPER_CHECKINS if row.checkin_time}
    assert panel(PAPER_STUDENTS, PAPER_CHECKINS, PAPER_LEARNERS, PAPER_NOW) == {
        "engagement_inactive_roster_v": [
            (6, "Bob", "A1", last[6], Decimal("180.00"), "long_term_inactive_180d"),
            (7, "Bob", "A1", last[7], Decimal("180.00"), "long_term_inactive_180d"),
            (3, None, "A1", last[3], Decimal("14.52"), "inactive_14d"),
            (2, "Bob", None, last[2], Decimal("7.00"), "inactive_7d"),
            (4, "Dan", "A1", last[4], Decimal("5.50"), "active_recent"),
            (1, "Ana", "B1", PAPER_CHECKINS[0].checkin_time, Decimal("0.16"), "active_recent"),
            (5, "Eva", "A1", None, None, "active_recent"),
        ],
        "engagement_student_activity_v": [
            (7, "Bob", "A1", 0, None, Decimal("180.00"), Decimal("0.00")),
            # 100 * 2/30 / (1 + 14.5208/7) = 6.6667 / 3.0744 = 2.1684
            (3, None, "A1", 2, Decimal("0.00"), Decimal("14.52"), Decimal("2.17")),
            # 100 * 2/30 / (1 + 7/7) = 3.3333
            (2, "Bob", None, 2, Decimal("0.00"), Decimal("7.00"), Decimal("3.33")),
            # 100 * 1/30 / (1 + 5.5007/7) = 3.3333 / 1.7858 = 1.8666
            (4, "Dan", "A1", 1, Decimal("731.00"), Decimal("5.50"), Decimal("1.87")),
            # A gap of 29 days and 20 hours over two: 14.9167; 100 * 3/30 / (1 + 0.1667/7) = 420/43 = 9.7674
            (1, "Ana", "B1", 3, Decimal("14.92"), Decimal("0.16"), Decimal("9.77")),
            (5, "Eva", "A1", 0, None, None, None),
        ],
        "engagement_recent_reactivated_14d_v": [
            (1, "Ana", 27, date(2026, 3, 13)),
            (4, "Dan", 731, date(2026, 3, 9)),
        ],
        "engagement_session_frequency_30d_v": [
            ("0", 2),
            ("1", 1),
            ("2", 2),
            ("3", 1),
            ("4", 0),
            ("5", 0),
            ("6-7", 0),
            ("8-10", 0),
            ("11+", 0),
        ],
        "engagement_daypart_retention_v": [
            ("morning_08_12", Decimal("1.0000")),
            ("afternoon_12_17", Decimal("0.5000")),
            ("evening_17_20", Decimal("0.0000")),
        ],
        "engagement_dual_risk_students_v": [
            (7, "Bob", "A1", "180+ días", "At risk", Decimal("180.00")),
            (3, None, "A1", "14+ días", "Slow", Decimal("14.52")),
        ],
    }


def test_the_oracle_agrees_with_paper_under_other_settings() -> None:
    found = panel(PAPER_STUDENTS, PAPER_CHECKINS, PAPER_LEARNERS, PAPER_NOW, Settings("America/New_York", 12, 60))
    assert found["engagement_student_activity_v"] == [
        (7, "Bob", "A1", 0, None, Decimal("180.00"), Decimal("0.00")),
        (3, None, "A1", 2, Decimal("0.00"), Decimal("14.52"), Decimal("5.42")),
        (2, "Bob", None, 2, Decimal("0.00"), Decimal("7.00"), Decimal("8.33")),
        (4, "Dan", "A1", 1, None, Decimal("5.50"), Decimal("4.67")),
        (1, "Ana", "B1", 3, Decimal("14.92"), Decimal("0.16"), Decimal("24.42")),
        (5, "Eva", "A1", 0, None, None, None),
    ]
    # New York's summer began on March 8: Dan came at 00:59 there, Ana at 09:30 and today at 09:00.
    assert found["engagement_recent_reactivated_14d_v"] == [
        (1, "Ana", 27, date(2026, 3, 13)),
        (4, "Dan", 731, date(2026, 3, 10)),
    ]
