"""The panel in the terminal: as a manager would read it."""

from collections.abc import Iterator
from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from engagement_panel.panel import Panel

WIDTH = 100
LIST_LENGTH = 5
BAR_LENGTH = 14
SHADES = " ░▒▓█"
SPARKS = "▁▂▃▄▅▆▇█"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
AWAY_DAYS = (7, 14, 30, 180)

Row = dict[str, Any]


def print_panel(panel: "Panel", console: Console) -> None:
    """Print key figures, trends, hours and bars, then the head of each list."""
    console.print()
    students = f" of {sum(panel.students_in.values())} students" if "roster" in panel.rows else ""
    console.rule(f"[bold]The engagement panel{students}")
    console.print()
    for title, words in _key_figures(panel):
        console.print(Text(f"{title:<26}", style="bold") + Text(words, style="default"))
    _print_trends(panel, console)
    _print_heatmap(panel, console)
    _print_bars(panel, console)
    _print_lists(panel, console)


def _key_figures(panel: "Panel") -> Iterator[tuple[str, str]]:
    """Give each line of key figures: what it is of, and its numbers."""
    if active := panel.only("active"):
        counts = zip((7, 14, 30, 180), active.values(), strict=True)
        yield "Came in the last", ", ".join(f"{days} days: {students}" for days, students in counts)
    if ratio := panel.only("wau_mau"):
        yield "Week of month", f"{ratio['wau']} of {ratio['mau']} ({100 * ratio['wau_mau_ratio']:.1f} %)"
    if away := panel.only("inactive"):
        counts = zip(AWAY_DAYS, away.values(), strict=True)
        yield "Active, away for", ", ".join(f"{days}+ days: {students}" for days, students in counts)
    gaps = []
    if "mean_gaps" in panel.rows:
        gaps.append(f"mean {_or_dash(panel.rows['mean_gaps'][0]['avg_days_between_visits'])}")
    if median := panel.only("median_gap"):
        gaps.append(f"median {_or_dash(median['median_days_between_visits'])}")
    if gaps:
        yield "Days between visits", ", ".join(gaps)
    if week := panel.only("week_over_week"):
        students = _against_before(week, "active_students")
        minutes = f"; minutes: {_against_before(week, 'total_minutes')}" if panel.shows_minutes else ""
        yield "7 days, and the 7 before", f"students: {students}{minutes}"


def _against_before(week: Row, what: str) -> str:
    change = week[f"{what}_wow_change"]
    shown = "–" if change is None else f"{100 * change:+.1f} %"
    return f"{week[f'{what}_7d']:,} after {week[f'{what}_prev7d']:,} ({shown})"


def _print_trends(panel: "Panel", console: Console) -> None:
    console.print()
    if days := panel.rows.get("rolling_month"):
        month = [row["mau_rolling_30d"] for row in days]
        console.print("[bold]Rolling month[/] (students of the 30 days before each of the last 90)")
        console.print(Text(_sparkline(month), style="cyan") + Text(f"  now {month[-1]}"))
    if weeks := panel.rows.get("weeks"):
        peaks = [row["max_daily_actives"] for row in weeks]
        console.print("[bold]Weeks[/] (most students on a day; the last week is not over)")
        console.print(Text(" ".join(f"{peak:>4}" for peak in peaks[:-1]), style="cyan") + Text(f" {peaks[-1]:>4}…"))
    if days := panel.rows.get("days"):
        today = days[-1]
        minutes = f", {today['total_minutes']:,.0f} minutes" if panel.shows_minutes else ""
        console.print(f"[bold]Today[/] (not over)  {today['active_students']} students{minutes}")


def _print_heatmap(panel: "Panel", console: Console) -> None:
    if "heatmap" not in panel.rows:
        return
    console.print()
    if not panel.opening_hours:
        console.print(
            "No minutes: " + ("nobody checked out." if panel.shows_minutes else "no check-outs are recorded.")
        )
        return
    fullest = max(panel.minutes_at.values())
    console.print(f"[bold]Minutes by hour of the week[/] in 90 days (█ up to {fullest:,})")
    console.print(Text("     " + "".join(f"{hour:>3}" for hour in panel.opening_hours), style="dim"))
    for iso_weekday, weekday in enumerate(WEEKDAYS, 1):
        cells = (SHADES[ceil(4 * panel.minutes_at[iso_weekday, hour] / fullest)] for hour in panel.opening_hours)
        console.print(Text(f"{weekday}  ") + Text("".join(f" {cell * 2}" for cell in cells), style="cyan"))


def _print_bars(panel: "Panel", console: Console) -> None:
    left = []
    if "roster" in panel.rows:
        left.append(_bars("Last seen", list(panel.students_in.items())))
    if "dayparts" in panel.rows:
        rates = [(row["daypart"], row["return_rate"]) for row in panel.rows["dayparts"]]
        left.append(_bars("Share who came back at that time of day", rates))
    if "minutes_by_daypart" in panel.rows and panel.shows_minutes:
        minutes = [(row["daypart"], round(row["total_minutes"])) for row in panel.rows["minutes_by_daypart"]]
        left.append(_bars("Minutes at that time of day, in 90 days", minutes))
    right = []
    if "frequency" in panel.rows:
        bins = [(row["bin_label"], row["student_count"]) for row in panel.rows["frequency"]]
        right.append(_bars("Visits in the last 30 days", bins))
    if "days" in panel.rows and panel.shows_minutes:
        minutes = [(WEEKDAYS[day - 1], round(value)) for day, value in panel.weekday_minutes.items()]
        right.append(_bars("Minutes by weekday, in 90 days", minutes))
    bars = Table.grid(padding=(1, 6, 0, 0))
    bars.add_row(*(Group(*(Padding(each, (0, 0, 1, 0)) for each in side)) for side in (left, right)))
    console.print(bars)


def _print_lists(panel: "Panel", console: Console) -> None:
    marks = panel.definition
    lists = {
        "to_call": (
            f"Whom to call: {marks['call_from_days']} days away or more",
            {"level": "Level", "avg_days_between_visits": "Usual gap, days", "days_since_last_checkin": "Days away"},
        ),
        "highly_engaged": (
            "High engagement, the most consistent first",
            {"level": "Level", "sessions_30d": "Visits in 30 days", "consistency_score": "Consistency"},
        ),
        "returned": (
            "Back in the last 14 days",
            {"days_inactive_before_return": "Days away", "return_date": "Came back on"},
        ),
        "at_dual_risk": (
            "At risk twice: away, and behind in learning",
            {
                "level": "Level",
                "engagement_issue": "Engagement",
                "learning_issue": "Learning",
                "days_since_last_checkin": "Days away",
            },
        ),
    }
    for name, (title, columns) in lists.items():
        if name in panel.rows:
            _print_list(console, title, panel.rows[name], columns)


def _sparkline(values: list[int]) -> str:
    highest = max(values) or 1
    return "".join(SPARKS[round((len(SPARKS) - 1) * value / highest)] for value in values)


def _or_dash(value: Any) -> str:
    return "–" if value is None else str(value)


def _bars(title: str, values: list[tuple[str, Any]]) -> Group:
    longest = max(value for _, value in values) or 1
    bars = Table.grid(padding=(0, 1, 0, 0))
    for label, value in values:
        bars.add_row(label, Text("█" * round(BAR_LENGTH * value / longest), style="cyan"), f"{value:,}")
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
        table.add_row(*map(_or_dash, values))
    console.print()
    console.print(f"[bold]{title}[/] ({len(rows)})")
    console.print(table)
