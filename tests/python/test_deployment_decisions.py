"""What changed, and what a plain run and one with --full-refresh make of it: a small view a case, all in two runs.

The cases stand in schema mgmt under names that begin with their own; what a person has built on a case's view, or given
to it, lies in schema reports or hangs on the view.
"""

from dataclasses import dataclass

import pytest
from deployment import EMBEDDED, MACHINE, MakePanel, Relation, regardless_of_oid
from support import Outcome

pytest_plugins = ["deployment"]

BEFORE = "select 1 as id, 'Ana'::text as name, 2.5::numeric as score"
WITHOUT_SCORE = "select 1 as id, 'Ana'::text as name"
WITH_ROUGH_SCORE = "select 1 as id, 'Ana'::text as name, 2.5::real as score"
ROUGH_SCORE = "score numeric -> score real"


@dataclass(frozen=True)
class Case:
    """A view `mgmt.<name>` whose model changes, and what each run is to say of it."""

    after: str
    plain: str  # in the message of a plain run
    full_refresh: str  # in that of one with --full-refresh
    before: str | None = BEFORE  # None: the model is new
    built_on: str = ""  # what people did before it changed; {view} is its name


def refused(reason: str, after: str = WITH_ROUGH_SCORE, built_on: str = "", plain: str = ROUGH_SCORE) -> Case:
    """Make a case that --full-refresh refuses for a reason."""
    return Case(after, plain, reason, built_on=built_on)


def not_ours(reason: str, built_on: str) -> Case:
    """Make a case of a new model. Something has its name already, and both runs leave that as it is."""
    return Case(BEFORE, f"was left as it is: {reason}", f"was left as it is: {reason}", None, built_on)


CASES = {
    # the decision table
    "unchanged": Case(BEFORE, "unchanged", "unchanged"),
    "spelt_otherwise": Case(
        "select 1 as id, -- said in other words\n cast('Ana' as text) as name, 2.5::numeric as score",
        "unchanged",
        "unchanged",
    ),
    "other_rows": Case(BEFORE.replace("Ana", "Zoila"), "replaced", "unchanged"),
    "appended": Case(
        f"{BEFORE}, true as is_new",
        "replaced",
        "unchanged",
        built_on="""
        alter view {view} owner to panel_owners;
        alter view {view} set (security_barrier = true);
        grant select on {view} to analyst with grant option;
        grant select (id) on {view} to stranger;
        comment on column {view}.id is 'by hand';
        create view reports.on_appended as select id from {view};
        grant select on reports.on_appended to stranger;
        """,
    ),
    "renamed": Case(
        BEFORE.replace("as name", "as full_name"),
        "(name text -> full_name text). Views that stand on it: reports.on_renamed. To do so, add --full-refresh.",
        "rebuilt",
        built_on="create view reports.on_renamed as select id from {view}",
    ),
    "lengthened": Case(
        "select 'A1'::varchar(20) as level",
        "(level character varying(5) -> level character varying(20))",
        "rebuilt",
        before="select 'A1'::varchar(5) as level",
    ),
    "collated": Case(
        "select 'Ana'::text collate \"POSIX\" as name",
        "name text -> name text collate POSIX",
        "rebuilt",
        before="select 'Ana'::text as name",
    ),
    "dropped": Case(WITHOUT_SCORE, "(score numeric -> none)", "rebuilt"),
    "reordered": Case(
        "select 1 as id, 2.5::numeric as score, 'Ana'::text as name",
        "(name text -> score numeric, score numeric -> name text)",
        "rebuilt",
    ),
    # what --full-refresh puts back: see test_full_refresh_says_what_it_does_and_puts_all_back
    "laden": Case(
        WITH_ROUGH_SCORE,
        ROUGH_SCORE,
        "rebuilt",
        built_on="""
        alter view {view} owner to panel_owners;
        alter view {view} set (security_barrier = true);
        grant select on {view} to analyst with grant option;
        grant select, update on {view} to public;
        grant select (id), update (name) on {view} to stranger;
        comment on view {view} is 'It''s "laden"';
        comment on column {view}.id is 'who?';
        create view reports.on_laden with (security_barrier, check_option = local) as
        select id from {view} where id > 0;
        alter view reports.on_laden owner to panel_owners;
        grant insert (id) on reports.on_laden to "dash-Board" with grant option;
        comment on view reports.on_laden is 'one level up';
        comment on column reports.on_laden.id is 'still who?';
        create view reports."On laden, twice" as select one.id as "Id" from {view} as one, reports.on_laden as two;
        grant select on reports."On laden, twice" to analyst
        """,
    ),
    "owner_gave_up_privileges": Case(
        WITH_ROUGH_SCORE,
        ROUGH_SCORE,
        "rebuilt",
        built_on="""
        revoke insert, update, delete, truncate on {view} from deployer;
        create view archive.on_owner_gave_up_privileges as select id from {view};
        revoke delete on archive.on_owner_gave_up_privileges from deployer
        """,
    ),
    # what --full-refresh could not put back, and therefore refuses
    "under_materialized_view": refused(
        "materialized view reports.on_under_materialized_view",
        built_on="create materialized view reports.on_under_materialized_view as select id from {view}",
    ),
    "under_materialized_view_above": refused(
        "materialized view reports.on_under_materialized_view_above",
        built_on="""
        create view reports.under_materialized_view_above_ids as select id from {view};
        create materialized view reports.on_under_materialized_view_above as
        select id from reports.under_materialized_view_above_ids
        """,
    ),
    "under_function": refused(
        "function reports.on_under_function()",
        built_on="""
        create function reports.on_under_function() returns bigint
        begin atomic
            select count(*) from {view};
        end
        """,
    ),
    "under_function_of_row": refused(
        "function reports.on_under_function_of_row(mgmt.under_function_of_row)",
        built_on="""
        create function reports.on_under_function_of_row(mgmt.under_function_of_row) returns integer
        language sql return 1
        """,
    ),
    "under_column_of_row_type": refused(
        "column laden of table reports.on_under_column_of_row_type",
        built_on="create table reports.on_under_column_of_row_type (laden mgmt.under_column_of_row_type)",
    ),
    "under_whole_row": refused(
        "column whole_row of view reports.on_under_whole_row",
        built_on="create view reports.on_under_whole_row as select whole_row from {view} as whole_row",
    ),
    "under_trigger": refused(
        "trigger write_through on view mgmt.under_trigger",
        built_on="""
        create function reports.write_through() returns trigger language plpgsql as 'begin return new; end';
        create trigger write_through instead of insert on {view}
        for each row execute function reports.write_through()
        """,
    ),
    "under_rule": refused(
        "rule write_nothing on view mgmt.under_rule",
        built_on="create rule write_nothing as on delete to {view} do instead nothing",
    ),
    "under_rule_of_table": refused(
        "rule count_too on table reports.on_under_rule_of_table",
        built_on="""
        create table reports.on_under_rule_of_table (id integer);
        create rule count_too as on delete to reports.on_under_rule_of_table do also select count(*) from {view}
        """,
    ),
    "under_policy": refused(
        "policy listed on table reports.on_under_policy",
        built_on="""
        create table reports.on_under_policy (id integer);
        create policy listed on reports.on_under_policy using (id in (select id from {view}))
        """,
    ),
    "under_default": refused(
        "default value for column score of view mgmt.under_default",
        built_on="alter view {view} alter column score set default 0",
    ),
    "under_foreign_view": refused(
        "reports.on_under_foreign_view belongs to role stranger",
        built_on="""
        create view reports.on_under_foreign_view as select id from {view};
        reset role;
        alter view reports.on_under_foreign_view owner to stranger
        """,
    ),
    "under_foreign_schema": refused(
        "elsewhere.on_under_foreign_schema could not be put back upon the change (permission denied for schema",
        built_on="""
        reset role;
        create schema elsewhere;
        grant usage on schema elsewhere to deployer;
        create view elsewhere.on_under_foreign_schema as select id from {view};
        alter view elsewhere.on_under_foreign_schema owner to deployer
        """,
    ),
    "under_foreign_grant": refused(
        "role analyst granted SELECT on mgmt.under_foreign_grant",
        built_on="""
        grant select on {view} to analyst with grant option;
        grant usage on schema mgmt to analyst;
        reset role;
        set role analyst;
        grant select on {view} to stranger
        """,
    ),
    "needed_column": refused(
        "reports.on_needed_column could not be put back upon the change (column",
        after=WITHOUT_SCORE,
        plain="score numeric -> none",
        built_on="create view reports.on_needed_column as select score from {view}",
    ),
    "granted_column": refused(
        'mgmt.granted_column could not be put back upon the change (column "score" of relation "granted_column"',
        after=WITHOUT_SCORE,
        plain="score numeric -> none",
        built_on="grant select (score) on {view} to analyst",
    ),
    # first deployment onto what a school has
    "adopted_as_it_is": Case(BEFORE, "unchanged", "unchanged", None, f"create view {{view}} as {BEFORE}"),
    "of_a_stranger": not_ours(
        "it belongs to role stranger, which role deployer is no member of.",
        f"reset role; create view {{view}} as {WITH_ROUGH_SCORE}; alter view {{view}} owner to stranger",
    ),
    "a_table": not_ours(
        "it is a relation of another kind (table mgmt.a_table).", "create table {view} as select 1 as id"
    ),
    "a_materialized_view": not_ours(
        "it is a relation of another kind (materialized view mgmt.a_materialized_view).",
        "create materialized view {view} as select 1 as id",
    ),
}
EACH_CASE = pytest.mark.parametrize("name", CASES)

# They would give the views made anew grants that they had not.
DEFAULT_PRIVILEGES = """
alter default privileges for role deployer in schema mgmt, reports grant select, update on tables to stranger;
alter default privileges for role panel_owners in schema mgmt, reports grant select on tables to stranger;
"""


@dataclass(frozen=True)
class Deployed:
    """The database before, between and after the two runs."""

    before: dict[str, Relation]
    plain: Outcome
    between: dict[str, Relation]
    full_refresh: Outcome
    after: dict[str, Relation]


@pytest.fixture(scope="module", params=[EMBEDDED, MACHINE])
def deployed(request: pytest.FixtureRequest, make_panel: MakePanel) -> Deployed:
    """Deploy the cases, let people build on them, change all, and deploy twice: plainly and with --full-refresh."""
    panel = make_panel(request.param)
    for name, case in CASES.items():
        if case.before:
            panel.project.write(f"models/cases/{name}.sql", case.before)
    panel.deploy("run", "-s", "path:models/cases")

    panel.execute("create schema archive authorization deployer")  # where nothing is granted by default
    for name, case in CASES.items():
        panel.execute(f"set search_path = mgmt, public; set role deployer; {case.built_on.format(view=f'mgmt.{name}')}")
        panel.project.write(f"models/cases/{name}.sql", case.after)
    panel.execute(DEFAULT_PRIVILEGES)

    before = panel.snapshot()
    plain = panel.run("run", "-s", "path:models/cases")
    between = panel.snapshot()
    full_refresh = panel.run("run", "-s", "path:models/cases", "--full-refresh")
    return Deployed(before, plain, between, full_refresh, panel.snapshot())


@EACH_CASE
def test_plain_run_says_what_it_does_and_keeps_all_but_a_definition(deployed, name):
    case = CASES[name]
    assert case.plain in message_of(deployed.plain, name)
    before, after = relations_of(name, deployed.before), relations_of(name, deployed.between)
    if case.plain == "replaced":
        view = f"mgmt.{name}"
        old, new = before.pop(view), after.pop(view)
        assert new.columns[: len(old.columns)] == old.columns
        assert new.definition != old.definition
        assert in_place(new) == in_place(old)
    assert after == before


@EACH_CASE
def test_full_refresh_says_what_it_does_and_puts_all_back(deployed, name):
    case = CASES[name]
    assert case.full_refresh in message_of(deployed.full_refresh, name)
    before, after = relations_of(name, deployed.between), relations_of(name, deployed.after)
    if case.full_refresh == "rebuilt":
        view = f"mgmt.{name}"
        old, new = before.pop(view), after.pop(view)
        assert in_place(new._replace(oid=0)) == in_place(old._replace(oid=0))
        assert new.definition != old.definition
        before, after = regardless_of_oid(before), regardless_of_oid(after)
    assert after == before


def test_full_refresh_puts_back_what_hangs_on_columns(deployed):
    old, new = (relations["mgmt.laden"].columns for relations in (deployed.between, deployed.after))
    assert (old[0], old[1]) == (new[0], new[1])
    assert "stranger=r/panel_owners" in new[0] and "who?" in new[0] and "stranger=w/panel_owners" in new[1]


def message_of(run: Outcome, name: str) -> str:
    """What a run said of a case: one line, for where it is refused dbt says the model's name above and below."""
    (message,) = (result.message for result in run.results if result.node.name == name)
    return message.splitlines()[message.startswith("Compilation Error")].strip()


def relations_of(name: str, relations: dict[str, Relation]) -> dict[str, Relation]:
    return {each: relation for each, relation in relations.items() if name in each.lower()}


def in_place(relation: Relation) -> Relation:
    """What stays where a definition is replaced in place."""
    return relation._replace(row_version="", definition=None, columns=[])
