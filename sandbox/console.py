"""The panel in the terminal: as a manager would read it."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from engagement_panel.panel import Panel

WIDTH = 100
LIST_LENGTH = 5
BAR_LENGTH = 14

Row = dict[str, Any]


def print_panel(panel: "Panel", console: Console) -> None:
    """Print the counts as bars, then the head of each list."""
    marks = panel.definition
    buckets = list(panel.students_in.items())
    bins = [(row["bin_label"], row["student_count"]) for row in panel.frequency]
    dayparts = [(row["daypart"], row["return_rate"]) for row in panel.dayparts]

    console.print()
    console.rule(f"[bold]The engagement panel of {sum(panel.students_in.values())} students")
    bars = Table.grid(padding=(1, 6, 0, 0))
    bars.add_row(
        Group(_bars("Last seen", buckets), "", _bars("Share who came back at that time of day", dayparts)),
        _bars("Visits in the last 30 days", bins),
    )
    console.print(bars)
    _print_list(
        console,
        f"Whom to call: {marks['call_from_days']} days away or more",
        panel.to_call,
        {
            "level": "Level",
            "avg_days_between_visits": "Usual gap, days",
            "days_since_last_checkin": "Days away",
        },
    )
    _print_list(
        console,
        "High engagement, the most consistent first",
        panel.highly_engaged,
        {"level": "Level", "sessions_30d": "Visits in 30 days", "consistency_score": "Consistency"},
    )
    _print_list(
        console,
        "Back in the last 14 days",
        panel.returned,
        {"days_inactive_before_return": "Days away", "return_date": "Came back on"},
    )
    _print_list(
        console,
        "At risk twice: away, and behind in learning",
        panel.at_dual_risk,
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
