"""Deployments of the panel itself, one after the other: what each leaves alone, what it changes, and the way back."""

import json

from deployment import MODELS, PANEL, READER, ROSTER_VIEW, on_each_server, regardless_of_oid

from sandbox.load import ROSTER

pytest_plugins = ["deployment"]

# Its row_version changes whenever something is granted on a schema, whether or not that was missing.
SCHEMAS = "select nspname, nspacl::text, xmin::text as row_version from pg_namespace where nspname !~ '^pg_' order by 1"
ADDED_BY_HAND = f"""
alter view {ROSTER_VIEW} owner to panel_owners;
alter view {ROSTER_VIEW} set (security_barrier = true);
grant select on {ROSTER_VIEW} to analyst with grant option;
grant select (student_id) on {ROSTER_VIEW} to public;
set role panel_owners;
create view reports.call_list as select student_id, full_name from {ROSTER_VIEW};
"""


def test_run_that_changes_nothing_writes_nothing_and_waits_for_nobody(panel):
    before, schemas_before = panel.snapshot(), panel.execute(SCHEMAS)
    with panel.connect(READER) as reader, reader.transaction():
        for view in PANEL:
            reader.execute(f"select count(*) from {view}")
        # All views and what they read are locked against change now: who asked for that would give up.
        run = panel.deploy("run", vars={"deployment_readers": [READER], "deployment_lock_wait_ms": 1})
    assert run.output.count("[unchanged in") == MODELS
    assert "is in use by" not in run.output
    assert "Another deployment" not in run.output
    assert (panel.snapshot(), panel.execute(SCHEMAS)) == (before, schemas_before)


def test_run_that_changes_nothing_adds_what_is_missing(panel):
    before = panel.snapshot()
    panel.execute(f"comment on view {ROSTER_VIEW} is 'by hand'; comment on column {ROSTER_VIEW}.level is 'by hand'")
    with panel.connect(READER) as reader, reader.transaction():
        for view in PANEL:
            reader.execute(f"select count(*) from {view}")
        run = panel.deploy("run", vars={"deployment_readers": [READER, "analyst"], "deployment_lock_wait_ms": 1})
    assert run.output.count("[unchanged in") == MODELS
    after = panel.snapshot()
    for name, relation in before.items():
        grants = sorted([*relation.grants, "analyst: SELECT by deployer"]) if name in PANEL else relation.grants
        assert after[name] == relation._replace(grants=grants, row_version=after[name].row_version)


@on_each_server
def test_appended_column_comes_in_place_and_goes_by_full_refresh(panel):
    panel.execute(ADDED_BY_HAND)
    first = panel.snapshot()

    panel.project.append_column(ROSTER, "note", "'call'::text", "text")
    run = panel.deploy("run")
    assert run.output.count("[replaced in") == 1
    assert run.output.count("[unchanged in") == MODELS - 1
    second = panel.snapshot()
    old, new = first[ROSTER_VIEW], second[ROSTER_VIEW]
    assert new.columns == [*old.columns, "note text The note."]
    assert second | {ROSTER_VIEW: None} == first | {ROSTER_VIEW: None}
    assert new._replace(definition=old.definition, columns=old.columns, row_version=old.row_version) == old

    panel.project.restore()
    run = panel.refused("run")
    assert "(note text -> none). Views that stand on it: reports.call_list. To do so, add --full-refresh." in run.output

    panel.deploy("run", "--full-refresh")
    third = panel.snapshot()
    assert regardless_of_oid(third) == regardless_of_oid(first)
    for name in (ROSTER_VIEW, "reports.call_list"):
        assert third[name].oid != first[name].oid


def test_column_that_a_shared_step_gained_goes_by_full_refresh(panel):
    before = panel.snapshot()
    panel.project.append_column("models/staging/stg_engagement__students", "shoe_size", "42", "integer")
    assert panel.deploy("run").output.count("[replaced in") == 1
    panel.project.restore()
    panel.deploy("run", "--full-refresh")
    assert regardless_of_oid(panel.snapshot()) == regardless_of_oid(before)


def test_model_that_breaks_its_contract_is_refused(panel):
    panel.project.select_from(ROSTER, "*, 1 as note")
    run = panel.refused("run", "-s", "engagement_inactive_roster_v", "--full-refresh")
    assert "the model does not give the columns of its contract (none -> note integer)" in run.output
    panel.project.restore()
    contract = panel.project.read(f"{ROSTER}.yml")
    panel.project.write(f"{ROSTER}.yml", contract.replace("data_type: text", "data_type: varchar", 1))
    run = panel.refused("run", "-s", "engagement_inactive_roster_v")
    assert "(full_name character varying -> full_name text)" in run.output


def test_view_without_a_model_is_listed_and_stays(panel):
    panel.execute("""
        set role deployer;
        create view mgmt.on_the_panel as select student_id from mgmt.engagement_student_activity_v;
        create view mgmt.nothing_to_do_with_the_panel as select 1 as one
    """)
    before = panel.snapshot()
    panel.project.write(f"{ROSTER}.sql", None)
    panel.project.write(f"{ROSTER}.yml", None)
    run = panel.deploy("run")
    told = [line for line in run.output.splitlines() if "drop view" in line]
    assert len(told) == 1, told
    assert f"No model gives {ROSTER_VIEW} any more. If nobody reads it: drop view {ROSTER_VIEW};" in told[0]
    assert panel.snapshot() == before


def test_descriptions_are_in_the_database(panel):
    panel.deploy("parse", "--write-json")
    manifest = json.loads((panel.target_folder() / "manifest.json").read_text())
    described = {
        f"{node['schema']}.{node['alias']}": (node["description"], [c["description"] for c in node["columns"].values()])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }
    found = panel.execute("""
        select
            format('%s.%s', nspname, relname) as name,
            obj_description(pg_class.oid, 'pg_class') as of_view,
            array_agg(col_description(attrelid, attnum) order by attnum) as of_columns
        from pg_class
        inner join pg_namespace on relnamespace = pg_namespace.oid
        inner join pg_attribute on attrelid = pg_class.oid and attnum > 0
        where relkind = 'v' and relname !~ '^learning'
            and nspname in ('mgmt', 'mgmt_internal')
        group by pg_class.oid, nspname, relname
    """)
    assert {name: (of_view, of_columns) for name, of_view, of_columns in found} == described
    assert all(text for name in PANEL for text in (described[name][0], *described[name][1]))
