"""What is supported is said once, tested by CI, and looked at before a deployment changes anything."""

import json
import re
import tomllib

import pytest
import yaml
from deployment import Panel, on_each_server
from support import PROJECT

from engagement_panel.dbt import inline, inline_value

pytest_plugins = ["deployment"]

MACRO = "macros/sources/supported_postgres.sql"


@pytest.fixture
def matrices() -> dict[str, list[str]]:
    """Give the versions that the jobs of CI run on."""
    jobs = yaml.safe_load((PROJECT / ".github/workflows/test.yml").read_text())["jobs"]
    return {name: versions for job in jobs.values() for name, versions in job["strategy"]["matrix"].items()}


def between(specifier: str) -> tuple[str, str]:
    """Give the bounds of `>=this,<that`."""
    found = re.fullmatch(r">=([\d.]+),<([\d.]+)", specifier)
    assert found, specifier
    return found[1], found[2]


def test_ci_tests_what_readme_says_and_the_project_takes(matrices):
    supported = re.search(
        r"^## Supported versions\n\nPostgreSQL (\d+) to (\d+), Python (3\.\d+) to (3\.\d+), dbt (1\.\d+)\.",
        (PROJECT / "README.md").read_text(),
        re.MULTILINE,
    )
    assert supported, "the section is not there"
    oldest, newest, oldest_python, newest_python, dbt = supported.groups()
    assert matrices["postgres"] == [str(version) for version in range(int(oldest), int(newest) + 1)]
    assert matrices["python"] == [f"3.{n}" for n in range(int(oldest_python[2:]), int(newest_python[2:]) + 1)]
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert between(declared["requires-python"]) == (oldest_python, f"3.{int(newest_python[2:]) + 1}")
    settings = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())
    assert between(",".join(settings["require-dbt-version"])) == (f"{dbt}.0", f"1.{int(dbt[2:]) + 1}.0")
    pinned = {name: version for name, _, version in (each.partition("==") for each in declared["dependencies"])}
    assert pinned["dbt-core"].startswith(f"{dbt}.")
    assert f"{{'from': {oldest}, 'to': {newest}}}" in (PROJECT / MACRO).read_text()


def test_below_is_a_problem_and_above_a_warning(run_dbt):
    cases = {130022: (1, 0), 139999: (1, 0), 140000: (0, 0), 180001: (0, 0), 189999: (0, 0), 190000: (0, 1)}
    calls = ", ".join(f"postgres_version_findings({number})" for number in cases)
    run = run_dbt("school", *inline(f"[{calls}]")).succeeded()
    said = dict(zip(cases, inline_value(run.results), strict=True))
    assert {n: (len(each["problems"]), len(each["warnings"])) for n, each in said.items()} == cases
    assert said[130022]["problems"] == ["The server is PostgreSQL 13; the panel supports 14 to 18. Upgrade the server."]
    assert said[190000]["warnings"] == [
        "The server is PostgreSQL 19; the panel supports 14 to 18. Look for a newer panel."
    ]


def support(panel: Panel, oldest: int, newest: int) -> None:
    """Let the panel support other versions."""
    text, found = re.subn(
        r"\{'from': \d+, 'to': \d+\}", json.dumps({"from": oldest, "to": newest}), panel.project.read(MACRO)
    )
    assert found == 1
    panel.project.write(MACRO, text)


@on_each_server
def test_an_older_server_is_refused_in_one_line_before_anything_changes(panel):
    panel.execute("drop schema mgmt_internal cascade")  # and all views with it
    support(panel, 98, 99)
    for command in ("run", "seed"):
        run = panel.refused(command, exit_code=2)
        lines = [line for line in run.output.splitlines() if "PostgreSQL" in line]
        assert len(lines) == 1, run.output
        assert "; the panel supports 98 to 99. Upgrade the server." in lines[0]
    assert panel.execute("select nspname from pg_namespace where nspname = 'mgmt_internal'") == []


def test_a_newer_server_is_warned_of_and_deployed_to(panel):
    support(panel, 1, 2)
    run = panel.deploy("run", "-s", "stg_engagement__students")
    assert run.output.count("; the panel supports 1 to 2. Look for a newer panel.") == 1
    assert "[unchanged in" in run.output
