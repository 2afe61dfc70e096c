"""What every row of the six views must be, worked out from plain lists and exact numbers, without SQL.

`panel` computes the six views; `read_school` and `compare` hold a database's views against it:

    compare(connection, panel(*read_school(connection)))
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

COLUMNS = {
    "engagement_inactive_roster_v": (
        "student_id",
        "full_name",
        "level",
        "last_checkin_time",
        "days_since_last_checkin",
        "inactivity_bucket",
    ),
    "engagement_student_activity_v": (
        "student_id",
        "full_name",
        "level",
        "sessions_30d",
        "avg_days_between_visits",
        "days_since_last_checkin",
        "consistency_score",
    ),
    "engagement_recent_reactivated_14d_v": (
        "student_id",
        "full_name",
        "days_inactive_before_return",
        "return_date",
    ),
    "engagement_session_frequency_30d_v": ("bin_label", "student_count"),
    "engagement_daypart_retention_v": ("daypart", "return_rate"),
    "engagement_dual_risk_students_v": (
        "student_id",
        "full_name",
        "level",
        "engagement_issue",
        "learning_issue",
        "days_since_last_checkin",
    ),
}

# Days away from which an inactivity bucket holds, the bucket, and the issue shown of a learner at risk.
ABSENCES = (
    (180, "long_term_inactive_180d", "180+ días"),
    (30, "dormant_30d", "30+ días"),
    (14, "inactive_14d", "14+ días"),
    (7, "inactive_7d", None),
)
BINS = (
    ("0", range(0, 1)),
    ("1", range(1, 2)),
    ("2", range(2, 3)),
    ("3", range(3, 4)),
    ("4", range(4, 5)),
    ("5", range(5, 6)),
    ("6-7", range(6, 8)),
    ("8-10", range(8, 11)),
)
DAYPARTS = (
    ("morning_08_12", range(8, 12)),
    ("afternoon_12_17", range(12, 17)),
    ("evening_17_20", range(17, 20)),
)

Row = tuple[Any, ...]
# Each student's check-ins, oldest first; a student who never came is absent.
Visits = Mapping[int, Sequence[datetime]]


@dataclass(frozen=True)
class Student:
    """A row of the students' table that counts; one who is not active is in the roster only."""

    student_id: int
    full_name: str | None
    level: str | None
    active: bool = True


@dataclass(frozen=True)
class CheckIn:
    """A row of the attendance table that counts; its time is aware of its zone."""

    student_id: int | None
    checkin_time: datetime | None


@dataclass(frozen=True)
class Learner:
    """A row of the learning list; a row of the stuck students' list is one that is stuck."""

    student_id: int
    stuck: bool | None
    slow: bool | None


@dataclass(frozen=True)
class Settings:
    """What a school may choose: time zone, sessions of a full score, days of history of the mean gap."""

    timezone: str = "America/Guayaquil"
    sessions_target: int = 30
    gap_history_days: int | None = None


def panel(
    students: Sequence[Student],
    checkins: Iterable[CheckIn],
    learners: Iterable[Learner],
    now: datetime,
    settings: Settings = Settings(),  # noqa: B008 - frozen
) -> dict[str, list[Row]]:
    """Compute the rows of the six views, in their order, at the instant `now` (aware of its zone)."""
    now = now.astimezone(UTC)
    visits = existing_visits(students, checkins, now)
    active = [student for student in students if student.active]
    return {
        "engagement_inactive_roster_v": inactive_roster(students, visits, now),
        "engagement_student_activity_v": student_activity(active, visits, now, settings),
        "engagement_recent_reactivated_14d_v": recent_reactivated(active, visits, now, settings),
        "engagement_session_frequency_30d_v": session_frequency(active, visits, now),
        "engagement_daypart_retention_v": daypart_retention(active, visits, now, settings),
        "engagement_dual_risk_students_v": dual_risk_students(active, visits, learners, now),
    }


def existing_visits(students: Iterable[Student], checkins: Iterable[CheckIn], now: datetime) -> Visits:
    """Keep the check-ins of known students that have a time not later than `now`."""
    known = {student.student_id for student in students}
    visits = defaultdict(list)
    for checkin in checkins:
        if checkin.student_id in known and checkin.checkin_time is not None and checkin.checkin_time <= now:
            # In UTC, because Python subtracts times of one same zone by their wall clocks.
            visits[checkin.student_id].append(checkin.checkin_time.astimezone(UTC))
    return {student_id: sorted(times) for student_id, times in visits.items()}


def inactive_roster(students: Iterable[Student], visits: Visits, now: datetime) -> list[Row]:
    """List every student, those longest away first (module 11)."""
    rows = []
    for student in students:
        last = last_visit(student, visits)
        days = shown_days(last, now)
        bucket, _ = absence(last, now)
        row = (student.student_id, student.full_name, student.level, last, days, bucket)
        rows.append(((*descending(days), *by_name(student)), row))
    return in_order(rows)


def student_activity(students: Iterable[Student], visits: Visits, now: datetime, settings: Settings) -> list[Row]:
    """Measure sessions, mean gap, days away and score of every active student (modules 12 and 14)."""
    rows = []
    for student in students:
        times = visits.get(student.student_id, ())
        last = last_visit(student, visits)
        sessions = len(within(times, 30, now))
        days = shown_days(last, now)
        score = consistency_score(sessions, last, now, settings.sessions_target)
        gap = mean_gap(within(times, settings.gap_history_days, now))
        row = (student.student_id, student.full_name, student.level, sessions, gap, days, score)
        rows.append(((*descending(days), *descending(score), *by_name(student)), row))
    return in_order(rows)


def recent_reactivated(students: Iterable[Student], visits: Visits, now: datetime, settings: Settings) -> list[Row]:
    """List the check-ins of the last 14 days that came 14 or more after the one before (module 13)."""
    rows = []
    for student in students:
        times = visits.get(student.student_id, ())
        for previous, current in zip(times, times[1:], strict=False):
            away = current - previous
            if now - current <= timedelta(days=14) <= away:
                row = (
                    student.student_id,
                    student.full_name,
                    away.days,
                    local(current, settings).date(),
                )
                rows.append(((now - current, *by_name(student)), row))
    return in_order(rows)


def session_frequency(students: Iterable[Student], visits: Visits, now: datetime) -> list[Row]:
    """Count the active students who had 0, 1, 2, ... sessions in the last 30 days (module 15)."""
    sessions = [len(within(visits.get(student.student_id, ()), 30, now)) for student in students]
    bins = [(label, sum(count in counts for count in sessions)) for label, counts in BINS]
    return [*bins, ("11+", sum(count >= 11 for count in sessions))]


def daypart_retention(students: Iterable[Student], visits: Visits, now: datetime, settings: Settings) -> list[Row]:
    """Give the share of those who came in a daypart in the last 30 days twice or more (module 17)."""
    hours = [
        [local(time, settings).hour for time in within(visits.get(student.student_id, ()), 30, now)]
        for student in students
    ]
    rows = []
    for daypart, span in DAYPARTS:
        counts = [sum(hour in span for hour in student_hours) for student_hours in hours]
        came = sum(count >= 1 for count in counts)
        returned = sum(count >= 2 for count in counts)
        rows.append((daypart, rounded(Fraction(returned, came) if came else Fraction(0), 4)))
    return rows


def dual_risk_students(
    students: Iterable[Student], visits: Visits, learners: Iterable[Learner], now: datetime
) -> list[Row]:
    """List the active students who are 14 days or more away and learners at risk (module 19)."""
    listed = defaultdict(list)
    for learner in learners:
        listed[learner.student_id].append(learner)
    rows = []
    for student in students:
        last = last_visit(student, visits)
        _, issue = absence(last, now)
        if issue is not None and student.student_id in listed:
            days = shown_days(last, now)
            learning = learning_issue(listed[student.student_id])
            row = (student.student_id, student.full_name, student.level, issue, learning, days)
            rows.append(((*descending(days), *by_name(student)), row))
    return in_order(rows)


def last_visit(student: Student, visits: Visits) -> datetime | None:
    """Find the student's latest check-in, None if there never was one."""
    return max(visits.get(student.student_id, ()), default=None)


def within(times: Sequence[datetime], days: int | None, now: datetime) -> list[datetime]:
    """Keep the times of the last `days` days of 24 hours, the first instant included; all if None."""
    return [time for time in times if days is None or now - time <= timedelta(days=days)]


def elapsed_days(start: datetime, end: datetime) -> Fraction:
    """Count the days of 24 hours from `start` to `end`, exact to the microsecond."""
    return Fraction((end - start) // timedelta(microseconds=1), 86_400_000_000)


def shown_days(last: datetime | None, now: datetime) -> Decimal | None:
    """Give the days since `last` cut to two decimals, None for none."""
    return None if last is None else decimal(floor(elapsed_days(last, now) * 100), 2)


def absence(last: datetime | None, now: datetime) -> tuple[str, str | None]:
    """Name the inactivity bucket of a student last seen at `last`, and the issue if there is one."""
    for days, bucket, issue in ABSENCES:
        if last is not None and elapsed_days(last, now) >= days:
            return bucket, issue
    return "active_recent", None


def learning_issue(learners: Iterable[Learner]) -> str:
    """Word the gravest flag among a student's rows of the learning list."""
    learners = list(learners)
    if any(learner.stuck for learner in learners):
        return "Stalled"
    return "Slow" if any(learner.slow for learner in learners) else "At risk"


def mean_gap(times: Sequence[datetime]) -> Decimal | None:
    """Average the days between consecutive times (oldest first), None under two."""
    if len(times) < 2:
        return None
    return rounded(elapsed_days(times[0], times[-1]) / (len(times) - 1), 2)


def consistency_score(sessions: int, last: datetime | None, now: datetime, target: int) -> Decimal | None:
    """Score 0 to 100 how often and how lately a student came, None for one who never did."""
    if last is None:
        return None
    score = 100 * Fraction(sessions, target) / (1 + elapsed_days(last, now) / 7)
    return rounded(min(score, Fraction(100)), 2)


def local(time: datetime, settings: Settings) -> datetime:
    """Read the school's wall clock at `time`."""
    return time.astimezone(ZoneInfo(settings.timezone))


def rounded(value: Fraction, decimals: int) -> Decimal:
    """Round a value that is not negative, half up."""
    return decimal(floor(value * 10**decimals + Fraction(1, 2)), decimals)


def decimal(units: int, decimals: int) -> Decimal:
    """Write a whole number of cents, or of smaller units, with that many decimals."""
    return Decimal(units).scaleb(-decimals)


def descending(value: Decimal | None) -> tuple[bool, Decimal]:
    """Sort the greatest first, None last."""
    return (value is None, -(value or Decimal(0)))


def by_name(student: Student) -> tuple[bool, str, int]:
    """Sort by name in code point order, those without a name last, then by id."""
    return (student.full_name is None, student.full_name or "", student.student_id)


def in_order(rows: Iterable[tuple[Any, Row]]) -> list[Row]:
    """Sort the rows by the keys that come with them."""
    return [row for _, row in sorted(rows, key=itemgetter(0))]


def read_school(
    connection: psycopg.Connection,
) -> tuple[list[Student], list[CheckIn], list[Learner], datetime]:
    """Read the students, check-ins and learning list of a database of the default names, and its `now()`.

    The views must be read in the same transaction, which alone has that `now()`: autocommit is off.
    """
    students = connection.execute("select student_id, full_name, level from public.students")
    checkins = connection.execute("select student_id, checkin_time from public.student_attendance")
    learners = connection.execute("select student_id, stuck_flag, slow_flag from mgmt.learning_at_risk_learners_v")
    (now,) = connection.execute("select now()").fetchone()
    return (
        [Student(*row) for row in students],
        [CheckIn(*row) for row in checkins],
        [Learner(*row) for row in learners],
        now,
    )


def compare(connection: psycopg.Connection, expected: Mapping[str, Sequence[Row]], schema: str = "mgmt") -> list[str]:
    """Read the six views and tell how each one that differs from `expected` does; nothing if all are equal.

    Column names, order of rows and number of decimals count; times compare as instants.
    """
    differences = []
    for view, rows in expected.items():
        cursor = connection.execute(sql.SQL("select * from {}").format(sql.Identifier(schema, view)))
        columns = tuple(column.name for column in cursor.description)
        difference = first_difference(
            [COLUMNS[view], *(shown(row) for row in rows)], [columns, *(shown(row) for row in cursor)]
        )
        if difference:
            differences.append(f"{view}: {difference}")
    return differences


def first_difference(expected: Sequence[Row], found: Sequence[Row]) -> str | None:
    """Describe the first of the rows, numbered from the column names at 0, that differ."""
    if expected == found:
        return None
    shared = min(len(expected), len(found))
    at = next((i for i in range(shared) if expected[i] != found[i]), shared)
    return "\n".join(
        [
            f"row {at} differs ({len(expected) - 1} rows expected, {len(found) - 1} found)",
            f"  expected {expected[at] if at < len(expected) else 'no row'}",
            f"  found    {found[at] if at < len(found) else 'no row'}",
        ]
    )


def shown(row: Row) -> Row:
    """Write a row so that equal is exactly equal: decimals with all their places, times in UTC."""
    return tuple(map(shown_value, row))


def shown_value(value: Any) -> Any:
    """Write a decimal, a time or a date as text; leave any other value."""
    if isinstance(value, datetime):
        value = value.astimezone(UTC)
    return str(value) if isinstance(value, Decimal | date) else value
