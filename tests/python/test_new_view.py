"""CONTRIBUTING's "Add a view": its files are enough for the project to take a view up, and without one lint is red."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from functools import partial, reduce
from pathlib import Path
from textwrap import dedent
from typing import Any
from unittest import mock

import pytest
import yaml
from copies import broken_conventions, copy_project, run_python
from support import PROJECT

from engagement_panel.manifest import MissingFactError, View
from sandbox.views import manifest, panel_views
from scripts import write_tables

VIEW = "engagement_weekday_visits_30d_v"
FOLDER = "models/panel/deep_dive"
PAPER = [(1, 1), (2, 0), (3, 0), (4, 0), (5, 2), (6, 2), (7, 3)]
# What the example leaves to say in places that stand there already: before or after which text, and what.
ENTRIES = {
    "tests/python/oracle.py": [
        ("COLUMNS = {\n", f'    "{VIEW}": "iso_weekday integer, visits integer",\n'),
        ("    return {\n", f'        "{VIEW}": weekday_visits(active, visits, now, settings),\n'),
    ],
    "tests/python/test_oracle_on_paper.py": [("    expected = {\n", f'        "{VIEW}": {PAPER},\n')],
    "tests/python/test_plans.py": [("SIZE = Size(2_000, 400_000, years=4)\n", "SIZE = Size(500, 50_000, years=4)\n")],
    "docs/rules.md": [("|---|---|---|\n", "| 0 | [The weekday of a visit](#) | 21 |\n")],
}

PLAIN = "sandbox/bench/plain"
ORACLE = {"tests/python/oracle.py", "tests/python/test_oracle_on_paper.py"}
LAYOUTS = {"engagement_panel/panel.py", "sandbox/console.py", "tests/python/test_report.py"}
ROWS_BY_HAND = {f"tests/python/test_{name}.py" for name in ("analyses", "other_school", "replaced_views")}
UNTESTED, WITHOUT_PLAIN_SQL, MISNAMED = "lacks_unit_tests", "lacks_plain_sql", "lacks_the_end_of_its_name"
OF_EACH_VIEW = (
    "test_columns_are_those_of_the_oracle",
    "test_a_view_reads_its_days_and_look_ups_alone",
    "test_older_history_costs_nothing_but_the_look_ups",
    "test_the_plain_sql_runs",
    "test_the_bench_can_look_a_row_up",
    "test_a_reader_under_load_knows_a_complete_answer",
)
OF_ALL = (
    "test_the_oracle_agrees_with_paper",
    "test_a_loaded_school_is_read_as_it_is",
    "test_every_module_is_in_the_rules",
)


def example() -> dict[str, str]:
    """Give the files that CONTRIBUTING shows, by their names."""
    blocks = re.findall(r"^   ```\w+ (\S+)\n(.*?)^   ```$", (PROJECT / "CONTRIBUTING.md").read_text(), re.M | re.S)
    return {name: dedent(text) for name, text in blocks}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the project with the example in it."""
    path = copy_project(tmp_path_factory.mktemp("copies"))
    for name, text in example().items():
        file = path / name
        file.write_text(f"{file.read_text()}\n\n{text}" if file.exists() else text)
    for name, entries in ENTRIES.items():
        file = path / name
        text = file.read_text()
        for after, entry in entries:
            start = text.index(after) + len(after)
            text = text[:start] + entry + text[start:]
        file.write_text(text)
    return path


def test_the_view_is_taken_up(project, monkeypatch, capsys):
    assert broken_conventions(project) == ""
    parts = {"PROJECT": project, "FILES": [project / file.relative_to(PROJECT) for file in write_tables.FILES]}
    with mock.patch.multiple(write_tables, manifest=partial(manifest, project), **parts):
        monkeypatch.setattr("sys.argv", ["write_tables", "--check"])
        with pytest.raises(SystemExit, match="True"):
            write_tables.main()
        assert capsys.readouterr().out.count("a table is out of date") == 2
        monkeypatch.setattr("sys.argv", ["write_tables"])
        write_tables.main()
    assert f"| 21 | `{VIEW}` | On which weekdays do students come? |" in (project / "README.md").read_text()
    assert f"#!/model/model.engagement_panel.{VIEW}" in (project / "models" / "overview.md").read_text()

    run = run_python(
        project,
        *("-m", "pytest", "-v", "-p", "no:cacheprovider", "-k", " or ".join((VIEW, *OF_ALL))),
        *(f"tests/python/test_{name}.py" for name in ("docs", "plans", "oracle", "oracle_on_paper", "tools")),
    )
    assert run.returncode == 0, run.stdout
    for test in [f"{name}[{VIEW}]" for name in OF_EACH_VIEW]:
        assert f"::{test} PASSED" in run.stdout, f"{test}\n{run.stdout}"
    for test in OF_ALL:
        assert f"::{test}" in run.stdout, f"{test}\n{run.stdout}"


def test_the_view_is_built_and_its_edges_hold(project, run_dbt, make_database, deployed_template):
    make_database("school", template=deployed_template)
    build = run_dbt("school", "build", "--select", VIEW, project=project).succeeded()
    assert {"model", "test", "unit_test"} <= {str(result.node.resource_type) for result in build.results}


def without(document: dict[str, Any], *keys: Any) -> dict[str, Any]:
    """Give a document without what is under a key within others."""
    copy = deepcopy(document)
    reduce(lambda value, key: value[key], keys[:-1], copy).pop(keys[-1])
    return copy


def leaves(document: dict[str, Any], *under: Any) -> Iterator[tuple[Any, ...]]:
    """Give the keys of a document that hold no mapping."""
    for key, value in document.items():
        if isinstance(value, dict):
            yield from leaves(value, *under, key)
        else:
            yield (*under, key)


def test_without_any_one_of_its_facts_lint_is_red(project, tmp_path):
    """Each of many copies of the view lacks something else: a key of its yml, or what belongs beside it."""
    files = {Path(name).name.partition(".")[2]: text for name, text in example().items() if name.startswith(FOLDER)}
    document = yaml.safe_load(files["yml"])
    model = document["models"][0]
    of_columns = [("columns", 0, "description"), ("columns", 0, "data_tests"), ("columns", 1, "description")]
    of_config = [("config", *keys) for keys in leaves(model["config"])]
    lacking = {
        f"lacks_{'_'.join(map(str, keys))}": without(document, "models", 0, *keys)
        for keys in [("description",), *of_columns, *of_config]
    }
    lacking["lacks_exposures"] = without(document, "exposures")
    lacking |= dict.fromkeys((UNTESTED, WITHOUT_PLAIN_SQL, MISNAMED), document)
    copy = tmp_path / "project"
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns(".*", "target", "python"))
    for lack, document in lacking.items():
        name = f"engagement_{lack}" + "_v" * (lack != MISNAMED)
        yml = yaml.safe_dump(document, sort_keys=False, allow_unicode=True).replace("module_21_", f"module_21_{lack}_")
        (copy / FOLDER / f"{name}.yml").write_text(yml.replace(VIEW, name))
        (copy / FOLDER / f"{name}.sql").write_text(files["sql"])
        if lack != UNTESTED:
            tests = files["unit_tests.yml"].replace(VIEW, name).replace("weekdays_by", f"{lack}_by")
            (copy / FOLDER / f"{name}.unit_tests.yml").write_text(tests)
        if lack != WITHOUT_PLAIN_SQL:
            shutil.copy(copy / PLAIN / f"{VIEW}.sql", copy / PLAIN / f"{name}.sql")
    said = broken_conventions(copy)
    for lack in lacking:
        assert re.search(rf"engagement_{lack}(_v)?\b", said), f"{lack}\n{said}"
    for keys in leaves(model["config"]["meta"]):
        assert f"has no {'.'.join(keys)}" in said, said


def test_a_guard_names_the_view_and_the_key_that_it_misses():
    view = View(VIEW, "mgmt", "", {}, {"bench": {"goal_ms": None}})
    assert view.fact("bench", "goal_ms") is None
    for keys, missing in ((("days_read",), "days_read"), (("bench", "goal_ms", "2M"), "bench.goal_ms.2M")):
        with pytest.raises(MissingFactError, match=f"{VIEW}: config.meta has no {missing}. Add it to its yml."):
            view.fact(*keys)


def test_no_file_lists_the_views():
    """Four views named in one file are a list, except in the oracle, in what lays out a page, and in rows by hand."""
    views = re.compile("|".join(panel_views()))
    tracked = subprocess.check_output(["git", "ls-files"], cwd=PROJECT, text=True).split()
    lists = {
        name
        for name in tracked
        if re.search(r"\.py$|^Makefile$|^\.github/|^macros/", name)
        and len({*views.findall((PROJECT / name).read_text())}) >= 4
    }
    assert lists <= ORACLE | LAYOUTS | ROWS_BY_HAND
