"""The panel in the terminal: the six views as a manager would read them."""

from collections import Counter
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

WIDTH = 100
LIST_LENGTH = 5
BAR_LENGTH = 14

# From the gravest to the best.
BUCKETS = ("long_term_inactive_180d", "dormant_30d", "inactive_14d", "inactive_7d", "active_recent")

Row = dict[str, Any]


def print_panel(connection: psycopg.Connection, console: Console) -> None:
    """Print what the six views in schema mgmt hold: the counts as bars, then the head of each list."""

    def rows(view: str) -> list[Row]:
        return connection.cursor(row_factory=dict_row).execute(f"select * from mgmt.{view}").fetchall()

    roster = rows("engagement_inactive_roster_v")
    students_in = Counter(row["inactivity_bucket"] for row in roster)
    buckets = [(bucket, students_in[bucket]) for bucket in BUCKETS]
    bins = [(row["bin_label"], row["student_count"]) for row in rows("engagement_session_frequency_30d_v")]
    dayparts = [(row["daypart"], row["return_rate"]) for row in rows("engagement_daypart_retention_v")]

    # The two lists that the dashboard takes from the activity view, by its own rules.
    activity = rows("engagement_student_activity_v")
    away = [row for row in activity if (row["days_since_last_checkin"] or 0) >= 7]
    engaged = [row for row in activity if row["sessions_30d"] >= 5 and (row["consistency_score"] or 0) >= 60]
    engaged.sort(key=lambda row: row["consistency_score"], reverse=True)

    console.print()
    console.rule(f"[bold]The engagement panel of {len(roster)} students")
    bars = Table.grid(padding=(1, 6, 0, 0))
    bars.add_row(
        Group(_bars("Last seen", buckets), "", _bars("Share who came back at that time of day", dayparts)),
        _bars("Visits in the last 30 days", bins),
    )
    console.print(bars)
    _print_list(
        console,
        "Whom to call: 7 days away or more",
        away,
        {
            "level": "Level",
            "avg_days_between_visits": "Usual gap, days",
            "days_since_last_checkin": "Days away",
        },
    )
    _print_list(
        console,
        "High engagement, the most consistent first",
        engaged,
        {"level": "Level", "sessions_30d": "Visits in 30 days", "consistency_score": "Consistency"},
    )
    _print_list(
        console,
        "Back in the last 14 days",
        rows("engagement_recent_reactivated_14d_v"),
        {"days_inactive_before_return": "Days away", "return_date": "Came back on"},
    )
    _print_list(
        console,
        "At risk twice: away, and behind in learning",
        rows("engagement_dual_risk_students_v"),
        {
            "level": "Level",
            "engagement_issue": "Engagement",
            "learning_issue": "Learning",
            "days_since_last_checkin": "Days away",
        },
    )


def _bars(title: str, values: list[tuple[str, Any]]) -> Group:
    longest = max(value for _, value in values) or 1
    bars = Table.grid(padding=(0, 1, 0, 0))
    for label, value in values:
        bars.add_row(label, Text("█" * round(BAR_LENGTH * value / longest), style="cyan"), str(value))
    return Group(Text(title, style="bold"), bars)


def _print_list(console: Console, title: str, rows: list[Row], columns: dict[str, str]) -> None:
    """Print the first rows under a title that counts them all; `columns` gives each column's heading."""
    table = Table(box=None, width=WIDTH, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("Id", justify="right")
    table.add_column("Student", ratio=1)
    for column, heading in columns.items():
        is_number = any(isinstance(row[column], int | Decimal) for row in rows)
        table.add_column(heading, justify="right" if is_number else "left")
    for row in rows[:LIST_LENGTH]:
        values = (row[column] for column in ("student_id", "full_name", *columns))
        table.add_row(*("–" if value is None else str(value) for value in values))
    console.print()
    console.print(f"[bold]{title}[/] ({len(rows)})")
    console.print(table)
