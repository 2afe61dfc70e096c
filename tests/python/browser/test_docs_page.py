"""The documentation in a browser: the overview, a model's page, the lineage, and nothing on the console."""

from collections.abc import Iterator

import pytest
from chromium import Tab, open_tab
from playwright.sync_api import expect
from support import MakeDatabase, served

from sandbox import docs
from sandbox.views import manifest

ROSTER = "#!/model/model.engagement_panel.engagement_inactive_roster_v"
LINEAGE = "#!/overview?g_v=1&g_i=%2Bexposure:*"


@pytest.fixture(scope="module")
def site(
    make_database: MakeDatabase, deployed_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Give the address of the documentation, generated and served as `make docs` does."""
    page = docs.generate_from_server(
        tmp_path_factory.mktemp("docs"), make_database("documented", template=deployed_template)
    )
    with served(page.parent) as url:
        yield url


@pytest.fixture
def tab() -> Iterator[Tab]:
    with open_tab() as tab:
        yield tab


def test_the_overview_leads_to_every_view(tab, site):
    tab.page.goto(site)
    expect(tab.page.get_by_role("heading", name="The engagement panel")).to_be_visible()
    tab.keep_picture("docs-overview")
    rows = tab.page.locator("table").first.locator("tbody tr")
    assert rows.count() == len(manifest().exposures)

    links = tab.page.locator("table a").all()
    assert links
    for address in sorted({str(link.get_attribute("href")) for link in links}):
        tab.page.goto(site + address)
        name = address.rpartition(".")[2]
        expect(tab.page.locator("h1").filter(has_text=name)).to_be_visible()
    assert tab.complaints == []


def test_a_models_page_describes_its_columns(tab, site):
    tab.page.goto(site + ROSTER)
    for said in (
        "Who is drifting away, and for how long?",
        "Student services",
        "module_11",
        "inactivity_bucket",
        "timestamp with time zone",
    ):
        expect(tab.page.locator("body")).to_contain_text(said, use_inner_text=True)
    assert tab.complaints == []


def test_the_lineage_runs_from_the_schools_tables_to_the_modules(tab, site):
    tab.page.goto(site + LINEAGE)
    expect(tab.page.locator(".launcher.on canvas").first).to_be_visible()
    tab.page.wait_for_timeout(1000)  # the graph moves into place
    nodes = tab.page.evaluate(
        """() => {
            const drawn = [...document.querySelectorAll("*")].find(element => element._cyreg?.cy)._cyreg.cy
            return drawn.nodes(":visible").map(node => node.data("label") || node.id())
        }"""
    )
    assert {"engagement_attendance.attendance", "stg_engagement__checkins", "engagement_inactive_roster_v"} <= set(
        nodes
    )
    assert sum(node.startswith("Module ") for node in nodes) >= 9
    tab.keep_picture("docs-lineage")
    assert tab.complaints == []
