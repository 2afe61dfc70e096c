"""The results as tables in Markdown, and the history as a drawing."""

from collections.abc import Iterable
from typing import Any

import pygal
from pygal.style import Style

RECENT_DAYS = (
    "engagement_recent_reactivated_14d_v",
    "engagement_session_frequency_30d_v",
    "engagement_daypart_retention_v",
)
LATEST_CHECKIN = ("engagement_inactive_roster_v", "engagement_dual_risk_students_v")
ALL = (*LATEST_CHECKIN, "engagement_student_activity_v", *RECENT_DAYS)

GOAL_MS = {  # milliseconds, by size
    "200k": dict.fromkeys(ALL, 30),
    "2M": {
        "engagement_inactive_roster_v": 75,
        "engagement_student_activity_v": 150,
        "engagement_recent_reactivated_14d_v": 30,
        "engagement_session_frequency_30d_v": 12,
        "engagement_daypart_retention_v": 25,
        "engagement_dual_risk_students_v": 15,
    },
    "10M": dict.fromkeys(RECENT_DAYS, 50) | dict.fromkeys(LATEST_CHECKIN, 120),
}
GOAL_RATIO = {  # to the sketch, at 2M
    "engagement_inactive_roster_v": 4.5,
    "engagement_student_activity_v": 8,
    "engagement_recent_reactivated_14d_v": 3,
    "engagement_session_frequency_30d_v": 0.8,
    "engagement_daypart_retention_v": 4,
    "engagement_dual_risk_students_v": 15,
}
GOAL_ALL_AT_ONCE_MS = 300  # at 2M
GOAL_GROWTH = 1.5  # of the recent days, from the shortest history to the longest
CLIFF_RATIO = 3

Results = dict[str, Any]


def tables(results: Results) -> str:
    """Give all that was measured as Markdown."""
    parts = [_machine(results), *(_size(name, size) for name, size in results["sizes"].items())]
    if "history" in results:
        parts.append(_history(results["history"]))
    parts += [_cliffs(name, rows) for name, rows in results.get("cliffs", {}).items()]
    return "\n\n".join(parts)


def comparison(before: Results, after: Results) -> str:
    """Give two results side by side."""
    rows = []
    for size in before["sizes"].keys() & after["sizes"].keys():
        for view in ALL:
            was, now = (results["sizes"][size]["views"][view]["mgmt"]["median"] for results in (before, after))
            rows.append((size, view, f"{was:.1f}", f"{now:.1f}", f"{now / was:.2f}"))
        was, now = (results["sizes"][size]["all at once"]["mgmt"]["median"] for results in (before, after))
        rows.append((size, "all six at once", f"{was:.1f}", f"{now:.1f}", f"{now / was:.2f}"))
    return "\n\n".join(
        (
            f"First: {_machine(before)}\n\nSecond: {_machine(after)}",
            _table(("size", "view", "first, ms", "second, ms", "second to first"), rows),
        )
    )


def drawing(results: Results) -> str:
    """Give an SVG of what each view costs with more and more history behind the same recent days."""
    history, machine = results["history"], results["machine"]
    chart = pygal.XY(
        title=f"{machine['cpu']}, {machine['cores']} cores; PostgreSQL {results['server']['version']}",
        x_title="years of history behind the same recent days",
        y_title="ms, median",
        x_labels=[row["years"] for row in history],
        logarithmic=True,
        width=900,
        height=560,
        legend_at_bottom=True,
        legend_at_bottom_columns=2,
        truncate_legend=-1,
        show_x_guides=False,
        disable_xml_declaration=True,
        js=(),
        style=Style(background="white", plot_background="white", title_font_size=13),
    )
    for view in ALL:
        for schema in history[0]["views"][view]:
            if schema != "sketch":
                name = view if schema == "mgmt" else f"{view}, {schema}"
                chart.add(name, [(row["years"], row["views"][view][schema]["median"]) for row in history])
    return chart.render(is_unicode=True)


def _machine(results: Results) -> str:
    machine, server = results["machine"], results["server"]
    settings = ", ".join(f"{name} {value}" for name, value in server.items() if name != "version")
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}, "
        f"load at the start {machine['load']}; {machine['taken']}. PostgreSQL {server['version']}: {settings}."
    )


def _size(name: str, size: Results) -> str:
    rows = []
    for view, costs in size["views"].items():
        own, sketch = costs["mgmt"], costs["sketch"]
        ratio = sketch["median"] / own["median"]
        goal_ms = GOAL_MS[name].get(view)
        goal_ratio = GOAL_RATIO[view] if name == "2M" else None
        rows.append(
            (
                view,
                f"{sketch['median']:.1f}",
                f"{own['median']:.1f}",
                f"{own['p95']:.1f}",
                _verdict(goal_ms, own["median"] <= (goal_ms or 0)),
                f"{ratio:.2f}",
                _verdict(goal_ratio, ratio >= (goal_ratio or 0)),
                f"{own['rows']:,}",
                f"{own['buffers']:,}",
                f"{own['checkins']:,}",
            )
        )
    own, sketch = size["all at once"]["mgmt"], size["all at once"]["sketch"]
    goal_ms = GOAL_ALL_AT_ONCE_MS if name == "2M" else None
    rows.append(
        (
            "all six at once",
            f"{sketch['median']:.1f}",
            f"{own['median']:.1f}",
            f"{own['p95']:.1f}",
            _verdict(goal_ms, own["median"] <= (goal_ms or 0)),
            f"{sketch['median'] / own['median']:.2f}",
            *("", "", "", ""),
        )
    )
    return (
        f"### {name}: {size['checkins']:,} check-ins of {size['students']:,} students in {size['years']} years\n\n"
        + (
            _table(
                (
                    "view",
                    "sketch, ms",
                    "view, ms",
                    "p95",
                    "goal",
                    "ratio",
                    "goal",
                    "rows",
                    "pages read",
                    "check-ins read",
                ),
                rows,
            )
        )
    )


def _verdict(goal: float | None, is_met: bool) -> str:
    return "" if goal is None else f"{goal}: {'met' if is_met else '**not met**'}"


def _history(history: list[Results]) -> str:
    rows = []
    for view, name in [(each, name) for each in ALL for name in history[0]["views"][each]]:
        medians = [row["views"][view][name]["median"] for row in history]
        growth = medians[-1] / medians[0]
        per_million = 1e6 * (medians[-1] - medians[0]) / (history[-1]["checkins"] - history[0]["checkins"])
        has_goal = name == "mgmt" and view in RECENT_DAYS
        rows.append(
            (
                view + ("" if name == "mgmt" else f", {name}"),
                *(f"{median:.1f}" for median in medians),
                f"{growth:.2f}",
                _verdict(GOAL_GROWTH if has_goal else None, growth <= GOAL_GROWTH),
                f"{per_million:.1f}",
            )
        )
    years = (f"{row['years']} years, {row['checkins'] / 1e6:.1f}M" for row in history)
    return "### More history behind the same recent days, ms\n\n" + _table(
        ("view", *years, "growth", "goal", "ms a million check-ins"), rows
    )


def _cliffs(name: str, rows: list[Results]) -> str:
    conditions: dict[str, dict[str, str]] = {}
    for row in rows:
        label = ", ".join(
            (
                f"statistics {row['statistics']}",
                f"without {' and '.join(row['missing'])}" if row["missing"] else "both indexes",
                *([row["setting"]] if row["setting"] else []),
                *([row["around"]] if row["around"] != "nothing" else []),
            )
        )
        conditions.setdefault(label, {})[row["view"]] = _cliff(row)
    return f"### Ratio to the sketch under poor conditions, {name} (view, sketch in ms)\n\n" + _table(
        ("condition", *ALL), ((label, *(cells[view] for view in ALL)) for label, cells in conditions.items())
    )


def _cliff(row: Results) -> str:
    own, sketch = (row[schema]["median"] if row[schema] else float("inf") for schema in ("mgmt", "sketch"))
    ratio = own / sketch if sketch < float("inf") else 0
    cell = f"{ratio:.1f} ({own:.1f}, {sketch:.1f})"
    return f"**{cell}**" if ratio > CLIFF_RATIO else cell


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *(list(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
