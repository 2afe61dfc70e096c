"""A school's own project installs ours by `dbt deps`. What docs/another-project.md shows is taken from there."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
import yaml
from deployment import DISABLED, MODELS, PANEL, READER, Panel, disable_idle_steps, no_reader_notices, without
from hub import serve_hub
from support import PROJECT, Outcome

from sandbox.load import ROSTER, ProjectCopy
from sandbox.school import BY_TIME

pytest_plugins = ["deployment"]

PAGE = (PROJECT / "docs/another-project.md").read_text()
ADDRESS = "https://git.example.org/engagement_panel.git"
ACTIVITY = "models/panel/student_insights/engagement_student_activity_v"
ROSTER_VIEW, ACTIVITY_VIEW = (f"mgmt.{Path(model).name}" for model in (ROSTER, ACTIVITY))
NO_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
OF_ITS_OWN = {
    "models/own/stg_students.sql": "{{ config(materialized='view') }} select 1 as id, 'Ana'::text as name",
    "models/own/names.sql": "{{ config(materialized='view', meta={'for_readers': true}) }}"
    " select name from {{ ref('stg_students') }}",
    "models/own/visits.sql": "{{ config(materialized='table') }} select 1 as id, 3 as visits",
    "models/own/visits_by_name.sql": "{{ config(materialized='view') }} select name, visits"
    " from {{ ref('visits') }} inner join {{ ref('stg_students') }} using (id)",
    "models/own/students_of_ours.sql": "{{ config(materialized='view', schema='mgmt_internal') }}"
    " select student_id from {{ ref('engagement_panel', 'stg_engagement__students') }}",
    "models/own/places_v.sql": "{{ config(materialized='in_place_view') }} select place from {{ ref('places') }}",
    "models/own/to_call.sql": "{{ config(materialized='view') }} select student_id, level"
    " from {{ ref('engagement_panel', 'engagement_inactive_roster_v') }}",
    "seeds/places.csv": "place\nhall\n",
    "tests/everybody_has_a_name.sql": "select name from {{ ref('names') }} where name is null",
}


def block(language: str, text: str) -> str:
    """Give the one code block of the page in that language that has that text."""
    blocks = re.findall(rf"^( *)```{language}\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
    (found,) = (re.sub(f"^{indent}", "", lines, flags=re.MULTILINE) for indent, lines in blocks if text in lines)
    return str(found)


SETTINGS: dict[str, Any] = yaml.safe_load(block("yaml", "engagement_timezone"))
SCHEMAS: dict[str, Any] = yaml.safe_load(block("yaml", "+schema"))
OUR_VARS = SETTINGS["vars"]["engagement_panel"]
(LEFT_OUT,) = OUR_VARS["engagement_disabled_views"]
OUR_VARS |= {"deployment_readers": [READER], "engagement_disabled_views": [*DISABLED, LEFT_OUT]}
DEPLOYED = [view for view in PANEL if view != f"mgmt.{LEFT_OUT}"]
DEPLOYED_MODELS = MODELS - 1


class SchoolsPanel(Panel):
    """The panel as the school's own project deploys it: no var is set but in its dbt_project.yml."""

    def run(self, *arguments: str, **options: Any) -> Outcome:
        """Run a dbt command, on a target that does not have the name of our schema."""
        return super().run(*arguments, "--target", "dev", vars={}, **options)


def write_project(folder: Path, settings: dict[str, Any], schema_macro: str = "") -> None:
    """Write the school's own project, if it is there already anew."""
    files = OF_ITS_OWN | {"macros/generate_schema_name.sql": schema_macro}
    files["dbt_project.yml"] = yaml.safe_dump({"name": "reports", "profile": "engagement_panel"} | settings)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def install(panel: Panel, folder: Path, packages: str) -> Outcome:
    (folder / "packages.yml").write_text(packages)
    return panel.run_dbt(panel.database, "deps", project=folder)


def release(ours: ProjectCopy, tag: str) -> None:
    """Commit our project as it is, and tag it."""
    commit = "git add . && git -c user.name=us -c user.email=us@example.org commit --quiet --message x && git tag"
    subprocess.run(["bash", "-ec", f"{commit} {tag}"], cwd=ours.path, check=True)


@pytest.fixture(scope="module")
def ours(workspace: Path) -> ProjectCopy:
    """Give the git repository of our project; one view has its unit tests and exposures."""
    ours = ProjectCopy(workspace / "repository")
    for name in (f"{ACTIVITY}.yml", f"{ACTIVITY}.unit_tests.yml"):
        ours.write(name, (PROJECT / name).read_text())
    for file in (PROJECT / "stand_in").rglob("*.*"):
        ours.write(str(file.relative_to(PROJECT)), file.read_text())
    disable_idle_steps(ours)
    ours.keep()
    subprocess.run(["git", "init", "--quiet", ours.path], check=True)
    release(ours, "2.0.0")
    return ours


@pytest.fixture(scope="module")
def packages(ours: ProjectCopy) -> Iterator[str]:
    """Give a packages.yml with ours, as on the page, and an old dbt_utils; a hub has that."""
    used_already = "  - package: dbt-labs/dbt_utils\n    version: 1.0.0\n"
    with (
        serve_hub(PROJECT / "stand_in" / "dbt_utils", "1.0.0", "1.4.1", "2.0.0") as url,
        mock.patch("dbt.clients.registry.DEFAULT_REGISTRY_BASE_URL", url),
    ):
        yield block("yaml", "- git:").replace(ADDRESS, f"file://{ours.path}") + used_already


@pytest.fixture
def schools(panel: Panel, workspace: Path, packages: str) -> SchoolsPanel:
    """Give the panel as a project deploys it that has installed ours from git, and has schemas of its own."""
    folder = workspace / "reports"
    settings = SCHEMAS | {"models": SCHEMAS["models"] | {"+schema": "dev"}, "vars": SETTINGS["vars"]}
    write_project(folder, settings, block("sql", "generate_schema_name"))
    if not (folder / "packages.yml").exists() or (folder / "packages.yml").read_text() != packages:
        install(panel, folder, packages).succeeded()
    return SchoolsPanel(panel.database, panel.uri, folder, SimpleNamespace(path=folder), panel.run_dbt)


def test_without_the_hub_every_command_of_the_page_does_what_it_says(panel, workspace, ours):
    folder = workspace / "without_the_hub/reports"
    our_vars = OUR_VARS | {"engagement_students_table": "pupils"}
    write_project(folder, SETTINGS | {"vars": {"engagement_panel": our_vars}})
    clone = block("sh", "git clone").replace(ADDRESS, f"file://{ours.path}")
    subprocess.run(["bash", "-ec", clone], cwd=folder, check=True, capture_output=True)
    with mock.patch("dbt.clients.registry.DEFAULT_REGISTRY_BASE_URL", "http://127.0.0.1:9/"):
        install(panel, folder, block("yaml", "- local:")).succeeded()

    panel.execute(f"""
        grant create on database {panel.database} to deployer;
        create view pupils as select * from students;
        grant select on pupils to deployer
    """)
    schools = SchoolsPanel(panel.database, panel.uri, folder, SimpleNamespace(path=folder), panel.run_dbt)
    commands = [shlex.split(line, comments=True)[1:] for line in block("sh", "dbt build").splitlines()]
    build, run_ours, test_ours, run_others, docs, indexes = commands
    assert schools.deploy(*build, *NO_TESTS).output.count("[created in") == DEPLOYED_MODELS + 1  # places_v
    before = schools.snapshot("^dev")
    assert schools.deploy(*run_ours).output.count("[unchanged in") == DEPLOYED_MODELS
    assert {kind for _, kind in nodes(schools.deploy(*test_ours))} == {"test", "unit_test"}
    others = schools.deploy(*run_others)
    assert {package for package, _ in nodes(others)} == {"reports"}
    assert others.output.count("[unchanged in") == 1
    assert "has both indexes" in schools.deploy(*indexes).output
    panel.execute(f"drop index {BY_TIME}")
    missing = schools.deploy(*indexes).output
    assert "create index concurrently on public.student_attendance (checkin_time);" in missing
    assert " names" not in missing, "a model of the school's own"
    schools.deploy(*docs, "--write-json")
    manifest = json.loads((schools.target_folder(vars={}) / "manifest.json").read_text())
    assert {exposure["package_name"] for exposure in manifest["exposures"].values()} == {"engagement_panel"}
    assert {doc["package_name"] for doc in manifest["docs"].values() if doc["name"] == "__overview__"} == {"dbt"}
    assert "doc.engagement_panel.__engagement_panel__" in manifest["docs"]
    score = manifest["nodes"][f"model.engagement_panel.{Path(ACTIVITY).name}"]["columns"]["consistency_score"]
    assert "engagement_high_from_score is high engagement" in score["description"]

    after = schools.snapshot("^dev")
    assert {name for name in before if after[name].oid != before[name].oid} == {
        "dev_mgmt_internal.students_of_ours",
        *(f"dev.{name}" for name in ("stg_students", "names", "visits", "visits_by_name", "to_call")),
    }
    assert "FROM public.pupils" in schools.snapshot()["dev_internal.stg_engagement__students"].definition
    for view in DEPLOYED:
        made = view.replace("mgmt.", "dev.")
        made_rows, rows = schools.rows_at_one_instant(made, view)
        assert made_rows == rows
        assert f"{READER}: SELECT by deployer" in after[made].grants
    assert schools.execute("select * from dev.visits_by_name") == [("Ana", 3)]
    assert not [name for name in after if "__dbt_" in name]


def nodes(run: Outcome) -> set[tuple[str, str]]:
    """Give the package and the kind of each node that ran, other than hooks."""
    return {
        (result.node.package_name, str(result.node.resource_type))
        for result in run.results
        if result.node.resource_type != "operation"
    }


def test_readers_notice_nothing_and_views_on_ours_stay(schools, ours, packages):
    schools.execute(f"""
        grant create on database {schools.database} to deployer;
        create view mgmt.by_hand as select student_id from {ROSTER_VIEW};
        create view mgmt_internal.left_over as select * from mgmt_internal.stg_engagement__students;
    """)
    before = schools.snapshot()
    with no_reader_notices(schools):
        assert schools.deploy("build", *NO_TESTS).output.count("[unchanged in") == DEPLOYED_MODELS
        to_call = schools.snapshot()["dev.to_call"]
        schools.deploy("seed", "--full-refresh", "-s", "engagement_panel")
        ours.append_column(ROSTER, "note", "'call'::text", "text")
        release(ours, "2.1.0")
        install(schools, schools.project.path, packages.replace("2.0.0", "2.1.0")).succeeded()
        upgrade = schools.deploy("run", "-s", "engagement_panel").output
    ours.restore()
    assert upgrade.count("[replaced in") == 1
    assert re.findall("drop view (.*);", upgrade) == ["mgmt_internal.left_over"]
    after = schools.snapshot()
    changed = {name for name in before if after[name].row_version != before[name].row_version}
    assert {name for name in changed if not name.startswith("mgmt_internal.")} == {ROSTER_VIEW}
    assert after["dev.to_call"].oid == to_call.oid
    assert "note text The note." in after[ROSTER_VIEW].columns
    rows, rows_of_ours = schools.rows_at_one_instant("dev.to_call", f"(select student_id, level from {ROSTER_VIEW})")
    assert rows == rows_of_ours


def test_views_made_by_hand_are_kept_or_refused(schools):
    schools.execute(f"""
        grant create on database {schools.database} to deployer;
        create or replace view {ROSTER_VIEW} as
        select * from ({schools.snapshot()[ROSTER_VIEW].definition.rstrip(";")}) as made_by_hand;
        drop view {ACTIVITY_VIEW};
        create view {ACTIVITY_VIEW} as select 1::bigint as student_id;
        alter view {ACTIVITY_VIEW} owner to deployer;
        create view reports.on_activity as select * from {ACTIVITY_VIEW};
    """)
    before = schools.snapshot("^(mgmt|reports)")
    run = schools.run("run", "-s", "engagement_panel").failed()
    assert "(student_id bigint -> student_id integer). Views that stand on it: reports.on_activity." in run.output
    assert "add its name to the var engagement_disabled_views" in run.output
    assert run.output.count("[replaced in") == 1
    schools.deploy("run-operation", "replaced_views", "--args", "{put_back: 1}")
    after = schools.snapshot("^(mgmt|reports)")
    assert without("row_version", after) == without("row_version", before)


def test_its_own_models_are_dbts_and_ours_are_not_looked_at(schools):
    models = {
        "+materialized": "table",
        "engagement_panel": SCHEMAS["models"]["engagement_panel"] | {"staging": {"+materialized": "view"}},
    }
    del models["engagement_panel"]["+materialized"]
    our_vars = OUR_VARS | {"engagement_attendance_checkout_time_column": None, "timezone": "UTC"}
    others = {"learning_goals": {"shown": True}, "deployment_region": "south", "engagement_time_zone": "UTC"}
    settings = SCHEMAS | {"models": models, "vars": {"engagement_panel": our_vars} | others}
    settings |= yaml.safe_load(block("yaml", "dispatch:"))
    write_project(schools.project.path, settings, block("sql", "generate_schema_name"))
    schools.execute(f"""
        grant create on database {schools.database} to deployer;
        drop table student_attendance cascade;
        create view mgmt_internal.left_over as select * from mgmt_internal.stg_engagement__students;
    """)
    refused = schools.refused("run", "--log-level-file", "debug", exit_code=2)
    materialization, *problems = re.findall(r"^    - (.*)", refused.output, re.MULTILINE)
    assert re.fullmatch(
        rf"dbt would deploy {DEPLOYED_MODELS} models of engagement_panel in its own way \(\w+ as \w+, …\)."
        r" Add to dbt_project.yml: models: {engagement_panel: {\+materialized: in_place_view}}",
        materialization,
    )
    assert [problem.partition(". ")[0] for problem in problems] == [
        "engagement_time_zone: there is no such var",
        "timezone: there is no such var",
        "public.student_attendance: there is no such relation",
    ]
    log = (schools.target_folder(vars={}) / "logs/dbt.log").read_text()
    assert re.search(r"pg_advisory_xact_lock\([^;]*;\s*create schema if not exists \"dev\"", log)

    own = ("-s", "package:reports", "--exclude", "to_call")
    build = schools.deploy("build", *own)
    schools.execute("""
        create view reports.on_names as select * from dev.names;
        create view reports.on_visits as select * from dev.visits
    """)
    run = schools.deploy("run", *own)
    assert run.output.count("[CREATE VIEW in") == 4
    assert run.output.count("[SELECT 1 in") == 1
    assert not schools.snapshot("^reports|__dbt_")  # dbt drops what depends on its own by cascade
    said = build.output + run.output + schools.deploy("seed", *own).output + schools.deploy("test", *own).output
    assert not re.search("No model gives|check-outs|no index", said)
    assert not schools.execute(f"select has_schema_privilege('{READER}', 'dev', 'usage')")[0][0]


def test_what_the_page_says_dbt_refuses(schools, packages):
    installed = schools.project.path / "dbt_packages"
    before = sorted(installed.glob("*/*"))
    run = install(schools, schools.project.path, packages.replace("version: 1.0.0", "version: 2.0.0")).exited_with(2)
    assert "Version error for package dbt-labs/dbt_utils" in run.output
    assert sorted(installed.glob("*/*")) == before

    disabled = {"panel": {"student_insights": {Path(ACTIVITY).name: {"+enabled": False}}}}
    write_project(schools.project.path, SETTINGS | {"models": {"engagement_panel": disabled}})
    run = schools.run("run").exited_with(2)
    assert re.search(f"depends on a node named '{Path(ACTIVITY).name}' which is disabled", run.output)


def test_only_the_deployment_is_copied(panel, workspace):
    panel.execute(f"grant create on database {panel.database} to deployer")
    folder = workspace / "copying" / "reports"
    for part in ("macros", "models", "seeds"):
        (folder / part).mkdir(parents=True)
    (folder.parent / "engagement_panel").symlink_to(PROJECT)
    subprocess.run(["bash", "-ec", block("sh", "cp -r")], cwd=folder, check=True)
    settings = block("yaml", "on-run-start")
    (folder / "dbt_project.yml").write_text(f"name: reports\nprofile: engagement_panel\n{settings}")
    (folder / "seeds/places.csv").write_text("The place\nhall\n")
    for_readers = "{{ config(meta={'for_readers': true}) }}"
    (folder / "models/places_v.sql").write_text(
        f"{for_readers} select \"The place\" as place from {{{{ ref('places') }}}}"
    )
    copy = SchoolsPanel(panel.database, panel.uri, folder, SimpleNamespace(path=folder), panel.run_dbt)
    for said in ("created", "unchanged"):
        assert f"[{said} in" in copy.deploy("build").output
    copy.execute("set role deployer; create view dev.by_hand as select place from dev.places_v")
    assert "drop view" not in copy.deploy("run").output
    (folder / "models/places_v.sql").write_text("select 'hall' as name, * from {{ ref('places') }}")
    assert "(place text -> name text)" in copy.run("run").output
    assert copy.execute("select place from dev.places_v") == [("hall",)]
