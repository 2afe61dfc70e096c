"""What every row of the panel must be, worked out from plain lists and exact numbers, without SQL.

`panel` computes all views; `read_school` and `compare` hold a database's views against it:

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
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

# The columns of each view in their order, with their types as PostgreSQL writes them.
COLUMNS = {
    "engagement_inactive_roster_v": (
        "student_id integer, full_name text, level text, last_checkin_time timestamp with time zone, "
        "days_since_last_checkin numeric, inactivity_bucket text"
    ),
    "engagement_student_activity_v": (
        "student_id integer, full_name text, level text, sessions_30d integer, avg_days_between_visits numeric, "
        "days_since_last_checkin numeric, consistency_score numeric"
    ),
    "engagement_recent_reactivated_14d_v": (
        "student_id integer, full_name text, days_inactive_before_return integer, return_date date"
    ),
    "engagement_session_frequency_30d_v": "bin_label text, student_count integer",
    "engagement_daypart_retention_v": "daypart text, return_rate numeric",
    "engagement_dual_risk_students_v": (
        "student_id integer, full_name text, level text, engagement_issue text, learning_issue text, "
        "days_since_last_checkin numeric"
    ),
    "engagement_active_counts_v": "active_7d integer, active_14d integer, active_30d integer, active_6mo integer",
    "engagement_inactive_counts_v": (
        "inactive_7d_count integer, inactive_14d_count integer, dormant_30d_count integer, inactive_180d_count integer"
    ),
    "engagement_wau_mau_v": "wau integer, mau integer, wau_mau_ratio numeric",
    "engagement_avg_days_between_visits_v": "scope text, level text, avg_days_between_visits numeric",
    "engagement_median_days_between_visits_v": "median_days_between_visits numeric",
    "engagement_weekly_active_90d_v": (
        "week_start date, max_daily_actives integer, total_minutes integer, sessions integer, "
        "sum_active_students integer"
    ),
    "engagement_decline_index_v": (
        "active_students_7d integer, active_students_prev7d integer, active_students_wow_change numeric, "
        "total_minutes_7d integer, total_minutes_prev7d integer, total_minutes_wow_change numeric"
    ),
    "engagement_mau_rolling_90d_v": "snapshot_date date, mau_rolling_30d integer",
    "engagement_hour_split_v": "daypart text, total_minutes numeric",
    "engagement_hourly_heatmap_90d_v": "iso_weekday integer, hour_local integer, minutes integer",
    "engagement_dau_90d_v": "d date, active_students integer, total_minutes numeric",
}

# Days away from which an inactivity bucket holds, the bucket, and the issue shown of a learner at risk.
ABSENCES = (
    (180, "long_term_inactive_180d", "180+ días"),
    (30, "dormant_30d", "30+ días"),
    (14, "inactive_14d", "14+ días"),
    (7, "inactive_7d", None),
)
BINS = (
    *((str(count), range(count, count + 1)) for count in range(6)),
    ("6-7", range(6, 8)),
    ("8-10", range(8, 11)),
)
DAYPARTS = (
    ("morning_08_12", range(8, 12)),
    ("afternoon_12_17", range(12, 17)),
    ("evening_17_20", range(17, 20)),
)

# Since 2023 every local hour and every change of a clock, in every zone, begins on a quarter of an hour of UTC.
QUARTER = timedelta(minutes=15)
MIDNIGHT_UTC = datetime(2023, 1, 1, tzinfo=UTC)

Row = tuple[Any, ...]
# Each student's check-ins, oldest first; a student who never came is absent.
Visits = Mapping[int, Sequence[datetime]]
# The students who came on each local date, once for each check-in; a date on which nobody came may be absent.
VisitorsByDay = Mapping[date, Sequence[int]]
# Time spent at the school, from its start to its end.
Stay = tuple[datetime, datetime]
# Time spent in each local hour of each local date; an hour in which nobody was there may be absent.
TimeByHour = Mapping[tuple[date, int], timedelta]


@dataclass(frozen=True)
class Student:
    """A row of the students' table that counts; one who is not active is in no list but the roster."""

    student_id: int
    full_name: str | None
    level: str | None
    active: bool = True


@dataclass(frozen=True)
class CheckIn:
    """A row of the attendance table that counts; its times are aware of their zones.

    The check-out is None if there is none, if the school has no such column or if the school's condition does not hold.
    Infinity is `datetime.max`.
    """

    student_id: int | None
    checkin_time: datetime | None
    checkout_time: datetime | None = None


@dataclass(frozen=True)
class Learner:
    """A row of the learning list; a row of the stuck students' list is one that is stuck."""

    student_id: int
    stuck: bool | None
    slow: bool | None


@dataclass(frozen=True)
class Settings:
    """What a school may choose.

    In this order: time zone, sessions of a full score, days of history of a student's mean gap, hours of the longest
    session that gives minutes, days within which a gap ends that the school's average and median look at.
    """

    timezone: str = "America/Guayaquil"
    sessions_target: int = 30
    gap_history_days: int | None = None
    session_longest_hours: int = 12
    visit_gap_days: int | None = 90


def panel(
    students: Sequence[Student],
    checkins: Iterable[CheckIn],
    learners: Iterable[Learner],
    now: datetime,
    settings: Settings = Settings(),  # noqa: B008 - frozen
) -> dict[str, list[Row]]:
    """Compute the rows of all views, in their order, at the instant `now` (aware of its zone)."""
    now = now.astimezone(UTC)
    existing = existing_checkins(students, checkins, now)
    visits = visits_by_student(existing)
    stays = counted_stays(existing, now, settings)
    by_hour = time_by_hour(stays, settings)
    by_day = visitors_by_day(visits, settings)
    days = last_90_days(now, settings)
    active = [student for student in students if student.active]
    gaps = recent_gaps(active, visits, now, settings)
    return {
        "engagement_inactive_roster_v": inactive_roster(students, visits, now),
        "engagement_student_activity_v": student_activity(active, visits, now, settings),
        "engagement_recent_reactivated_14d_v": recent_reactivated(active, visits, now, settings),
        "engagement_session_frequency_30d_v": session_frequency(active, visits, now),
        "engagement_daypart_retention_v": daypart_retention(active, visits, now, settings),
        "engagement_dual_risk_students_v": dual_risk_students(active, visits, learners, now),
        "engagement_active_counts_v": active_counts(visits, now),
        "engagement_inactive_counts_v": inactive_counts(active, visits, now),
        "engagement_wau_mau_v": wau_mau(visits, now),
        "engagement_avg_days_between_visits_v": avg_days_between_visits(gaps),
        "engagement_median_days_between_visits_v": median_days_between_visits(gaps),
        "engagement_weekly_active_90d_v": weekly_active(by_day, by_hour, days),
        "engagement_decline_index_v": decline_index(visits, stays, now),
        "engagement_mau_rolling_90d_v": mau_rolling(by_day, days),
        "engagement_hour_split_v": hour_split(by_hour, days),
        "engagement_hourly_heatmap_90d_v": hourly_heatmap(by_hour, days),
        "engagement_dau_90d_v": daily_active(by_day, by_hour, days),
    }


def existing_checkins(students: Iterable[Student], checkins: Iterable[CheckIn], now: datetime) -> list[CheckIn]:
    """Keep the check-ins of known students that have a time not later than `now`."""
    known = {student.student_id for student in students}
    # In UTC, because Python subtracts times of one same zone by their wall clocks.
    return [
        CheckIn(
            checkin.student_id,
            checkin.checkin_time.astimezone(UTC),
            checkin.checkout_time and checkin.checkout_time.astimezone(UTC),
        )
        for checkin in checkins
        if checkin.student_id in known and checkin.checkin_time is not None and checkin.checkin_time <= now
    ]


def visits_by_student(checkins: Iterable[CheckIn]) -> Visits:
    """Gather the check-in times of each student."""
    visits = defaultdict(list)
    for checkin in checkins:
        visits[checkin.student_id].append(checkin.checkin_time)
    return {student_id: sorted(times) for student_id, times in visits.items()}


def counted_stays(checkins: Iterable[CheckIn], now: datetime, settings: Settings) -> list[Stay]:
    """Give the time from check-in to check-out, up to `now`, of the sessions that give minutes."""
    longest = timedelta(hours=settings.session_longest_hours)
    return [
        (checkin.checkin_time, min(checkin.checkout_time, now))
        for checkin in checkins
        if checkin.checkout_time is not None and timedelta(0) < checkin.checkout_time - checkin.checkin_time <= longest
    ]


def time_by_hour(stays: Iterable[Stay], settings: Settings) -> TimeByHour:
    """Share out the time spent to the hours that the school's clock showed meanwhile."""
    hours = defaultdict(timedelta)
    for start, end in stays:
        while start < end:
            quarter_end = start - (start - MIDNIGHT_UTC) % QUARTER + QUARTER
            clock = local(start, settings)
            hours[clock.date(), clock.hour] += min(quarter_end, end) - start
            start = quarter_end
    return hours


def visitors_by_day(visits: Visits, settings: Settings) -> VisitorsByDay:
    """Give the students who came on each local date, once for each check-in."""
    students = defaultdict(list)
    for student_id, times in visits.items():
        for time in times:
            students[local(time, settings).date()].append(student_id)
    return students


def last_90_days(now: datetime, settings: Settings) -> list[date]:
    """List the 90 local dates that end with today's."""
    today = local(now, settings).date()
    return [today - timedelta(days=days) for days in reversed(range(90))]


def recent_gaps(
    students: Iterable[Student], visits: Visits, now: datetime, settings: Settings
) -> list[tuple[str | None, Fraction]]:
    """Give the days between consecutive check-ins, the second of them lately, with the student's level."""
    gaps = []
    for student in students:
        times = visits.get(student.student_id, ())
        for previous, current in zip(times, times[1:], strict=False):
            if within([current], settings.visit_gap_days, now):
                gaps.append((student.level, elapsed_days(previous, current)))
    return gaps


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
                row = (student.student_id, student.full_name, away.days, local(current, settings).date())
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


def active_counts(visits: Visits, now: datetime) -> list[Row]:
    """Count the students, active today or not, who came in the last 7, 14, 30 and 180 days (module 1)."""
    return [tuple(visitors_within(visits, days, now) for days in (7, 14, 30, 180))]


def inactive_counts(students: Iterable[Student], visits: Visits, now: datetime) -> list[Row]:
    """Count the active students who last came 7, 14, 30 and 180 days or more ago (module 2)."""
    lasts = [last_visit(student, visits) for student in students]
    away = [elapsed_days(last, now) for last in lasts if last is not None]
    return [tuple(sum(days >= least for days in away) for least in (7, 14, 30, 180))]


def wau_mau(visits: Visits, now: datetime) -> list[Row]:
    """Compare the students who came in the last 7 days with those of the last 30 (module 3)."""
    wau, mau = visitors_within(visits, 7, now), visitors_within(visits, 30, now)
    return [(wau, mau, rounded(Fraction(wau, mau) if mau else Fraction(0), 4))]


def avg_days_between_visits(gaps: Sequence[tuple[str | None, Fraction]]) -> list[Row]:
    """Average the gaps of all, and of each level that has one, in code point order (module 4)."""
    by_level = defaultdict(list)
    for level, days in gaps:
        by_level[level].append(days)
    return [
        ("GLOBAL", None, mean([days for _, days in gaps])),
        *(("LEVEL", level, mean(by_level[level])) for level in sorted(by_level.keys() - {None})),
    ]


def median_days_between_visits(gaps: Sequence[tuple[str | None, Fraction]]) -> list[Row]:
    """Find the middle of the gaps of all, or half way between the two middle ones (module 4)."""
    return [(rounded(median(days for _, days in gaps), 2) if gaps else None,)]


def weekly_active(by_day: VisitorsByDay, by_hour: TimeByHour, days: Sequence[date]) -> list[Row]:
    """Sum up each whole week from Monday, from that of the first of the days to the present one (module 5)."""
    rows = []
    monday = days[0] - timedelta(days=days[0].weekday())
    while monday <= days[-1]:
        week = [monday + timedelta(days=weekday) for weekday in range(7)]
        visitors = [len(set(by_day.get(day, ()))) for day in week]
        sessions = sum(len(by_day.get(day, ())) for day in week)
        rows.append((monday, max(visitors), whole_minutes(time_on(by_hour, week)), sessions, sum(visitors)))
        monday += timedelta(days=7)
    return rows


def decline_index(visits: Visits, stays: Iterable[Stay], now: datetime) -> list[Row]:
    """Compare students and minutes of the last 7 days with those of the 7 days before (module 6)."""
    week_ago, two_weeks_ago = now - timedelta(days=7), now - timedelta(days=14)
    students = sum(any(week_ago <= time for time in times) for times in visits.values())
    students_before = sum(any(two_weeks_ago <= time < week_ago for time in times) for times in visits.values())
    spent = spent_between(stays, week_ago, now)
    spent_before = spent_between(stays, two_weeks_ago, week_ago)
    return [
        (
            students,
            students_before,
            change(Fraction(students), Fraction(students_before)),
            whole_minutes(spent),
            whole_minutes(spent_before),
            change(minutes(spent), minutes(spent_before)),
        )
    ]


def mau_rolling(by_day: VisitorsByDay, days: Iterable[date]) -> list[Row]:
    """Count, for each of the days, the students who came in the 30 local days before it (module 7)."""
    rows = []
    for day in days:
        before = [day - timedelta(days=ago) for ago in range(1, 31)]
        rows.append((day, len({student_id for each in before for student_id in by_day.get(each, ())})))
    return rows


def hour_split(by_hour: TimeByHour, days: Sequence[date]) -> list[Row]:
    """Add up the minutes spent in each daypart of the days (module 8)."""
    return [(daypart, rounded(minutes(time_on(by_hour, days, span)), 2)) for daypart, span in DAYPARTS]


def hourly_heatmap(by_hour: TimeByHour, days: Sequence[date]) -> list[Row]:
    """Add up the minutes spent in each hour of the week, by weekday from Monday, 1, then hour (module 9)."""
    rows = []
    for weekday in range(1, 8):
        same = [day for day in days if day.isoweekday() == weekday]
        rows += [(weekday, hour, whole_minutes(time_on(by_hour, same, [hour]))) for hour in range(24)]
    return rows


def daily_active(by_day: VisitorsByDay, by_hour: TimeByHour, days: Sequence[date]) -> list[Row]:
    """Count the visitors and the minutes of each of the days (modules 10 and 16)."""
    return [(day, len(set(by_day.get(day, ()))), rounded(minutes(time_on(by_hour, [day])), 2)) for day in days]


def visitors_within(visits: Visits, days: int, now: datetime) -> int:
    """Count the students who came in the last `days` days of 24 hours."""
    return sum(bool(within(times, days, now)) for times in visits.values())


def mean(days: Sequence[Fraction]) -> Decimal | None:
    """Average numbers of days, None of none."""
    return rounded(sum(days) / len(days), 2) if days else None


def time_on(by_hour: TimeByHour, days: Iterable[date], hours: Iterable[int] = range(24)) -> timedelta:
    """Add up the time spent in those local hours of those local dates."""
    hours = list(hours)
    return sum((by_hour.get((day, hour), timedelta(0)) for day in days for hour in hours), timedelta(0))


def spent_between(stays: Iterable[Stay], start: datetime, end: datetime) -> timedelta:
    """Add up the time spent from `start` to `end`."""
    parts = (min(stay_end, end) - max(stay_start, start) for stay_start, stay_end in stays)
    return sum((part for part in parts if part > timedelta(0)), timedelta(0))


def minutes(time: timedelta) -> Fraction:
    """Give a length of time in minutes, exact to the microsecond."""
    return Fraction(time // timedelta(microseconds=1), 60_000_000)


def whole_minutes(time: timedelta) -> int:
    """Give a length of time in minutes, rounded."""
    return int(rounded(minutes(time), 0))


def change(value: Fraction, previous: Fraction) -> Decimal | None:
    """Tell by which part a value has grown since the previous one, None if that is shown as 0."""
    return rounded(value / previous - 1, 4) if rounded(previous, 0) else None


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
    """Round, halves away from zero."""
    units = floor(abs(value) * 10**decimals + Fraction(1, 2))
    return decimal(units if value >= 0 else -units, decimals)


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


def read_school(connection: psycopg.Connection) -> tuple[list[Student], list[CheckIn], list[Learner], datetime]:
    """Read the students, check-ins and learning list of a database of the default names, and its `now()`.

    The views must be read in the same transaction, which alone has that `now()`: autocommit is off.
    """
    students = connection.execute("select student_id, full_name, level from public.students")
    checkins = connection.execute("select student_id, checkin_time, checkout_time from public.student_attendance")
    learners = connection.execute("select student_id, stuck_flag, slow_flag from mgmt.learning_at_risk_learners_v")
    (now,) = connection.execute("select now()").fetchone()
    return (
        [Student(*row) for row in students],
        [CheckIn(*row) for row in checkins],
        [Learner(*row) for row in learners],
        now,
    )


def compare(connection: psycopg.Connection, expected: Mapping[str, Sequence[Row]]) -> list[str]:
    """Read the views and tell how each one that differs from `expected` does; nothing if all are equal.

    Column names, order of rows and number of decimals count; times compare as instants.
    """
    differences = []
    for view, rows in expected.items():
        cursor = connection.execute(f"select * from mgmt.{view}")
        columns = tuple(column.name for column in cursor.description)
        difference = first_difference(
            [tuple(columns_of(view)), *(shown(row) for row in rows)], [columns, *(shown(row) for row in cursor)]
        )
        if difference:
            differences.append(f"{view}: {difference}")
    return differences


def columns_of(view: str) -> dict[str, str]:
    """Give the types of a view's columns by their names."""
    return dict(column.split(" ", 1) for column in COLUMNS[view].split(", "))


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
