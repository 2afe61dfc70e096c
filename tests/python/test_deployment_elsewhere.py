"""A second project installs this one by `dbt deps`: our views are deployed in place, its own models by dbt."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from conftest import PROJECT
from deployment import MODELS, PANEL, READER, MakePanel, Panel, no_reader_notices

from sandbox.load import ROSTER

pytest_plugins = ["deployment"]

NO_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
ROSTER_VIEW = "mgmt.engagement_inactive_roster_v"
SETTING = "models: {engagement_panel: {+materialized: in_place_view}}"
PROJECT_FILE = """
name: reports
profile: engagement_panel
vars: {deployment_readers: [dash-Board]}
"""
MODELS_OF_ITS_OWN = {
    "stg_students": "select 1 as id, 'Ana'::text as name",
    "names": "select name from {{ ref('stg_students') }}",
    "visits": "{{ config(materialized='table') }} select 1 as id, 3 as visits",
    "visits_by_name": "select name, visits from {{ ref('visits') }} inner join {{ ref('stg_students') }} using (id)",
    "to_call": "select student_id, level from {{ ref('engagement_panel', 'engagement_inactive_roster_v') }}",
}
OWN = "path:models/own"


@pytest.fixture(scope="module")
def second_project(workspace: Path, make_panel: MakePanel) -> Path:
    """Write the second project, and install in it the copy of ours that tests change."""
    panel = make_panel()
    folder = workspace / "second_project"
    (folder / "models/own").mkdir(parents=True)
    write(folder)
    packages = (panel.project.path, PROJECT / "dbt_packages/dbt_utils")
    (folder / "packages.yml").write_text("packages:\n" + "".join(f"  - local: {path}\n" for path in packages))
    panel.project.write("packages.yml", None)  # it names dbt_utils at the hub, which tests do not ask
    run = panel.run_dbt(panel.database, "deps", project=folder)
    assert run.exit_code == 0, run.output
    panel.project.restore()
    return folder


@pytest.fixture
def second(panel: Panel, second_project: Path) -> Panel:
    """Give the panel as the second project deploys it."""
    write(second_project)
    return installing(panel, second_project)


def write(folder: Path) -> None:
    """Write the project's own files."""
    (folder / "dbt_project.yml").write_text(PROJECT_FILE + SETTING)
    for name, sql in MODELS_OF_ITS_OWN.items():
        (folder / f"models/own/{name}.sql").write_text(sql)


def installing(panel: Panel, folder: Path) -> Panel:
    """Let dbt commands run on the project in that folder."""
    return replace(panel, project=SimpleNamespace(path=folder), folder=panel.folder / "second project", started=[])


def test_first_run_creates_our_views_and_the_second_leaves_them(second):
    second.execute(f"grant create on database {second.database} to deployer")
    first = second.deploy("build", "-t", "dev", *NO_TESTS)
    assert first.output.count("[created in") == MODELS
    before = second.snapshot("^dev")
    again = second.deploy("build", "-t", "dev", *NO_TESTS)
    assert again.output.count("[unchanged in") == MODELS
    after = second.snapshot("^dev")
    for name, relation in before.items():
        assert (after[name].oid == relation.oid) == (name.removeprefix("dev.") not in MODELS_OF_ITS_OWN)
    for view in PANEL:
        made = view.replace("mgmt.", "dev.")
        made_rows, rows = second.rows_at_one_instant(made, view)
        assert made_rows == rows
        assert f"{READER}: SELECT by deployer" in after[made].grants
    assert second.execute("select * from dev.visits_by_name") == [("Ana", 3)]
    assert not [name for name in after if "__dbt_" in name]


def test_under_readers_no_read_fails(panel, second):
    with no_reader_notices(second):
        second.deploy("build", *NO_TESTS)
        second.deploy("seed", "--full-refresh")
        panel.project.append_column(ROSTER, "note", "'call'::text", "text")
        assert second.deploy("run").output.count("[replaced in") == 1
        panel.project.restore()
        second.deploy("run", "--full-refresh")


def test_incompatible_column_is_refused(panel, second):
    second.deploy("run")
    before = second.snapshot("^mgmt")
    panel.project.rename_column(ROSTER, "level", "course")
    run = second.run("run", "-s", "engagement_inactive_roster_v")
    assert run.exit_code == 1
    assert "(level text -> course text). Views that stand on it: " in run.output
    assert second.snapshot("^mgmt") == before


@pytest.mark.parametrize("setting", ["", "models: {+materialized: view}", "models: {+materialized: table}"])
def test_without_the_setting_it_is_refused_in_one_line(second, setting):
    before = second.snapshot()
    (second.project.path / "dbt_project.yml").write_text(PROJECT_FILE + setting)
    run = second.run("run")
    assert run.exit_code != 0
    (line,) = (line for line in run.output.splitlines() if "in_place_view" in line)
    assert "Add to dbt_project.yml: " + SETTING in line
    assert second.snapshot() == before


def test_its_own_models_are_dbts(second):
    second.execute("drop table student_attendance cascade")  # which is ours to look at only if our views are selected
    (second.project.path / "dbt_project.yml").write_text(PROJECT_FILE)
    own = (*("-s", OWN), *("--exclude", "to_call"))
    second.deploy("run", *own)
    second.execute("""
        create view reports.on_names as select * from mgmt.names;
        create view reports.on_visits as select * from mgmt.visits
    """)
    run = second.deploy("run", *own)
    assert run.output.count("[CREATE VIEW in") == 3
    assert run.output.count("[SELECT 1 in") == 1
    assert not second.snapshot("^reports|__dbt_")  # dbt drops what depends on its own by cascade


def test_it_says_which_views_are_left_over(panel, second):
    second.deploy("run")
    panel.project.write(f"{ROSTER}.sql", None)
    panel.project.write(f"{ROSTER}.yml", None)
    (second.project.path / "models/own/to_call.sql").unlink()
    run = second.deploy("run")
    assert [line.partition("drop view ")[2] for line in run.output.splitlines() if "drop view" in line] == [
        f"{ROSTER_VIEW};"
    ]


def test_replaced_view_is_kept_and_put_back(second):
    definition = second.snapshot()[ROSTER_VIEW].definition
    second.execute(f"create or replace view {ROSTER_VIEW} as select * from ({definition.rstrip(';')}) as made_by_hand")
    before = second.snapshot()[ROSTER_VIEW]
    assert second.deploy("run", "-s", "engagement_inactive_roster_v").output.count("[replaced in") == 1
    assert second.execute("select id, name from mgmt_internal.replaced_views") == [(1, ROSTER_VIEW)]
    second.deploy("run-operation", "replaced_views", "--args", "{put_back: 1}")
    assert second.snapshot()[ROSTER_VIEW]._replace(row_version="") == before._replace(row_version="")


def test_the_page_tells_how_to_copy_the_deployment(panel, workspace):
    (copying,) = blocks("sh")
    settings = next(block for block in blocks("yaml") if "on-run-start" in block)
    panel.execute(f"grant create on database {panel.database} to deployer")
    folder = workspace / "copying" / "reports"
    for part in ("macros", "models", "seeds"):
        (folder / part).mkdir(parents=True)
    (folder.parent / "engagement_panel").symlink_to(panel.project.path)
    subprocess.run(["bash", "-ec", copying], cwd=folder, check=True)
    (folder / "dbt_project.yml").write_text(f"name: reports\nprofile: engagement_panel\n{settings}")
    (folder / "seeds/places.csv").write_text("place\nhall\n")
    (folder / "models/places_v.sql").write_text("select place from {{ ref('places') }}")
    copy = installing(panel, folder)
    for said in ("created", "unchanged"):
        assert f"[{said} in" in copy.deploy("build", "-t", "dev").output
    (folder / "models/places_v.sql").write_text("select place as name from {{ ref('places') }}")
    assert "(place text -> name text)" in copy.run("run", "-t", "dev").output
    assert copy.execute("select place from dev.places_v") == [("hall",)]


def test_the_page_has_the_setting():
    assert yaml.safe_load(SETTING) in [yaml.safe_load(block) for block in blocks("yaml")]


def blocks(language: str) -> list[str]:
    """Give the code blocks of that language on the page about deployment."""
    return re.findall(rf"```{language}\n(.*?)```", (PROJECT / "docs/deployment.md").read_text(), re.DOTALL)
