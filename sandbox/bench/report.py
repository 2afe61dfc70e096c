"""The results as tables in Markdown, and the history as a drawing."""

from collections.abc import Iterable, Mapping
from typing import Any

import pygal
from pygal.style import Style

from engagement_panel.manifest import View

GOAL_ALL_AT_ONCE_RATIO = 1.5  # to the plain SQL, at 2M
GOAL_GROWTH = 1.3  # of a view that reads recent days alone, from the shortest history to the longest
CLIFF_RATIO = 3

Results = dict[str, Any]


def tables(results: Results, views: Mapping[str, View]) -> str:
    """Give all that was measured as Markdown, held against the views' goals."""
    parts = [_machine(results), *(size_table(name, size, views) for name, size in results["sizes"].items())]
    if "history" in results:
        parts.append(_history(results["history"], views))
    parts += [_cliffs(name, rows) for name, rows in results.get("cliffs", {}).items()]
    return "\n\n".join(parts)


def comparison(before: Results, after: Results) -> str:
    """Give two results side by side."""
    rows = []
    for size in (name for name in after["sizes"] if name in before["sizes"]):
        first, second = (results["sizes"][size]["views"] for results in (before, after))
        for view in (name for name in second if name in first):
            was, now = (views[view]["mgmt"]["median"] for views in (first, second))
            rows.append((size, view, f"{was:.1f}", f"{now:.1f}", f"{now / was:.2f}"))
        was, now = (results["sizes"][size]["all at once"]["mgmt"]["median"] for results in (before, after))
        rows.append((size, "all at once", f"{was:.1f}", f"{now:.1f}", f"{now / was:.2f}"))
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
    for view, costs in history[0]["views"].items():
        for schema in costs:
            if schema != "plain":
                name = view if schema == "mgmt" else f"{view}, {schema}"
                chart.add(name, [(row["years"], row["views"][view][schema]["median"]) for row in history])
    return str(chart.render(is_unicode=True))


def _machine(results: Results) -> str:
    machine, server = results["machine"], results["server"]
    settings = ", ".join(f"{name} {value}" for name, value in server.items() if name != "version")
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}, "
        f"load at the start {machine['load']}; {machine['taken']}. PostgreSQL {server['version']}: {settings}."
    )


def size_table(name: str, size: Results, views: Mapping[str, View]) -> str:
    """Give the costs at one size as Markdown, held against the views' goals."""
    rows = [
        (
            view,
            *_against_plain(
                costs,
                views[view].fact("bench", "goal_ms", name),
                views[view].fact("bench", "goal_ratio") if name == "2M" else None,
            ),
            *(f"{costs['mgmt'][count]:,}" for count in ("rows", "buffers", "checkins")),
        )
        for view, costs in size["views"].items()
    ]
    goal_ratio = GOAL_ALL_AT_ONCE_RATIO if name == "2M" else None
    rows.append(("all at once", *_against_plain(size["all at once"], None, goal_ratio), "", "", ""))
    headings = "view|plain SQL, ms|view, ms|p95|goal|ratio|goal|rows|pages read|check-ins read".split("|")
    return (
        f"### {name}: {size['checkins']:,} check-ins of {size['students']:,} students in {size['years']} years\n\n"
        + _table(headings, rows)
    )


def _against_plain(costs: Results, goal_ms: float | None, goal_ratio: float | None) -> list[str]:
    own, plain = costs["mgmt"], costs["plain"]
    ratio = plain["median"] / own["median"]
    return [
        f"{plain['median']:.1f}",
        f"{own['median']:.1f}",
        f"{own['p95']:.1f}",
        _verdict(goal_ms, own["median"] <= (goal_ms or 0)),
        f"{ratio:.2f}",
        _verdict(goal_ratio, ratio >= (goal_ratio or 0)),
    ]


def _verdict(goal: float | None, is_met: bool) -> str:
    return "" if goal is None else f"{goal}: {'met' if is_met else '**not met**'}"


def _history(history: list[Results], views: Mapping[str, View]) -> str:
    rows = []
    for view, name in [(view, name) for view, costs in history[0]["views"].items() for name in costs]:
        medians = [row["views"][view][name]["median"] for row in history]
        growth = medians[-1] / medians[0]
        per_million = 1e6 * (medians[-1] - medians[0]) / (history[-1]["checkins"] - history[0]["checkins"])
        has_goal = name == "mgmt" and views[view].fact("days_read")
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
    views = list(dict.fromkeys(row["view"] for row in rows))
    return f"### Ratio to the plain SQL under poor conditions, {name} (view, plain SQL in ms)\n\n" + _table(
        ("condition", *views), ((label, *(cells[view] for view in views)) for label, cells in conditions.items())
    )


def _cliff(row: Results) -> str:
    own, plain = (row[schema]["median"] if row[schema] else float("inf") for schema in ("mgmt", "plain"))
    ratio = own / plain if plain < float("inf") else 0
    cell = f"{ratio:.1f} ({own:.1f}, {plain:.1f})"
    return f"**{cell}**" if ratio > CLIFF_RATIO else cell


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *(list(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
