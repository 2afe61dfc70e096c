"""The report in a browser, on a desk, on a phone and on paper: all of it fits, and nothing is on the console."""

from pathlib import Path

import pytest
from chromium import Tab, open_tab
from playwright.sync_api import expect
from support import MakeDatabase, run_command

from sandbox.profiles import write_profile

PAPER_WIDTH = 688  # pixels between the margins of A4


@pytest.fixture(scope="module")
def page(make_database: MakeDatabase, sample_template: str, workspace: Path) -> str:
    """Give the address of the sample school's report."""
    profile = write_profile(workspace / "browser", make_database("school", sample_template))
    run_command(profile, "report", "--output", str(profile / "written")).succeeded()
    return (profile / "written" / "panel.html").as_uri()


def expect_all_to_be_seen(tab: Tab, *, also: str = "") -> None:
    """Expect bars in the charts, nothing that sticks out of page, figures and what else is named, no complaint."""
    for chart in ("tramos", "frecuencia", "franjas"):
        bars = tab.page.locator(f"figure[aria-labelledby={chart}] svg rect.bar")
        assert bars.count() >= 3
        expect(bars.first).to_be_visible()
    sticking_out = tab.page.evaluate(
        """selector => [...document.querySelectorAll(selector)]
            .filter(element => element.scrollWidth > element.clientWidth)
            .map(element => element.outerHTML.slice(0, 80))""",
        f"html, figure{also}",
    )
    assert sticking_out == []
    assert tab.complaints == []


def test_the_report_on_a_desk(page):
    with open_tab(900, 690) as tab:
        tab.page.goto(page)
        expect_all_to_be_seen(tab)
        assert tab.page.get_by_role("table").count() == 14, "charts and lists can be listened to"
        shades = "cells => cells.map(cell => getComputedStyle(cell).fillOpacity)"
        assert len({*tab.page.locator("rect.cell").evaluate_all(shades)}) > 2
        expect(tab.page.locator("polyline").first).to_have_css("fill", "none")
        expect(tab.page.locator("polyline").first).not_to_have_css("stroke", "none")
        expect(tab.page.locator("path.guide").first).not_to_have_css("stroke", "none")
        spoken = "captions => captions.every(caption => caption.closest('.spoken'))"
        assert tab.page.locator("caption").evaluate_all(spoken), "a title that is seen stands above already"
        tab.keep_picture("report")
        tab.page.get_by_role("link", name="doble riesgo").first.click()
        expect(tab.page.get_by_role("heading", name="Doble riesgo")).to_be_in_viewport()


def test_the_report_on_a_phone(page):
    with open_tab(360, 690, is_mobile=True) as tab:
        tab.page.goto(page)
        assert tab.page.evaluate("innerWidth") == 360, "a phone shows the page as wide as it is itself"
        expect_all_to_be_seen(tab)
        for wide in tab.page.locator(".scroll").all():
            expect(wide).to_have_css("overflow-x", "auto")
        tab.keep_picture("report-phone")


def test_the_report_on_paper(page):
    with open_tab(PAPER_WIDTH, 900) as tab:
        tab.page.emulate_media(media="print")
        tab.page.goto(page)
        expect_all_to_be_seen(tab, also=", .scroll")  # on a screen a wide list scrolls; paper would cut it off
