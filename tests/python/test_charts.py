"""Charts: bars, lines and cells have the place and the size of their values, and each text is there."""

from itertools import pairwise
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


def spans(svg: Markup) -> list[tuple[float, float]]:
    """Give from where to where each text takes room, in order."""
    found = []
    for text, part in zip(texts(svg), parts(svg, "text"), strict=True):
        width = charts.CHARACTER * len(text)
        left = float(part["x"]) - width * {"start": 0, "middle": 0.5, "end": 1}[part["text-anchor"]]
        found.append((round(left, 1), round(left + width, 1)))
    return found


def thousands(value: object) -> str:
    return f"{value} mil"


def test_lying_bars_are_as_long_as_their_values_and_the_first_is_on_top():
    svg = charts.lying_bars("Title", VALUES, thousands)
    first, second, third = lengths(svg, "width")
    assert second == pytest.approx(4 * first, abs=0.2) and third == 0
    (_, label_ends), (value_begins, value_ends) = spans(svg)[2:4]
    left = lengths(svg, "x")[1]
    assert (label_ends, value_begins) == (round(left - charts.GAP, 1), round(left + second + charts.GAP, 1))
    assert value_ends == charts.WIDTH, "the longest takes all the room"
    assert lengths(svg, "y") == sorted(lengths(svg, "y"))
    assert len({*lengths(svg, "x")}) == len({*lengths(svg, "height")}) == 1
    assert texts(svg) == ["first", "10 mil", "second", "40 mil", "third", "0 mil"]
    middles = [y + height / 2 for y, height in zip(lengths(svg, "y"), lengths(svg, "height"), strict=True)]
    assert lengths(svg, "y", "text") == [middle for middle in middles for _ in ("label", "value")]


def test_only_a_label_that_does_not_fit_is_cut():
    fits = "twenty letters do it"
    assert len(fits) == charts.LONGEST_LABEL
    svg = charts.lying_bars("Title", {fits: 1, f"{fits} or not": 2}, str)
    assert texts(svg)[::2] == [fits, f"{fits[:-1]}…"]
    assert spans(svg)[0] == (0, lengths(svg, "x")[0] - charts.GAP), "the bars have the room of what is cut"


def test_standing_bars_are_as_high_as_their_values_and_the_first_is_at_the_left():
    svg = charts.standing_bars("Title", VALUES, thousands)
    first, second, third = lengths(svg, "height")
    assert (second, third) == (4 * first, 0)
    (foot,) = {y + height for y, height in zip(lengths(svg, "y"), lengths(svg, "height"), strict=True)}
    assert texts(svg) == ["10 mil", "first", "40 mil", "second", "0 mil", "third"]
    middles = [charts.WIDTH * share for share in (1 / 6, 1 / 2, 5 / 6)]
    assert lengths(svg, "x", "text") == pytest.approx([each for each in middles for _ in ("value", "label")], abs=0.1)
    for text, bar in zip(lengths(svg, "y", "text")[::2], lengths(svg, "y"), strict=True):
        assert text == bar - charts.TEXT_ROW / 2
    assert {*lengths(svg, "y", "text")[1::2]} == {foot + charts.TEXT_ROW / 2}
    assert [x + width / 2 for x, width in zip(lengths(svg, "x"), lengths(svg, "width"), strict=True)] == pytest.approx(
        middles, abs=0.1
    )


def test_only_an_unfinished_last_bar_looks_otherwise():
    for options, last in (({"is_last_unfinished": True}, "bar unfinished"), ({}, "bar")):
        svg = charts.standing_bars("Title", VALUES, thousands, **options)
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
    assert lengths(svg, "y", "text") == [top, down[3], *[foot + charts.TEXT_ROW / 2] * 2], "values at their own heights"
    (_, highest_ends), (last_begins, _), (label_begins, _), (_, label_ends) = spans(svg)
    assert (highest_ends, last_begins) == (round(across[0] - charts.GAP, 1), across[-1] + charts.GAP)
    assert (label_begins, label_ends) == (across[0], across[-1])
    guides = [f"M{across[0]:g} {height:g}H{across[-1]:g}" for height in (top, foot)]
    assert parts(svg, "path") == [{"class": "guide", "d": guide} for guide in guides]


def test_where_values_have_no_room_the_highest_and_the_last_are_written_above_all_bars():
    heights = [*range(30, 8, -1), 1]
    svg = charts.standing_bars("Title", {chr(ord("a") + n): height for n, height in enumerate(heights)}, thousands)
    assert texts(svg) == ["30 mil", *"abcdefghijklmnopqrstuv", "1 mil", "w"]
    assert (spans(svg)[0][0], spans(svg)[-2][1]) == (0, charts.WIDTH)
    for text, part, (begins, ends) in zip(texts(svg), parts(svg, "text"), spans(svg), strict=True):
        for bar in parts(svg, "rect") if text.endswith(" mil") else ():
            if float(bar["x"]) < ends and float(bar["x"]) + float(bar["width"]) > begins:
                assert float(part["y"]) < float(bar["y"])


@pytest.mark.parametrize("weeks", [13, 14])
def test_where_labels_have_no_room_some_are_written_and_the_last_is_among_them(weeks):
    labels = [f"{n:02} nov" for n in range(weeks)]
    svg = charts.standing_bars("Title", {label: 40 for label in labels}, str)
    assert texts(svg).count("40") == weeks, "the values have room"
    written = [each for each in zip(texts(svg), spans(svg), strict=True) if each[0] in labels]
    assert 0 <= written[0][1][0] < written[-1][1][1] == charts.WIDTH
    assert [label for label, _ in written] == labels[(weeks - 1) % 3 :: 3]
    for (_, (_, ends)), (_, (begins, _)) in pairwise(written):
        assert begins - ends >= charts.GAP


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
    assert lengths(svg, "y", "text") == [*[charts.TEXT_ROW / 2] * 2, middles[0], middles[3]]
    width = lengths(svg, "width")[0]
    assert lengths(svg, "x", "text")[:2] == pytest.approx([columns[0] + width / 2, columns[2] + width / 2], abs=0.1)
    assert spans(svg)[2] == (0, round(columns[0] - charts.GAP, 1))


ALL = {
    "lying": charts.lying_bars("a <b> & c", VALUES, thousands),
    "standing": charts.standing_bars("a <b> & c", VALUES, thousands),
    "line": charts.line("a <b> & c", {"1 de diciembre": 1024, "31 de diciembre": 9}, str),
    "heatmap": charts.heatmap("a <b> & c", ["8", "9"], {"mon": [1, 2], "tue": [3, 4], "wed": [5, 6]}),
}


@pytest.mark.parametrize("chart", ALL)
def test_a_chart_says_what_it_shows_and_nothing_leaves_its_frame(chart):
    svg = ElementTree.fromstring(ALL[chart])
    assert (svg.get("role"), svg.findtext("title")) == ("img", "a <b> & c")
    _, _, width, height = map(float, svg.get("viewBox", "").split())
    for element in svg.iter():
        assert 0 <= float(element.get("x", 0)) <= float(element.get("x", 0)) + float(element.get("width", 0)) <= width
        assert 0 <= float(element.get("y", 0)) <= float(element.get("y", 0)) + float(element.get("height", 0)) <= height
    for text, (begins, ends) in zip(texts(ALL[chart]), spans(ALL[chart]), strict=True):
        assert -1 <= begins <= ends <= width + 1, text
    assert svg.get("font-size") == str(charts.FONT_SIZE), "for which CHARACTER is the width"
    assert {part["dy"] for part in parts(ALL[chart], "text")} == {"0.35em"}, "y is the middle of a letter"


def test_bars_of_zero_alone_have_no_length():
    assert lengths(charts.lying_bars("Title", {"a": 0, "b": 0}, str), "width") == [0, 0]
    assert lengths(charts.standing_bars("Title", {"a": 0, "b": 0}, str), "height") == [0, 0]
