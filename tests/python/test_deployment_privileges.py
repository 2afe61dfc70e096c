"""Who may do what once the panel is deployed: the least that deploying needs, and for readers six views."""

import psycopg
import pytest
from deployment import DATABASE, PANEL, READER

from sandbox.load import ROSTER

pytest_plugins = ["deployment"]

ACTIONS = {
    "database": "CONNECT CREATE TEMPORARY",
    "schema": "CREATE USAGE",
    "table": "DELETE INSERT REFERENCES SELECT TRIGGER TRUNCATE UPDATE",
}
THE_SCHOOLS = "public.students public.student_attendance mgmt.learning_at_risk_learners_v mgmt.engagement_dau_90d_v"
SHARED_STEPS = (
    "mgmt_internal.stg_students mgmt_internal.stg_checkins mgmt_internal.stg_learning_at_risk "
    "mgmt_internal.dayparts mgmt_internal.session_frequency_bins"
)
THE_PANEL = " ".join(PANEL)

# Role, kind of objects, objects, and all that the role may do with each.
MATRIX = [
    ("deployer", "database", DATABASE, "CONNECT TEMPORARY"),
    ("deployer", "schema", "public", "USAGE"),
    ("deployer", "schema", "mgmt mgmt_internal", "CREATE USAGE"),
    ("deployer", "schema", "learning", ""),
    ("deployer", "table", THE_SCHOOLS, "SELECT"),
    ("deployer", "table", "learning.at_risk_learners", ""),
    ("deployer", "table", SHARED_STEPS, ACTIONS["table"]),
    ("deployer", "table", THE_PANEL, ACTIONS["table"]),
    (READER, "database", DATABASE, "CONNECT"),
    (READER, "schema", "public mgmt", "USAGE"),
    (READER, "schema", "learning mgmt_internal", ""),
    (READER, "table", THE_SCHOOLS, ""),
    (READER, "table", "learning.at_risk_learners", ""),
    (READER, "table", SHARED_STEPS, ""),
    (READER, "table", THE_PANEL, "SELECT"),
    ("stranger", "database", DATABASE, "CONNECT"),
    ("stranger", "schema", "public", "USAGE"),
    ("stranger", "schema", "learning mgmt mgmt_internal", ""),
    ("stranger", "table", f"{THE_SCHOOLS} {SHARED_STEPS} {THE_PANEL}", ""),
]
OF_FUNCTIONS = """
select distinct format('%s of %s', pg_proc.oid::regprocedure, ev_class::regclass)
from pg_rewrite
inner join pg_depend on pg_depend.classid = 'pg_rewrite'::regclass and objid = pg_rewrite.oid
inner join pg_proc on refclassid = 'pg_proc'::regclass and refobjid = pg_proc.oid
inner join pg_class on ev_class = pg_class.oid
where pronamespace <> 'pg_catalog'::regnamespace and relnamespace::regnamespace::text in ('mgmt', 'mgmt_internal')
"""


def test_each_role_may_do_what_the_matrix_says(panel):
    expected = {(role, kind, name): allowed.split() for role, kind, names, allowed in MATRIX for name in names.split()}
    with panel.connect() as connection:
        found = {
            (role, kind, name): [
                action
                for action in ACTIONS[kind].split()
                if connection.execute(f"select has_{kind}_privilege(%s, %s, %s)", (role, name, action)).fetchone()[0]
            ]
            for role, kind, name in expected
        }
    assert found == expected


def test_roles_are_nothing_out_of_the_ordinary(panel):
    assert (
        panel.execute(f"""
        select rolname from pg_roles
        where rolname in ('deployer', '{READER}') and (rolsuper or rolcreaterole or rolcreatedb or rolbypassrls)
    """)
        == []
    )


def test_reader_reads_six_views_and_nothing_else(panel):
    with panel.connect(READER) as reader:
        for view in PANEL:
            assert reader.execute(f"select * from {view}").fetchall()
        for name in f"{THE_SCHOOLS} {SHARED_STEPS}".split():
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(f"select * from {name}")


def test_views_run_no_code_but_postgresqls_own(panel):
    assert panel.execute(OF_FUNCTIONS) == []


def test_unknown_reader_is_told_before_anything_changes(panel):
    before = panel.snapshot()
    panel.project.append_column(ROSTER, "note", "'call'::text", "text")
    run = panel.run("run", vars={"deployment_readers": [READER, 'no"body', "Analyst"]})
    assert run.exit_code != 0
    assert 'There is no role "no"body". Create it, or set deployment_readers.' in run.output
    assert 'There is no role "Analyst". Create it, or set deployment_readers.' in run.output
    assert panel.snapshot() == before


def test_grants_of_others_and_of_former_readers_stay(panel):
    panel.execute(f"grant usage on schema mgmt to analyst; grant select on {PANEL[0]} to analyst")
    before = panel.snapshot()
    panel.deploy("run", vars={"deployment_readers": []})
    assert panel.snapshot() == before
    assert panel.execute("select has_schema_privilege('analyst', 'mgmt', 'usage')") == [(True,)]
