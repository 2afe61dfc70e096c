"""Pages as a browser shows them: Debian's chromium, driven by Playwright, which hears every complaint."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

# chromium is not to ask the network for anything of its own.
OPTIONS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@dataclass
class Tab:
    """A page, and what it complained of: console errors and warnings, failed requests."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def keep_picture(self, name: str) -> None:
        """Write a PNG of the page into the folder that SCREENSHOTS names, if it is set."""
        if folder := os.environ.get("SCREENSHOTS"):
            self.page.screenshot(path=Path(folder) / f"{name}.png")


@contextmanager
def open_tab(width: int = 1280, height: int = 800, *, is_mobile: bool = False) -> Iterator[Tab]:
    """Open a page of that size, in pixels, as on a desk or on a phone; skip the test where there is no chromium."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium here, so NOTHING WAS CHECKED IN A BROWSER: on Debian and Ubuntu, apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        tab = Tab(browser.new_page(viewport={"width": width, "height": height}, is_mobile=is_mobile))
        tab.page.on("console", lambda said: said.type in ("error", "warning") and tab.complaints.append(said.text))
        tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.page.on("requestfailed", lambda request: tab.complaints.append(f"{request.url}: {request.failure}"))
        yield tab
        browser.close()
