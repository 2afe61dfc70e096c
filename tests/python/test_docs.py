"""The documentation against the project: what it lists is there, and what is there is listed."""

import json
import re
from typing import Any

import pytest
import yaml
from support import PROJECT, RunDbt

OVERVIEW = (PROJECT / "models" / "overview.md").read_text()
RULES = (PROJECT / "docs" / "rules.md").read_text()
VARS: dict[str, Any] = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]


@pytest.fixture(scope="module")
def manifest(run_dbt: RunDbt, workspace: Any) -> dict[str, Any]:
    """Give what dbt makes of the project."""
    folder = workspace / "manifest"
    parse = run_dbt("postgres", "parse", "--target-path", str(folder))
    assert parse.exit_code == 0, parse.output
    return json.loads((folder / "manifest.json").read_text())


def test_every_var_is_described_with_its_default() -> None:
    described = {name: default for name, default in re.findall(r"^\| `(\w+)` \| `(.*?)` \| \S", OVERVIEW, re.MULTILINE)}
    assert described == {
        name: default if isinstance(default, str) else json.dumps(default) for name, default in VARS.items()
    }


def test_links_of_the_overview_lead_somewhere(manifest: dict[str, Any]) -> None:
    linked = set(re.findall(r"\(#!/\w+/([\w.]+)\)", OVERVIEW))
    known = manifest["nodes"].keys() | manifest["sources"].keys()
    assert linked
    assert linked <= known
    analyses = {unique_id for unique_id in known if unique_id.startswith("analysis.")}
    assert analyses <= linked, "an analysis that the overview does not list"


def test_every_analysis_and_its_columns_are_described(manifest: dict[str, Any]) -> None:
    analyses = [node for node in manifest["nodes"].values() if node["resource_type"] == "analysis"]
    assert analyses
    for analysis in analyses:
        columns = analysis["columns"].values()
        assert analysis["description"] and columns, analysis["name"]
        assert all(column["description"] for column in columns), analysis["name"]


def test_every_module_is_in_the_overview_and_every_view_in_an_exposure(manifest: dict[str, Any]) -> None:
    modules = re.findall(r"^\| (\d\d) ", OVERVIEW, re.MULTILINE)
    assert [int(module) for module in modules] == list(range(11, 11 + len(modules)))
    exposures = manifest["exposures"].values()
    assert {exposure["tags"][0] for exposure in exposures} == {f"module_{module}" for module in modules} - {"module_18"}
    shown = {unique_id for exposure in exposures for unique_id in exposure["depends_on"]["nodes"]}
    panel = {
        unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["original_file_path"].startswith("models/panel/") and node["resource_type"] == "model"
    }
    assert panel <= shown


def test_a_view_has_the_tags_of_the_modules_that_read_it(manifest: dict[str, Any]) -> None:
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model" and node["access"] == "public":
            readers = [
                exposure["tags"][0]
                for exposure in manifest["exposures"].values()
                if node["unique_id"] in exposure["depends_on"]["nodes"]
            ]
            assert sorted(node["tags"]) == sorted(set(readers) - {"module_20"}), node["name"]


def test_no_description_repeats_the_name(manifest: dict[str, Any]) -> None:
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


def test_the_rules_name_vars_and_files_that_exist() -> None:
    named = set(re.findall(r"`((?:engagement|learning)_\w+)`", RULES))
    assert named and named <= VARS.keys()
    files = set(re.findall(r"`((?:analyses|seeds|macros)/[\w/.]+)`", RULES))
    assert files and all((PROJECT / file).exists() for file in files)
