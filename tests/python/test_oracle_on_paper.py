"""The oracle, held to schools small enough to work out on paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from oracle import CheckIn, Learner, Settings, Student, panel, shown, time_by_hour

from sandbox.views import panel_views

# Noon of a Sunday in Guayaquil, which is always five hours behind UTC: the last 90 days begin on Tuesday, 2025-12-16.
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
    CheckIn(student_id, *(time and datetime.fromisoformat(time) for time in times))
    for student_id, *times in (
        (1, "2026-03-15 08:00-05", "2026-03-15 12:30-05"),  # 4 hours up to now: 0.1666... days
        (1, "2026-03-13 08:30-05", "2026-03-13 09:10:20-05"),  # Friday; 27 days and 20.5 hours after the one before
        (1, "2026-02-13 12:00-05"),  # 30 days ago
        (2, "2026-03-08 12:00-05", "2026-03-08 12:30-05"),  # 7 days ago
        (2, "2026-03-08 17:00+00"),  # the same instant
        (3, "2026-02-28 23:30-05", "2026-03-01 00:30-05"),  # 14 days and 12.5 hours ago: 14.5208... days
        (3, "2026-02-28 23:30-05"),
        (4, "2024-03-08 23:59-05"),
        (4, "2026-03-09 23:59-05", "2026-03-10 12:00-05"),  # 731 days later; 5 days and 721 minutes ago: 5.5006... days
        (5, "2026-03-15 12:00:00.000001-05", "2026-03-15 13:00-05"),
        (5, None, "2026-03-15 11:00-05"),
        (6, "2026-03-05 10:00-05", "2026-03-05 10:20-05"),  # Thursday; 10 days and 2 hours ago: 10.0833... days
        (7, "2025-09-16 12:00-05"),  # 180 days ago
        (8, "2026-03-15 08:00-05", "2026-03-15 09:00-05"),
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
WEEKS = [date(2025, 12, 15) + timedelta(weeks=week) for week in range(13)]
DAYS = [date(2025, 12, 16) + timedelta(days=day) for day in range(90)]


def filled(keys: Iterable[Any], rows: Mapping[Any, tuple[Any, ...]], zeros: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Give a row for each key, one of zeros where none is given."""
    keys = list(keys)
    assert rows.keys() <= set(keys)
    return [(*(key if isinstance(key, tuple) else (key,)), *rows.get(key, zeros)) for key in keys]


def test_the_oracle_agrees_with_paper():
    last = {row.student_id: row.checkin_time for row in PAPER_CHECKINS if row.checkin_time}
    expected = {
        "engagement_inactive_roster_v": [
            (7, "Bob", "A1", last[7], Decimal("180.00"), "long_term_inactive_180d"),
            (3, None, "A1", last[3], Decimal("14.52"), "inactive_14d"),
            (6, "Bob", "A1", last[6], Decimal("10.08"), "inactive_7d"),
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
        "engagement_recent_reactivated_14d_v": [(1, "Ana", 27, date(2026, 3, 13)), (4, "Dan", 731, date(2026, 3, 9))],
        "engagement_session_frequency_30d_v": filled(
            "0 1 2 3 4 5 6-7 8-10 11+".split(), {"0": (2,), "1": (1,), "2": (2,), "3": (1,)}, (0,)
        ),
        "engagement_daypart_retention_v": [
            ("morning_08_12", Decimal("1.0000")),
            ("afternoon_12_17", Decimal("0.5000")),
            ("evening_17_20", Decimal("0.0000")),
        ],
        "engagement_dual_risk_students_v": [
            (7, "Bob", "A1", "180+ días", "At risk", Decimal("180.00")),
            (3, None, "A1", "14+ días", "Slow", Decimal("14.52")),
        ],
        # Of all students 1, 2, 4; with 6; with 3; with 7.
        "engagement_active_counts_v": [(3, 4, 5, 6)],
        # 2, 3, 7; 3, 7; 7; 7: 6 is not active.
        "engagement_inactive_counts_v": [(3, 2, 1, 1)],
        "engagement_wau_mau_v": [(3, 5, Decimal("0.6000"))],
        # Ana 27d 20.5h, 1d 23.5h; Bob and 3 nothing; Dan 731d, which ended lately: together 760d 20h over 5.
        "engagement_avg_days_between_visits_v": [
            ("GLOBAL", None, Decimal("152.17")),
            ("LEVEL", "A1", Decimal("365.50")),
            ("LEVEL", "B1", Decimal("14.92")),
        ],
        "engagement_median_days_between_visits_v": [(Decimal("1.98"),)],
        "engagement_weekly_active_90d_v": filled(
            WEEKS,
            {
                date(2026, 2, 9): (1, 0, 1, 1),
                date(2026, 2, 23): (1, 60, 2, 1),
                date(2026, 3, 2): (1, 50, 3, 2),  # 6 on Thursday, Bob twice on Sunday
                date(2026, 3, 9): (1, 280, 3, 3),  # Dan, Ana, Ana: 12 hours and a minute are none, 40 1/3, 240
            },
            (0, 0, 0, 0),
        ),
        # Ana, Bob, Dan after 6; 30, 40 1/3 and 240 minutes after 20: 3/1 - 1; 310.3333 / 20 - 1.
        "engagement_decline_index_v": [(3, 1, Decimal("2.0000"), 310, 20, Decimal("14.5167"))],
        # Nobody, Ana from February 14, 3 from March 1, 6 from the 6th, Bob from the 9th, Dan from the 10th.
        "engagement_mau_rolling_90d_v": list(
            zip(DAYS, [0] * 60 + [1] * 15 + [2] * 5 + [3] * 3 + [4] + [5] * 6, strict=True)
        ),
        "engagement_hour_split_v": [
            ("morning_08_12", Decimal("300.33")),
            ("afternoon_12_17", Decimal("30.00")),
            ("evening_17_20", Decimal("0.00")),
        ],
        "engagement_hourly_heatmap_90d_v": filled(
            product(range(1, 8), range(24)),
            {(4, 10): (20,), (5, 8): (30,), (5, 9): (10,), (6, 23): (30,), (7, 0): (30,)}
            | {(7, 8): (60,), (7, 9): (60,), (7, 10): (60,), (7, 11): (60,), (7, 12): (30,)},
            (0,),
        ),
        "engagement_dau_90d_v": filled(
            DAYS,
            {
                date(2026, 2, 13): (1, Decimal("0.00")),
                date(2026, 2, 28): (1, Decimal("30.00")),
                date(2026, 3, 1): (0, Decimal("30.00")),  # since Saturday
                date(2026, 3, 5): (1, Decimal("20.00")),
                date(2026, 3, 8): (1, Decimal("30.00")),
                date(2026, 3, 9): (1, Decimal("0.00")),
                date(2026, 3, 13): (1, Decimal("40.33")),
                date(2026, 3, 15): (1, Decimal("240.00")),
            },
            (0, Decimal("0.00")),
        ),
    }
    found = panel(PAPER_STUDENTS, PAPER_CHECKINS, PAPER_LEARNERS, PAPER_NOW)
    assert found.keys() == expected.keys() == panel_views().keys()
    for view, rows in found.items():
        assert [shown(row) for row in rows] == [shown(row) for row in expected[view]], view


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
def test_the_hours_in_which_a_session_is_spent(zone, start, end, expected):
    stay = (datetime.fromisoformat(start).astimezone(UTC), datetime.fromisoformat(end).astimezone(UTC))
    assert time_by_hour([stay], Settings(zone)) == {
        (date.fromisoformat(day), hour): timedelta(minutes=minutes) for (day, hour), minutes in expected.items()
    }
