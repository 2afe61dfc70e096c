"""The documentation against the project: what it lists is there, and what is there is listed."""

import re
from typing import Any

import pytest
import yaml
from support import PROJECT

from sandbox import views

OVERVIEW = (PROJECT / "models" / "overview.md").read_text()
RULES = (PROJECT / "docs" / "rules.md").read_text()
VARS: dict[str, Any] = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return views.manifest().writable_manifest().to_dict(omit_none=False)


def test_links_of_the_overview_lead_somewhere(manifest):
    linked = set(re.findall(r"\(#!/\w+/([\w.]+)\)", OVERVIEW))
    assert linked and linked <= manifest["nodes"].keys() | manifest["sources"].keys()


def test_every_analysis_and_its_columns_are_described(manifest):
    analyses = [node for node in manifest["nodes"].values() if node["resource_type"] == "analysis"]
    assert analyses
    for analysis in analyses:
        columns = analysis["columns"].values()
        assert analysis["description"] and columns, analysis["name"]
        assert all(column["description"] for column in columns), analysis["name"]


def test_every_module_is_in_the_rules(manifest):
    ruled = " ".join(re.findall(r"^\|.*\| ([\d, ]+) \|$", RULES, re.MULTILINE)).replace(",", " ").split()
    reading = [exposure for exposure in manifest["exposures"].values() if exposure["depends_on"]["nodes"]]
    assert {str(int(exposure["name"].split("_")[1])) for exposure in reading} <= {*ruled}


def test_no_description_repeats_the_name(manifest):
    own = [
        node
        for kind in ("nodes", "sources", "macros", "exposures", "unit_tests")
        for node in manifest[kind].values()
        if node["package_name"] == "engagement_panel"
    ]
    described = [(node["name"], node["description"]) for node in own]
    for node in own:
        described += [(column["name"], column["description"]) for column in node.get("columns", {}).values()]
        described += [(argument["name"], argument["description"]) for argument in node.get("arguments", [])]
    words = [(name, re.sub(r"\W|_|the", "", text.lower())) for name, text in described]
    assert [name for name, text in words if text == re.sub(r"_|the", "", name.lower())] == []


def test_the_rules_name_vars_and_files_that_exist():
    named = set(re.findall(r"`((?:engagement|learning)_\w+)`", RULES))
    assert named and named <= VARS.keys() | views.panel_views().keys()
    files = set(re.findall(r"`((?:analyses|seeds|macros)/[\w/.]+)`", RULES))
    assert files and all((PROJECT / file).exists() for file in files)


@pytest.mark.parametrize("file", ["README.md", "CHANGELOG.md", "docs/schedule.md", ".github/workflows/deploy.yml"])
def test_the_lock_is_installed_as_set_up_does_it(file):
    """Without --no-deps, pip 23 looks for an extra of a dependency, which the lock names without it, and fails."""
    options = set(re.findall(r"pip install (.*?)requirements\.lock", (PROJECT / file).read_text()))
    assert options == {"--no-deps --require-hashes -r "}
