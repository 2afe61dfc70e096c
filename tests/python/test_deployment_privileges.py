"""Who may do what once the panel is deployed: the least that deploying needs, and for readers the views."""

import pytest
from deployment import DATABASE, PANEL, READER, ROSTER_VIEW

from sandbox.load import ROSTER

pytest_plugins = ["deployment"]

ACTIONS = {
    "database": "CONNECT CREATE TEMPORARY",
    "schema": "CREATE USAGE",
    "table": "DELETE INSERT REFERENCES SELECT TRIGGER TRUNCATE UPDATE",
}
THE_SCHOOLS = "public.students public.student_attendance mgmt.learning_at_risk_learners_v"
SHARED_STEPS = (
    "mgmt_internal.stg_engagement__students mgmt_internal.stg_engagement__checkins "
    "mgmt_internal.stg_engagement__learners_at_risk "
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


def test_views_run_no_code_but_postgresqls_own(panel):
    assert panel.execute(OF_FUNCTIONS) == []


def test_unknown_reader_is_told_before_anything_changes(panel):
    panel.project.append_column(ROSTER, "note", "'call'::text", "text")
    run = panel.refused("run", vars={"deployment_readers": [READER, 'no"body', "Analyst"]}, exit_code=2)
    assert 'There is no role "no"body". Create it, or set deployment_readers.' in run.output
    assert 'There is no role "Analyst". Create it, or set deployment_readers.' in run.output


@pytest.mark.parametrize("lacks", ["a comment", "a grant"])
def test_foreign_view_is_told_of_where_it_lacks_something(panel, lacks):
    panel.execute(f"alter view {ROSTER_VIEW} owner to stranger")
    panel.deploy("run")
    if lacks == "a comment":
        panel.execute(f"comment on column {ROSTER_VIEW}.level is null")
    else:
        panel.execute(f'revoke select on {ROSTER_VIEW} from "{READER}"')
    run = panel.refused("run")
    told = f"{ROSTER_VIEW} was left as it is: it belongs to role stranger, which role deployer is no member of."
    assert f"{told} Change its owner, or deploy as a member." in unquoted(run.output)


def test_deployer_who_may_not_create_in_a_schema_is_told_so_when_he_must(panel):
    panel.execute("""
        alter schema mgmt owner to school; grant usage on schema mgmt to deployer;
        revoke create on schema mgmt from panel_owners;
        alter schema mgmt_internal owner to school; grant usage on schema mgmt_internal to deployer
    """)
    panel.deploy("run")
    panel.project.append_column(ROSTER, "note", "'call'::text", "text")
    run = panel.refused("build", "-s", "engagement_inactive_roster_v", "dayparts", "--exclude-resource-type", "test")
    for name, schema in (("engagement_inactive_roster_v", "mgmt"), ("dayparts", "mgmt_internal")):
        reason = f"role deployer may not create in schema {schema}. Grant it create."
        assert f"{schema}.{name} was left as it is: {reason}" in unquoted(run.output)


def test_deployer_who_may_not_make_temporary_views_is_told_so(panel):
    panel.execute(f"revoke temp on database {DATABASE} from deployer")
    run = panel.refused("run", "-s", "engagement_inactive_roster_v")
    told = f"{ROSTER_VIEW} was left as it is: role deployer may not make temporary views in database {DATABASE}."
    assert f"{told} Grant it temp." in unquoted(run.output)


def test_usage_that_the_deployer_may_not_grant_is_told_before_anything_changes(panel):
    panel.execute(f"""
        alter schema mgmt owner to school; grant usage, create on schema mgmt to deployer;
        revoke usage on schema mgmt from "{READER}"
    """)
    panel.project.append_column(ROSTER, "note", "'call'::text", "text")
    run = panel.refused("run", exit_code=2)
    told = f"Nothing was changed: role {READER} may not use schema mgmt, and role deployer may not grant it."
    assert f'{told} Let role school run: grant usage on schema mgmt to "{READER}";' in run.output


@pytest.mark.parametrize("by", ["the var", "grants"])
def test_select_that_the_deployer_may_not_grant_is_told(panel, by):
    panel.execute(f"""
        alter view {ROSTER_VIEW} owner to stranger;
        revoke select on {ROSTER_VIEW} from "{READER}";
        grant select on {ROSTER_VIEW} to deployer
    """)
    role = READER
    if by == "grants":
        role = "Stranger"
        panel.execute(f'grant select on {ROSTER_VIEW} to "{READER}"')
        text = panel.project.read(f"{ROSTER}.sql")
        panel.project.write(f"{ROSTER}.sql", "{{ config(grants={'select': 'Stranger'}) }}" + text)
    run = panel.refused("run", "-s", "engagement_inactive_roster_v")
    told = f"{ROSTER_VIEW} was left as it is: role {role} may not select, and role deployer may not grant it."
    run_this = f"Let role stranger run: grant select on {ROSTER_VIEW} to {role};"
    assert f"{told} {run_this}" in unquoted(run.output)
    assert f' to "{role}";' in run.output


def test_migration_by_a_role_that_is_no_member_of_the_owners_names_the_cure(panel):
    change = "alter table public.students alter level type varchar(20)"
    operation = ("run-operation", "change_under_views", "--args", f"{{relation: public.students, change: '{change}'}}")
    panel.execute("grant create on schema public to school")
    run = panel.run(*operation, user="table_owner")
    assert "belongs to role deployer" in run.output
    assert "(grant that role to table_owner)" in run.output
    run = panel.refused(*operation)
    assert "Nothing was changed: role deployer may not make the change (must be owner of table" in run.output
    assert run.output.count("Nothing was changed") == 1


def test_a_member_of_the_owners_who_does_not_have_their_rights_is_told_so(panel):
    panel.execute(f"""
        alter view {ROSTER_VIEW} owner to panel_owners;
        alter role deployer noinherit; revoke panel_owners from deployer; grant panel_owners to deployer
    """)
    panel.project.select_from(ROSTER, "*")
    try:
        said = unquoted(panel.refused("run", "-s", "engagement_inactive_roster_v").output)
    finally:
        panel.execute("alter role deployer inherit; revoke panel_owners from deployer; grant panel_owners to deployer")
    assert f"{ROSTER_VIEW} was left as it is: it belongs to role panel_owners, which role deployer" in said


def unquoted(output: str) -> str:
    """What a run said, without the quotes around names."""
    return output.replace('"', "")


def test_grants_of_others_and_of_former_readers_stay(panel):
    panel.execute(f"grant usage on schema mgmt to analyst; grant select on {PANEL[0]} to analyst")
    before = panel.snapshot()
    panel.deploy("run", vars={"deployment_readers": []})
    assert panel.snapshot() == before
    assert panel.execute("select has_schema_privilege('analyst', 'mgmt', 'usage')") == [(True,)]
