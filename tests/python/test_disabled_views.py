"""A school keeps views of its own in the place of ours: any one, all of the first half, all seventeen."""

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from support import PROJECT, MakeDatabase, execute, panel_definition, printed

from engagement_panel import panel, report
from engagement_panel.lists import student_lists
from sandbox.profiles import write_profile
from sandbox.views import manifest, panel_views

VIEWS = panel_views()
FIRST_HALF = [
    view for name, view in panel.VIEWS.items() if name not in ("frequency", "dayparts", "returned", "at_dual_risk")
]


@pytest.fixture(scope="module")
def database(make_database: MakeDatabase, sample_template: str) -> str:
    return make_database("school", sample_template)


def definition(workspace: Path, database: str, disabled: list[str]) -> dict[str, Any]:
    """Give what the report and the demo read if some views are disabled."""
    profile = write_profile(workspace / "disabled views", database)
    return panel_definition(profile, vars={"engagement_disabled_views": disabled})


def shown(database: str, definition: dict[str, Any]) -> tuple[panel.Panel, str, str]:
    """Give the panel of a definition, its page, and what the terminal prints."""
    with psycopg.connect(database) as connection:
        read = panel.read_from(connection.cursor(), definition)
    return read, report.render_page(read, student_lists(read)), printed(read)


@pytest.fixture(scope="module")
def whole(workspace: Path, database: str) -> dict[str, Any]:
    """Give what is read if no view is disabled."""
    return definition(workspace, database, [])


def sections(page: str) -> list[str]:
    """Give the ids of a page's sections and figures."""
    return [part.partition('"')[0] for part in page.split(' id="')[1:]]


def test_a_disabled_view_is_not_read(workspace, database, whole):
    for disabled in ([*VIEWS], ["engagement_dau_90d_v"], ["engagement_student_activity_v"]):
        queries = definition(workspace, database, disabled)["queries"]
        assert {name for name, query in queries.items() if query is None} == {
            name for name, query in whole["queries"].items() if any(f'"{view}"' in query for view in disabled)
        }


@pytest.mark.parametrize("view", VIEWS)
def test_what_a_disabled_view_would_fill_is_left_out(database, whole, view):
    queries = {name: None if f'"{view}"' in query else query for name, query in whole["queries"].items()}
    read, page, printed = shown(database, whole)
    read_without, page_without, printed_without = shown(database, whole | {"queries": queries})
    assert read_without.rows.keys() < read.rows.keys()
    assert set(sections(page_without)) <= set(sections(page))
    assert len(page_without) < len(page)
    assert {*re.findall('href="#([^"]+)"', page_without)} <= set(sections(page_without))
    assert "<strong>–</strong>" not in page_without
    assert len(printed_without.split()) < len(printed.split())


def test_the_first_half_is_disabled_as_a_whole(workspace, database, make_database, run_dbt):
    name = "without_the_first_half"
    uri = make_database(name, conninfo_to_dict(database)["dbname"])
    own = "select 1::bigint as hand_made"
    for view in FIRST_HALF:
        execute(uri, f"drop view mgmt.{view}; create view mgmt.{view} as {own}")
    variables = {"engagement_disabled_views": FIRST_HALF}
    build = run_dbt(name, "build", "--exclude-resource-type", "unit_test", vars=variables).succeeded()
    built = {result.node.name for result in build.results}
    assert not built & {*FIRST_HALF}
    assert "No model gives mgmt." not in build.output
    run_dbt(name, "docs", "generate", vars=variables).succeeded()
    for view in FIRST_HALF:
        assert execute(uri, f"select * from mgmt.{view}") == [(1,)]
    read, page, _ = shown(uri, definition(workspace, uri, FIRST_HALF))
    assert not {"cifras", "tendencias", "horarios"} & set(sections(page))
    assert {"por_llamar", "tramos"} <= set(sections(page))
    assert read.only("active") is None


def test_an_analysis_is_disabled_with_any_view_that_it_reads():
    analyses = [node for node in manifest().nodes.values() if node.resource_type == "analysis"]
    for analysis in analyses:
        said = (PROJECT / analysis.original_file_path).with_suffix(".yml").read_text()
        read = [view for view in VIEWS if f"model.engagement_panel.{view}" in analysis.depends_on.nodes]
        assert [view for view in read if f"'{view}'" not in said.partition("columns:")[0]] == [], analysis.name
    assert analyses


@pytest.mark.usefixtures("database")
def test_every_view_and_its_exposures_can_be_disabled(run_dbt):
    listed = run_dbt(
        "school",
        *("ls", "--quiet", "--output", "name", "--resource-types", "model", "exposure", "analysis"),
        vars={"engagement_disabled_views": [*VIEWS]},
    ).succeeded()
    assert {line for line in listed.output.split() if not line.startswith(("stg_", "int_"))} == {
        "does_the_call_list_work",
        "module_20_export",
        "session_length_distribution",
    }
