"""Charts: bars, lines and cells have the place and the size of their values, and each text is there."""

from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from engagement_panel import charts

VALUES = {"first": 10, "second": 40, "third": 0}


def parts(svg: Markup, tag: str) -> list[dict[str, str]]:
    """Give the attributes of each element of a tag, in order."""
    return [element.attrib for element in ElementTree.fromstring(svg).iter(tag)]


def lengths(svg: Markup, attribute: str, tag: str = "rect") -> list[float]:
    """Give one number of each element of a tag, in order."""
    return [float(part[attribute]) for part in parts(svg, tag)]


def texts(svg: Markup) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("text")]


def thousands(value: object) -> str:
    return f"{value} mil"


def test_lying_bars_are_as_long_as_their_values_and_the_first_is_on_top():
    svg = charts.lying_bars("Title", VALUES, thousands)
    first, second, third = lengths(svg, "width")
    assert second == pytest.approx(4 * first, abs=0.2) and third == 0
    assert second > charts.WIDTH / 2, "the longest takes the room that the texts leave"
    assert lengths(svg, "y") == sorted(lengths(svg, "y"))
    assert len({*lengths(svg, "x")}) == len({*lengths(svg, "height")}) == 1
    assert texts(svg) == ["first", "10 mil", "second", "40 mil", "third", "0 mil"]
    middles = [y + height / 2 for y, height in zip(lengths(svg, "y"), lengths(svg, "height"), strict=True)]
    assert lengths(svg, "y", "text") == [middle for middle in middles for _ in ("label", "value")]


def test_only_a_label_that_does_not_fit_is_cut():
    fits = "twenty letters do it"
    assert len(fits) == charts.LONGEST_LABEL
    assert texts(charts.lying_bars("Title", {fits: 1, f"{fits}!": 2}, str))[::2] == [fits, f"{fits[:-1]}…"]


def test_standing_bars_are_as_high_as_their_values_and_the_first_is_at_the_left():
    svg = charts.standing_bars("Title", VALUES, thousands)
    first, second, third = lengths(svg, "height")
    assert (second, third) == (4 * first, 0)
    assert lengths(svg, "x") == sorted(lengths(svg, "x"))
    feet = {y + height for y, height in zip(lengths(svg, "y"), lengths(svg, "height"), strict=True)}
    assert len(feet) == 1
    assert texts(svg) == ["10 mil", "first", "40 mil", "second", "0 mil", "third"]


def test_only_an_unfinished_last_bar_looks_otherwise():
    for is_unfinished, last in ((True, "bar unfinished"), (False, "bar")):
        svg = charts.standing_bars("Title", VALUES, thousands, is_last_unfinished=is_unfinished)
        assert [bar["class"] for bar in parts(svg, "rect")] == ["bar", "bar", last]


def test_a_line_goes_through_its_values_from_left_to_right():
    svg = charts.line("Title", VALUES | {"fourth": 20}, thousands)
    (polyline,) = parts(svg, "polyline")
    points = [tuple(map(float, point.split(","))) for point in polyline["points"].split(" ")]
    across, down = zip(*points, strict=True)
    assert [b - a for a, b in zip(across, across[1:], strict=False)] == pytest.approx(
        [across[1] - across[0]] * 3, abs=0.2
    )
    foot, top = down[2], down[1]
    assert foot > top  # downwards is more in SVG
    assert [(foot - y) / (foot - top) for y in down] == [0.25, 1, 0, 0.5]
    assert texts(svg) == ["40 mil", "20 mil", "first", "fourth"]
    assert lengths(svg, "y", "text")[:2] == [top, down[3]], "the values stand at their own heights"


def test_where_room_is_short_the_highest_and_the_last_are_written_above_all_bars_and_the_last_has_its_label():
    heights = [*range(30, 8, -1), 1]
    svg = charts.standing_bars("Title", {f"week {n}": height for n, height in enumerate(heights)}, thousands)
    written = dict(zip(texts(svg), parts(svg, "text"), strict=True))
    assert {"30 mil", "1 mil", "week 22"} < written.keys() and "week 21" not in written
    for text in ("30 mil", "1 mil"):
        middle, half = float(written[text]["x"]), len(text) * charts.CHARACTER / 2
        for bar in parts(svg, "rect"):
            left, right = float(bar["x"]), float(bar["x"]) + float(bar["width"])
            if left < middle + half and right > middle - half:
                assert float(written[text]["y"]) < float(bar["y"])


def test_a_line_of_one_value_is_drawn_too():
    assert len(parts(charts.line("Title", {"only": 0}, str), "polyline")) == 1


def test_cells_of_a_heatmap_are_the_darker_the_higher_their_value():
    svg = charts.heatmap("Title", ["8", "", "10"], {"mon": [0, 5, 10], "tue": [4, 0, 2]})
    shades = lengths(svg, "fill-opacity")
    assert 0 < shades[0] == shades[4] < shades[5] < shades[3] < shades[1] < shades[2] == 1
    columns, rows = lengths(svg, "x"), lengths(svg, "y")
    assert columns[:3] == columns[3:] == sorted(columns[:3])
    assert rows[0] == rows[1] == rows[2] < rows[3] == rows[4] == rows[5]
    assert texts(svg) == ["8", "10", "mon", "tue"]
    middles = [y + height / 2 for y, height in zip(rows, lengths(svg, "height"), strict=True)]
    assert lengths(svg, "y", "text")[2:] == [middles[0], middles[3]]


ALL = {
    "lying": charts.lying_bars("a <b> & c", VALUES, thousands),
    "standing": charts.standing_bars("a <b> & c", VALUES, thousands),
    "line": charts.line("a <b> & c", {"1 de diciembre": 1024, "31 de diciembre": 9}, str),
    "heatmap": charts.heatmap("a <b> & c", ["8", "9"], {"mon": [1, 2]}),
}


@pytest.mark.parametrize("chart", ALL)
def test_a_chart_says_what_it_shows_and_nothing_leaves_its_frame(chart):
    svg = ElementTree.fromstring(ALL[chart])
    assert (svg.get("role"), svg.findtext("title")) == ("img", "a <b> & c")
    _, _, width, height = map(float, svg.get("viewBox", "").split())
    for element in svg.iter():
        assert 0 <= float(element.get("x", 0)) <= float(element.get("x", 0)) + float(element.get("width", 0)) <= width
        assert 0 <= float(element.get("y", 0)) <= float(element.get("y", 0)) + float(element.get("height", 0)) <= height
    for text in svg.iter("text"):
        written = charts.CHARACTER * len(text.text or "")
        left = float(text.get("x", "")) - written * {"start": 0, "middle": 0.5, "end": 1}[text.get("text-anchor", "")]
        assert -1 <= left <= left + written <= width + 1, text.text


def test_bars_of_zero_alone_have_no_length():
    assert lengths(charts.lying_bars("Title", {"a": 0, "b": 0}, str), "width") == [0, 0]
    assert lengths(charts.standing_bars("Title", {"a": 0, "b": 0}, str), "height") == [0, 0]
