"""Bar charts as SVG that stands in a page: no script, nothing to fetch, its style left to the page's stylesheet."""

from collections.abc import Callable, Mapping
from typing import Any
from xml.etree.ElementTree import Element

import pygal
from markupsafe import Markup
from pygal.style import Style

WIDTH = 460
FONT_SIZE = 16
BAR_SPACE = 44  # pixels from one lying bar to the next
STANDING_HEIGHT = 260
ROOM_FOR_VALUES = 1.15  # the axis, in lengths of the longest bar


def lying_bars(title: str, values: Mapping[str, Any], write: Callable[[Any], str]) -> Markup:
    """Draw a lying bar for each value, the first on top.

    Args:
        title: what a screen reader says of the chart.
        values: 0 or more, by their labels.
        write: how a value is written beside its bar.
    """
    from_below = dict(reversed(values.items()))
    return _svg(pygal.HorizontalBar(height=BAR_SPACE * len(values), show_x_labels=False), title, from_below, write)


def standing_bars(title: str, values: Mapping[str, Any], write: Callable[[Any], str]) -> Markup:
    """Draw a standing bar for each value, the first at the left; the arguments are those of lying_bars."""
    return _svg(pygal.Bar(height=STANDING_HEIGHT, show_y_labels=False), title, values, write)


def _svg(chart: pygal.Bar, title: str, values: Mapping[str, Any], write: Callable[[Any], str]) -> Markup:
    chart.config(
        width=WIDTH,
        margin=4,
        range=(0, ROOM_FOR_VALUES * float(max(values.values()) or 1)),
        show_x_guides=False,
        show_y_guides=False,
        show_legend=False,
        print_values=True,
        print_values_position="top",
        value_formatter=write,
        disable_xml_declaration=True,
        js=(),
        style=Style(label_font_size=FONT_SIZE, value_font_size=FONT_SIZE),
    )
    chart.x_labels = list(values)
    chart.add(None, list(values.values()))
    chart.add_xml_filter(lambda root: _for_a_page(root, title))
    return Markup(chart.render(is_unicode=True))


def _for_a_page(root: Element, title: str) -> Element:
    """Take out what serves a script and a pointer alone, and say what the picture shows."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag not in ("svg", "g", "rect", "text", "defs") or "tooltip-overlay" in child.get("class", ""):
                parent.remove(child)
    root.set("role", "img")
    root.set("font-size", str(FONT_SIZE))
    root.insert(0, Element("title"))
    root[0].text = title
    return root
