"""Charts as SVG for a page: no script, nothing to fetch; the page's stylesheet gives the colours.

Lengths are in units of the picture, which the page scales as a whole.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from math import ceil
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

WIDTH = 460
FONT_SIZE = 16
TEXT_ROW = 1.5 * FONT_SIZE
CHARACTER = 0.65 * FONT_SIZE  # the width of a digit in a wide typeface
LONGEST_LABEL = 20  # characters of a lying bar's label
GAP = 6  # between a text and what it belongs to
LYING_STEP, LYING_BAR = 44, 30  # from one bar to the next, and its thickness
STANDING_HEIGHT, STANDING_SHARE = 200, 0.75  # the highest bar, and a bar's share of its column
LINE_HEIGHT = 120
CELL_HEIGHT = 24
PALEST = 0.08  # opacity of a cell that holds 0, so that the grid is seen

Number = int | float | Decimal
Write = Callable[[Number], str]


def lying_bars(title: str, values: Mapping[str, Number], write: Write) -> Markup:
    """Draw a lying bar for each value, the first on top.

    Args:
        title: what a screen reader says of the chart.
        values: 0 or more, by their labels.
        write: how a value is written beside its bar.
    """
    svg = _svg(title, LYING_STEP * len(values))
    left = _width(map(_shortened, values)) + GAP
    longest = WIDTH - left - GAP - _width(map(write, values.values()))
    for row, (label, value) in enumerate(values.items()):
        middle = LYING_STEP * (row + 0.5)
        length = longest * _share(value, values.values())
        _text(svg, _shortened(label), left - GAP, middle, "end")
        _rect(svg, "bar", left, middle - LYING_BAR / 2, length, LYING_BAR)
        _text(svg, write(value), left + length + GAP, middle, "start")
    return _markup(svg)


def standing_bars(
    title: str, values: Mapping[str, Number], write: Write, *, is_last_unfinished: bool = False
) -> Markup:
    """Draw a standing bar for each value, the first at the left; the other arguments are those of lying_bars.

    If there is no room for all labels, it writes every second or third, the last among them. If there is no room for
    all values, it writes the highest and the last. A last bar that is unfinished, because it still grows, is paler.
    """
    svg = _svg(title, TEXT_ROW + STANDING_HEIGHT + TEXT_ROW)
    foot, step = TEXT_ROW + STANDING_HEIGHT, WIDTH / len(values)
    heights = [STANDING_HEIGHT * _share(value, values.values()) for value in values.values()]
    last, highest = len(values) - 1, heights.index(max(heights))
    label_width = _width(values)
    moved = max(label_width - step, 0) / 2  # by which the last label is off its bar, so that it stays in the picture
    every = ceil((label_width + GAP + moved) / step)
    has_room = _width(map(write, values.values())) <= step
    for column, (label, value) in enumerate(values.items()):
        middle = step * (column + 0.5)
        if has_room or column in (highest, last):
            half = _width([write(value)]) / 2
            center = min(max(middle, half), WIDTH - half)
            beneath = heights[int((center - half) / step) : ceil((center + half) / step)]
            _text(svg, write(value), center, foot - max(beneath) - TEXT_ROW / 2)
        kind = "bar unfinished" if is_last_unfinished and column == last else "bar"
        width = step * STANDING_SHARE
        _rect(svg, kind, middle - width / 2, foot - heights[column], width, heights[column])
        if (last - column) % every == 0:
            half = _width([label]) / 2
            _text(svg, label, min(max(middle, half), WIDTH - half), foot + TEXT_ROW / 2)
    return _markup(svg)


def line(title: str, values: Mapping[str, Number], write: Write) -> Markup:
    """Draw a line from 0 to the highest value, the first value at the left; the arguments are those of lying_bars.

    The first and the last label stand below, the highest and the last value beside the line.
    """
    svg = _svg(title, TEXT_ROW + LINE_HEIGHT + TEXT_ROW)
    labels, numbers = list(values), list(values.values())
    top, foot = TEXT_ROW, TEXT_ROW + LINE_HEIGHT
    left = _width([write(max(numbers))]) + GAP
    right = WIDTH - _width([write(numbers[-1])]) - GAP
    heights = [foot - LINE_HEIGHT * _share(value, numbers) for value in numbers]
    step = (right - left) / max(len(numbers) - 1, 1)
    for level in (top, foot):
        SubElement(svg, "path", {"class": "guide", "d": f"M{left:g} {level:g}H{right:g}"})
    points = " ".join(f"{left + step * column:.1f},{height:.1f}" for column, height in enumerate(heights))
    SubElement(svg, "polyline", {"class": "line", "points": points})
    _text(svg, write(max(numbers)), left - GAP, top, "end")
    _text(svg, write(numbers[-1]), right + GAP, heights[-1], "start")
    _text(svg, labels[0], left, foot + TEXT_ROW / 2, "start")
    _text(svg, labels[-1], right, foot + TEXT_ROW / 2, "end")
    return _markup(svg)


def heatmap(title: str, columns: Sequence[str], rows: Mapping[str, Sequence[Number]]) -> Markup:
    """Draw a cell for each value, the darker the higher.

    Args:
        title: what a screen reader says of the chart.
        columns: their labels; "" for none.
        rows: a value of 0 or more for each column, by the row's label; the first on top.
    """
    svg = _svg(title, TEXT_ROW + CELL_HEIGHT * len(rows))
    left = _width(rows) + GAP
    width = (WIDTH - left) / len(columns)
    for column, label in enumerate(columns):
        if label:
            _text(svg, label, left + width * (column + 0.5), TEXT_ROW / 2)
    everything = [value for values in rows.values() for value in values]
    for row, (label, values) in enumerate(rows.items()):
        top = TEXT_ROW + CELL_HEIGHT * row
        _text(svg, label, left - GAP, top + CELL_HEIGHT / 2, "end")
        for column, value in enumerate(values):
            cell = _rect(svg, "cell", left + width * column, top, width, CELL_HEIGHT)
            cell.set("fill-opacity", f"{PALEST + (1 - PALEST) * _share(value, everything):.2f}")
    return _markup(svg)


def _svg(title: str, height: float) -> Element:
    svg = Element("svg", {"role": "img", "viewBox": f"0 0 {WIDTH} {height:g}", "font-size": str(FONT_SIZE)})
    SubElement(svg, "title").text = title
    return svg


def _share(value: Number, values: Iterable[Number]) -> float:
    """Give a value as a share of the highest, 0 where all are 0."""
    return float(value) / (float(max(values)) or 1)


def _shortened(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"


def _width(texts: Iterable[str]) -> float:
    return CHARACTER * max(map(len, texts))


def _text(svg: Element, text: str, x: float, middle: float, anchor: str = "middle") -> None:
    place = {"x": f"{x:.1f}", "y": f"{middle:.1f}", "dy": "0.35em", "text-anchor": anchor}
    SubElement(svg, "text", place).text = text


def _rect(svg: Element, kind: str, x: float, y: float, width: float, height: float) -> Element:
    numbers = {"x": x, "y": y, "width": width, "height": height}
    return SubElement(svg, "rect", {"class": kind} | {name: f"{number:.1f}" for name, number in numbers.items()})


def _markup(svg: Element) -> Markup:
    return Markup(tostring(svg, encoding="unicode"))
