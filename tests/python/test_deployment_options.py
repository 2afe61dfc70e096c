"""What dbt offers on a view, and its seeds and commands, ours does too: grants, hooks, headers, aliases, --empty."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from deployment import LEFT_FOR_READERS, MODELS, PAUSES, READER, ROSTER_VIEW, Panel, wait_until

pytest_plugins = ["deployment"]

IDS = f"select student_id from {ROSTER_VIEW} order by student_id"
CASE = "models/cases/case.sql"
HOOKS = """{{ config(
    pre_hook=[
        {'sql': "insert into public.calls values ('pre outside', txid_current())", 'transaction': false},
        "insert into public.calls values ('pre inside', txid_current())",
    ],
    post_hook=[
        "insert into public.calls select 'view', txid_current() from pg_class where oid = '{{ this }}'::regclass",
        "insert into public.calls values ('post inside, limit ' || current_setting('lock_timeout'), txid_current())",
        {'sql': "insert into public.calls values ('post outside', txid_current())", 'transaction': false},
    ]
) }}
"""


@pytest.fixture
def calls(panel: Panel) -> Panel:
    """Let hooks note that they ran, and in which transaction."""
    panel.execute("create table public.calls (what text, in_transaction bigint)")
    panel.execute("grant insert on public.calls to deployer; alter role deployer set lock_timeout = '7min'")
    return panel


def run_case(panel: Panel, sql: str, *arguments: str) -> str:
    """Deploy a model, and give what dbt says of it."""
    panel.project.write(CASE, sql)
    run = panel.run("run", "-s", "case", *arguments)
    (message,) = (result.message for result in run.results if result.node.name == "case")
    return message


def test_hooks_run_where_dbt_runs_them(calls):
    assert run_case(calls, f"{HOOKS} select 1 as one") == "created"
    rows = calls.execute("select * from public.calls")
    assert [what for what, _ in rows] == [
        "pre outside",
        "pre inside",
        "view",
        "post inside, limit 7min",
        "post outside",
    ]
    outside, *inside, after = [transaction for _, transaction in rows]
    assert len({*inside}) == 1
    assert len({outside, inside[0], after}) == 3


def test_hooks_of_a_transaction_that_is_refused_leave_nothing(calls):
    run_case(calls, "select 1 as one")
    assert "was left as it is" in run_case(calls, f"{HOOKS} select 1 as two")
    assert [what for what, _ in calls.execute("select * from public.calls")] == ["pre outside"]


def test_hooks_of_attempts_that_fail_leave_nothing(calls):
    run_case(calls, "select 1 as one")
    with ThreadPoolExecutor(1) as pool, calls.connect() as holder:
        holder.execute("begin; select from mgmt.case")
        run = pool.submit(run_case, calls, f"{HOOKS} select 2 as one")
        wait_until(lambda: calls.execute(PAUSES), "the run pauses")
        assert calls.execute("select mode from pg_locks where relation = 'public.calls'::regclass") == []
        holder.execute("commit")
        assert run.result() == "replaced"
    assert [what for what, _ in calls.execute("select * from public.calls")].count("pre inside") == 1


def test_grants_are_added_and_none_is_revoked(panel):
    grants = """{{ config(grants={'select': ['Analyst', '"dash-Board"'], 'insert': 'PUBLIC'}) }}"""
    assert run_case(panel, f"{grants} select 1 as one") == "created"
    panel.execute("grant select on mgmt.case to stranger")
    before = panel.snapshot("mgmt.case")
    for role, privileges in (("analyst", "SELECT"), (READER, "SELECT"), ("public", "INSERT"), ("stranger", "SELECT")):
        assert f"{role}: {privileges} by deployer" in before["mgmt.case"].grants
    assert run_case(panel, f"{grants} select 1 as one") == "unchanged"
    assert run_case(panel, "select 1 as one") == "unchanged"
    assert panel.snapshot("mgmt.case") == before


def test_grant_to_an_unknown_role_is_refused(panel):
    message = run_case(panel, "{{ config(grants={'select': ['nobody_here']}) }} select 1 as one")
    assert '"mgmt"."case" was left as it is: its grants name a role that does not exist (nobody_here).' in message
    assert not panel.snapshot("mgmt.case")


def test_header_goes_before_the_view(panel):
    panel.execute("set role panel_owners; create view reports.things as select 1 as thing")
    header = "{% call set_sql_header(config) %} set local search_path = reports; {% endcall %}"
    assert run_case(panel, f"{header} select thing from things") == "created"
    assert panel.execute("select thing from mgmt.case") == [(1,)]
    assert run_case(panel, f"{header} select thing from things") == "unchanged"
    assert run_case(panel, f"{header} select thing + 1 as thing from things") == "replaced"


def test_alias_names_the_view(panel):
    case = "{{ config(alias='Other name') }} select count(*) > 9 as many from {{ ref('stg_engagement__students') }}"
    assert run_case(panel, case) == "created"
    assert panel.execute('select many from mgmt."Other name"') == [(True,)]
    assert run_case(panel, case) == "unchanged"
    assert "drop view" not in panel.deploy("run").output


def test_a_models_own_full_refresh_goes_before_the_option(panel):
    run_case(panel, "select 1 as one")
    never = run_case(panel, "{{ config(full_refresh=false) }} select 1 as two", "--full-refresh")
    assert "was left as it is" in never
    assert run_case(panel, "{{ config(full_refresh=true) }} select 1 as two") == "rebuilt"


def test_comments_by_hand_stay_where_the_project_has_none(panel):
    panel.project.write("models/cases/case.yml", "models: [{name: case, description: A case., columns: [{name: one}]}]")
    silent = "{{ config(persist_docs={'relation': false, 'columns': false}) }}"
    for config, place in (("", "column mgmt.case.one"), (silent, "view mgmt.case")):
        run_case(panel, "select 1 as one")
        panel.execute(f"comment on {place} is 'by hand'")
        before = panel.snapshot("mgmt.case")
        assert run_case(panel, f"{config} select 1 as one") == "unchanged"
        assert panel.snapshot("mgmt.case") == before


@pytest.mark.parametrize("option", [["--empty"], ["--sample", "3 days"]], ids=lambda option: option[0])
def test_missing_view_is_created_with_few_rows_as_dbt_does_and_gets_them_all_by_the_next_run(panel, option):
    before = panel.snapshot()
    rows = panel.execute(IDS)
    panel.execute(f"drop view {ROSTER_VIEW}")
    run = panel.deploy("run", *option)
    assert run.output.count("[created in") == 1
    assert run.output.count(LEFT_FOR_READERS) == MODELS - 1
    if "--empty" in option:
        assert panel.execute(IDS) == []
    panel.deploy("run")
    assert panel.execute(IDS) == rows
    after = panel.snapshot()
    assert after[ROSTER_VIEW].columns == before[ROSTER_VIEW].columns
    assert after | {ROSTER_VIEW: None} == before | {ROSTER_VIEW: None}


def test_fresh_schema_is_built_empty(panel):
    panel.execute(f"grant create on database {panel.database} to deployer")
    panel.deploy("build", "-t", "dev", "--empty", "--exclude-resource-type", "test")
    assert panel.execute("select * from dev.engagement_inactive_roster_v") == []


def test_seed_without_a_description_loads_as_dbt_loads_it(calls):
    panel = calls
    hook = "insert into public.calls values ('pre inside', txid_current())"
    panel.project.write("seeds/cases/holidays.yml", f'seeds: [{{name: holidays, config: {{pre-hook: "{hook}"}}}}]')
    panel.project.write("seeds/cases/holidays.csv", "day,is_whole,people\n2026-01-01,true,12\n2026-12-24,false,3.5\n")
    panel.deploy("seed", "-s", "holidays")
    panel.project.write("seeds/cases/holidays.csv", "day,is_whole,people\n2026-12-24,false,4\n")
    panel.deploy("seed", "-s", "holidays")
    assert panel.execute("""
        select day::text, is_whole, people::float, array[pg_typeof(day), pg_typeof(people)]::text as types
        from mgmt_internal.holidays
    """) == [("2026-12-24", False, 4.0, '{date,"double precision"}')]
    assert len(panel.execute("select * from public.calls")) == 2, "a pre-hook for each load"


def test_views_are_left_over_only_if_they_read_ours(panel):
    step = "models/intermediate/int_engagement__gone"
    panel.project.write(f"{step}.sql", "select student_id from {{ ref('stg_engagement__students') }}")
    panel.deploy("run", "-s", "int_engagement__gone")
    panel.project.write(f"{step}.sql", None)
    panel.execute("""
        set role deployer;
        create view mgmt_internal.others as select student_id from public.students;
        create view mgmt_internal."Old list" as select student_id from mgmt_internal.stg_engagement__students
    """)
    run = panel.deploy("run")
    assert [line.partition("drop view ")[2] for line in run.output.splitlines() if "drop view" in line] == [
        'mgmt_internal."Old list";',
        "mgmt_internal.int_engagement__gone;",
    ]
