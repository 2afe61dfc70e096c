"""dbt's commands and selections do what a dbt user expects, and leave the panel alone where he expects it."""

import re
import shutil

import psycopg
import pytest
from deployment import LEFT_FOR_READERS, MODELS, PANEL, ROSTER_VIEW, Panel, deploy_past, regardless_of_oid, without

from sandbox.load import ROSTER

pytest_plugins = ["deployment"]

PAUSES = "select pid from pg_stat_activity where usename = 'migrator' and query like '%pg_sleep%'"


@pytest.mark.parametrize("option", [["--empty"], ["--sample", "3 days"]], ids=lambda option: option[0])
def test_build_on_few_rows_writes_no_view(panel, option):
    before, rows = panel.snapshot(), rows_of_seeds(panel)
    sources = panel.project.read("models/staging/_sources.yml")
    place = "      - name: attendance\n"
    assert sources.count(place) == 1
    checked = place + "        config: {event_time: checkin_time}\n"  # without which nothing is sampled
    panel.project.write("models/staging/_sources.yml", sources.replace(place, checked))
    panel.project.append_column(ROSTER, "note", "'call'::text", "text")
    run = panel.deploy("build", *option, "--exclude-resource-type", "test")
    assert run.output.count(LEFT_FOR_READERS) == MODELS
    assert panel.snapshot() == before
    assert rows_of_seeds(panel) == rows


def test_no_more_is_deployed_than_is_selected(panel):
    for view in PANEL:
        panel.project.append_column(panel.model_of(view), "note", "'new'::text", "text")
    panel.deploy("run", "-s", "engagement_inactive_roster_v")
    assert with_a_note(panel) == {ROSTER_VIEW}
    panel.deploy("build", "-s", "stg_engagement__learners_at_risk+", "--exclude-resource-type", "test")
    assert with_a_note(panel) == {ROSTER_VIEW, "mgmt.engagement_dual_risk_students_v"}
    panel.deploy("run", "-s", "path:models/panel", "--exclude", "engagement_student_activity_v")
    assert with_a_note(panel) == set(PANEL) - {"mgmt.engagement_student_activity_v"}


def test_state_says_what_was_modified(panel, tmp_path):
    panel.deploy("parse", "--write-json")
    shutil.copy(panel.target_folder() / "manifest.json", tmp_path)
    panel.project.append_column(ROSTER, "note", "'new'::text", "text")
    run = panel.deploy("run", "-s", "state:modified", "--state", str(tmp_path))
    assert [result.node.name for result in run.results if result.node.resource_type == "model"] == [
        "engagement_inactive_roster_v"
    ]
    assert with_a_note(panel) == {ROSTER_VIEW}


def test_deferred_view_stands_on_the_deployed_ones(panel, tmp_path):
    panel.execute(f"grant create on database {panel.database} to deployer")
    panel.deploy("parse", "--write-json")
    shutil.copy(panel.target_folder() / "manifest.json", tmp_path)
    before = panel.snapshot()
    deferred = ("run", "-t", "dev", "-s", "engagement_inactive_roster_v", "--defer", "--state", str(tmp_path))
    panel.deploy(*deferred)
    after = panel.snapshot()
    made = after.pop("dev.engagement_inactive_roster_v")
    assert after == before
    assert made.columns == before[ROSTER_VIEW].columns
    assert made.definition == before[ROSTER_VIEW].definition
    panel.project.append_column(ROSTER, "note", "'call'::text", "text")
    assert "[replaced in" in panel.deploy(*deferred).output, "there is a place for what was there"


def test_clone_shows_the_deployed_views(panel, tmp_path):
    panel.execute(f"grant create on database {panel.database} to deployer")
    panel.deploy("parse", "--write-json")
    shutil.copy(panel.target_folder() / "manifest.json", tmp_path)
    before = panel.snapshot()
    panel.deploy("clone", "-t", "dev", "--state", str(tmp_path))
    cloned = panel.snapshot("^dev")
    panel.deploy("clone", "-t", "dev", "--state", str(tmp_path), "--full-refresh")
    assert panel.snapshot() == before | cloned
    for view in PANEL:
        cloned_rows, rows = panel.rows_at_one_instant(view.replace("mgmt.", "dev."), view)
        assert cloned_rows == rows


def test_materialized_view_is_made_anew_as_dbt_makes_it(panel):
    panel.project.write("models/cases/a_copy.sql", "{{ config(materialized='materialized_view') }} select 1 as id")
    for option in ([], ["--full-refresh"]):
        panel.deploy("run", "-s", "a_copy", *option)
    assert panel.execute("select * from mgmt.a_copy") == [(1,)]


def test_table_with_a_view_on_it_is_not_dropped(panel):
    panel.project.write("models/cases/a_table.sql", "{{ config(materialized='table') }} select 1 as id")
    panel.deploy("run", "-s", "a_table")
    panel.execute("create view reports.on_a_table as select id from mgmt.a_table")
    run = panel.run("run", "-s", "a_table", "--full-refresh").failed()
    assert "because other objects depend on it" in run.output
    assert panel.execute("select * from reports.on_a_table") == [(1,)]
    assert "mgmt.a_table__dbt_backup" in panel.snapshot()  # as docs/deployment.md warns other projects


# A migration of the school's, by a role that owns its tables and is a member of the owners of the views in the way.
MIGRATION = "alter table public.students alter level type varchar(20) using level || ''"
IN_YAML = MIGRATION.replace("'", "''")
UNDER_VIEWS = ("run-operation", "change_under_views", "--args", f"{{relation: public.students, change: '{IN_YAML}'}}")


@pytest.fixture
def migrator(panel: Panel) -> str:
    """Give the role, after people have given the panel grants, comments and a view on top."""
    panel.execute(f"""
        grant create on schema public to school;
        grant select (student_id) on {ROSTER_VIEW} to analyst with grant option;
        comment on view {ROSTER_VIEW} is 'by hand';
        set role panel_owners;
        create view reports.levels with (security_barrier) as select level from {ROSTER_VIEW} group by level;
        comment on view reports.levels is 'one row a level';
        reset role;
        create view reports.names as select level as "Nivel" from public.students;
        comment on column reports.names."Nivel" is 'A1 to C2';
        grant select ("Nivel") on reports.names to analyst;
        alter view reports.names owner to panel_owners;
        grant select on public.students to panel_owners
    """)
    return "migrator"


def test_migration_is_made_under_the_views_and_a_run_after_it_changes_no_columns(panel, migrator):
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="used by a view"):
        panel.execute(MIGRATION)
    before = regardless_of_oid(panel.snapshot())
    run = panel.deploy(*UNDER_VIEWS, user=migrator)
    assert re.search(r"public\.students: done, \d+ views put back", run.output)
    after = regardless_of_oid(panel.snapshot())
    old, new = before.pop("public.students"), after.pop("public.students")
    assert new.columns == [column.replace("level text", "level character varying(20)") for column in old.columns]
    assert without("definition", after) == without("definition", before)
    panel.deploy("run")
    found = panel.snapshot()
    assert [found[view].columns for view in PANEL] == [before[view].columns for view in PANEL]


def test_migration_is_refused_where_something_could_not_be_put_back(panel, migrator):
    panel.execute(f"create materialized view reports.copy as select * from {ROSTER_VIEW}")
    run = panel.refused(*UNDER_VIEWS, user=migrator)
    assert "students: nothing was changed" in run.output
    assert "materialized view reports.copy" in run.output


def test_migration_waits_for_a_reader_of_the_table_and_names_him(panel, migrator):
    with panel.connect() as reader:
        reader.execute("begin; select from public.students")
        output = deploy_past(panel, reader, PAUSES, *UNDER_VIEWS, user=migrator)
        assert f"public.students is in use by process {reader.info.backend_pid} (postgres" in output


def with_a_note(panel: Panel) -> set[str]:
    """The views that have the new column."""
    return {name for name, view in panel.snapshot("^mgmt").items() if "note text The note." in view.columns}


def rows_of_seeds(panel: Panel) -> list:
    return [panel.execute(f"select * from mgmt_internal.{seed}") for seed in ("dayparts", "session_frequency_bins")]
