"""The oracle, held to schools small enough to work out on paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from oracle import CheckIn, Learner, Settings, Student, panel, time_by_hour

from sandbox.views import panel_views

# Noon in Guayaquil, which is always five hours behind UTC.
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


def test_the_oracle_knows_every_view() -> None:
    assert panel([], [], [], PAPER_NOW).keys() == panel_views().keys()


def test_the_oracle_agrees_with_paper_on_the_second_half() -> None:
    last = {row.student_id: row.checkin_time for row in PAPER_CHECKINS if row.checkin_time}
    found = panel(PAPER_STUDENTS, PAPER_CHECKINS, PAPER_LEARNERS, PAPER_NOW)
    expected = {
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
    assert {view: found[view] for view in expected} == expected


# A school whose sessions have ends, at the same noon, a Sunday: the last 90 days begin on Tuesday, 2025-12-16.
OPEN_STUDENTS = [
    Student(1, "Ana", "B1"),
    Student(2, "Bob", None),
    Student(3, "Cleo", ""),
    Student(4, "Dan", "A1", active=False),
    Student(5, "Eva", "A1"),
    Student(6, "Fay", "C1"),
    Student(7, "Gus", "A1"),
    Student(8, "Hal", "A1"),
    Student(9, "Ivy", "A1"),
    Student(10, "Jon", "A1"),
]
OPEN_CHECKINS = [
    CheckIn(student_id, *(time and datetime.fromisoformat(time) for time in times))
    for student_id, *times in (
        (1, "2026-03-15 10:30-05", "2026-03-15 12:30-05"),  # 90 minutes up to now
        (1, "2026-03-08 11:30-05", "2026-03-08 12:30-05"),  # ended a week ago, half of it before
        (1, "2025-12-15 23:00-05", "2025-12-16 01:00-05"),  # Monday, half of it before the 90 days
        (2, "2026-03-14 09:00-05", None),
        (2, "2026-03-14 09:00-05", None),
        (2, "2026-03-14 09:00-05", "2026-03-14 21:00-05"),  # 12 hours exactly
        (2, "2025-12-15 12:00-05", "2025-12-16 00:00:00.000001-05"),  # 90 days ago; a microsecond over 12 hours
        (2, "2020-12-15 12:00-05", None),
        (3, "2026-03-09 00:00-05", "2026-03-09 00:00:40-05"),  # Monday
        (3, "2026-03-01 12:00-05", "2026-03-01 11:00-05"),  # 14 days ago; out before in
        (3, "2025-12-15 11:59:59.999999-05", "2025-12-15 11:59:59.999999-05"),  # a microsecond over 90 days ago
        (3, "2025-09-16 12:00-05", "2025-09-16 13:00-05"),
        (4, "2026-03-15 11:50-05", "2026-03-15 23:51-05"),  # a minute over 12 hours, though it is not over yet
        (4, "2026-03-08 12:00-05", "2026-03-08 13:00-05"),  # 7 days ago
        (4, "2026-02-13 12:00-05", "2026-02-14 12:00-05"),  # forgotten
        (4, "2026-02-06 10:50-05", "2026-02-06 11:20:10-05"),
        (6, "2025-09-16 11:59:59.999999-05", None),  # a microsecond over 180 days ago
        (7, "2026-03-01 11:59:59.999999-05", None),  # a microsecond over 14 days ago
        (8, "2026-02-13 12:00-05", None),  # 30 days ago
        (9, "2026-03-08 11:59:59.999999-05", None),  # a microsecond over 7 days ago
        (10, "2025-09-16 12:00-05", None),  # 180 days ago
        (1, "2026-03-15 12:00:00.000001-05", "2026-03-15 13:00-05"),
        (1, None, "2026-03-15 11:00-05"),
        (11, "2026-03-15 09:00-05", "2026-03-15 10:00-05"),
        (None, "2026-03-15 09:00-05", "2026-03-15 10:00-05"),
    )
]
OPEN_WEEKS = [date(2025, 12, 15) + timedelta(weeks=week) for week in range(13)]
OPEN_DAYS = [date(2025, 12, 16) + timedelta(days=day) for day in range(90)]


def filled(keys: Iterable[Any], rows: Mapping[Any, tuple[Any, ...]], zeros: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Give a row for each key, one of zeros where none is given."""
    keys = list(keys)
    assert rows.keys() <= set(keys)
    return [(*(key if isinstance(key, tuple) else (key,)), *rows.get(key, zeros)) for key in keys]


def test_the_oracle_agrees_with_paper_on_the_first_half_of_the_panel() -> None:
    found = panel(OPEN_STUDENTS, OPEN_CHECKINS, [], PAPER_NOW)
    expected = {
        # Ana, Bob, Cleo, Dan; with Ivy; with Gus and Hal; with Jon.
        "engagement_active_counts_v": [(4, 5, 7, 8)],
        # Fay, Jon, Hal, Gus, Ivy: cumulative.
        "engagement_inactive_counts_v": [(5, 4, 3, 2)],
        "engagement_wau_mau_v": [(4, 7, Decimal("0.5714"))],
        # Ana 6d 23h, 82d 12.5h; Bob 0, 0, 88d 21h, 1826d; Cleo 7d 12h, 76d and a microsecond, which ended lately.
        # Together 2087d 20.5h over 8. Dan is not active.
        "engagement_avg_days_between_visits_v": [
            ("GLOBAL", None, Decimal("260.98")),
            ("LEVEL", "", Decimal("41.75")),
            ("LEVEL", "B1", Decimal("44.74")),
        ],
        # 0, 0, 6.96, 7.5, 76.00, 82.52, 88.88, 1826
        "engagement_median_days_between_visits_v": [(Decimal("41.75"),)],
        "engagement_weekly_active_90d_v": filled(
            OPEN_WEEKS,
            {
                # Ana, Bob and Cleo on Monday; Ana's two hours, also what lies before the 90 days.
                date(2025, 12, 15): (3, 120, 3, 3),
                date(2026, 2, 2): (1, 30, 1, 1),
                date(2026, 2, 9): (2, 0, 2, 2),
                date(2026, 2, 23): (2, 0, 2, 2),
                # Ana, Dan and Ivy on Sunday.
                date(2026, 3, 2): (3, 120, 3, 3),
                # Cleo on Monday, Bob three times on Saturday, Ana and Dan on Sunday: 40 seconds, 720 and 90 minutes.
                date(2026, 3, 9): (2, 811, 6, 4),
            },
            (0, 0, 0, 0),
        ),
        # Before: Ana, Cleo, Ivy; 30 minutes. Since: 30 and 60 on Sunday, 40 seconds, 720, 90.
        # 4/3 - 1; 900.6667 / 30 - 1.
        "engagement_decline_index_v": [(4, 3, Decimal("0.3333"), 901, 30, Decimal("29.0222"))],
        "engagement_mau_rolling_90d_v": [
            *((day, 3) for day in OPEN_DAYS[:30]),  # Ana, Bob, Cleo on December 15, up to January 14
            *((day, 0) for day in OPEN_DAYS[30:53]),
            *((day, 1) for day in OPEN_DAYS[53:60]),  # from February 7: Dan the day before
            *((day, 2) for day in OPEN_DAYS[60:76]),  # from February 14: Dan and Hal
            *((day, 4) for day in OPEN_DAYS[76:83]),  # from March 2: with Cleo and Gus
            *((day, 6) for day in OPEN_DAYS[83:89]),  # from March 9: with Ana and Ivy
            (date(2026, 3, 15), 7),  # with Bob; Hal 30 days before
        ],
        "engagement_hour_split_v": [
            ("morning_08_12", Decimal("330.17")),  # Dan 30 1/6, Ana 30 and 90, Bob 180
            ("afternoon_12_17", Decimal("390.00")),  # Ana 30, Dan 60, Bob 300
            ("evening_17_20", Decimal("180.00")),
        ],
        "engagement_hourly_heatmap_90d_v": filled(
            product(range(1, 8), range(24)),
            {
                (1, 0): (1,),  # 40 seconds
                (2, 0): (60,),
                (5, 10): (10,),
                (5, 11): (20,),
                **{(6, hour): (60,) for hour in range(9, 21)},
                (7, 10): (30,),
                (7, 11): (90,),  # half an hour on March 8, an hour today
                (7, 12): (90,),  # Ana and Dan on March 8
            },
            (0,),
        ),
        "engagement_dau_90d_v": filled(
            OPEN_DAYS,
            {
                date(2025, 12, 16): (0, Decimal("60.00")),  # since Monday's midnight
                date(2026, 2, 6): (1, Decimal("30.17")),
                date(2026, 2, 13): (2, Decimal("0.00")),
                date(2026, 3, 1): (2, Decimal("0.00")),
                date(2026, 3, 8): (3, Decimal("120.00")),
                date(2026, 3, 9): (1, Decimal("0.67")),
                date(2026, 3, 14): (1, Decimal("720.00")),
                date(2026, 3, 15): (2, Decimal("90.00")),
            },
            (0, Decimal("0.00")),
        ),
    }
    assert {view: found[view] for view in expected} == expected


@pytest.mark.parametrize(
    ("zone", "start", "end", "expected"),
    [
        # The clocks go back at 01:00: Sunday's midnight comes twice.
        (
            "America/Havana",
            "2025-11-01 23:30-04:00",
            "2025-11-02 00:30-05:00",
            {("2025-11-01", 23): 30, ("2025-11-02", 0): 90},
        ),
        # They go back at midnight: Saturday's last hour comes twice.
        (
            "America/Santiago",
            "2025-04-05 22:30-03:00",
            "2025-04-06 00:30-04:00",
            {("2025-04-05", 22): 30, ("2025-04-05", 23): 120, ("2025-04-06", 0): 30},
        ),
        # They go back by half an hour at 02:00, and forward at 02:00.
        (
            "Australia/Lord_Howe",
            "2025-04-06 00:30+11:00",
            "2025-04-06 02:15+10:30",
            {("2025-04-06", 0): 30, ("2025-04-06", 1): 90, ("2025-04-06", 2): 15},
        ),
        (
            "Australia/Lord_Howe",
            "2025-10-05 01:15+10:30",
            "2025-10-05 03:15+11:00",
            {("2025-10-05", 1): 45, ("2025-10-05", 2): 30, ("2025-10-05", 3): 15},
        ),
    ],
)
def test_the_hours_in_which_a_session_is_spent(
    zone: str, start: str, end: str, expected: dict[tuple[str, int], float]
) -> None:
    stay = (datetime.fromisoformat(start).astimezone(UTC), datetime.fromisoformat(end).astimezone(UTC))
    assert time_by_hour([stay], Settings(zone)) == {
        (date.fromisoformat(day), hour): timedelta(minutes=minutes) for (day, hour), minutes in expected.items()
    }
