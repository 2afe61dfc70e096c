"""What a run replaces is kept and can be put back: views made by hand, of which the panel has models."""

import json
import re
from datetime import UTC

import psycopg
import pytest
from deployment import (
    DISABLED,
    PAUSES,
    READER,
    VARS,
    Panel,
    deploy_past,
    finish,
    no_read_goes_wrong,
    on_each_server,
    regardless_of_oid,
    wait_until_it_says,
    without,
)

from sandbox.load import ROSTER, Question

pytest_plugins = ["deployment"]

KEPT = "mgmt_internal.replaced_views"
NOTHING = f"select to_regclass('{KEPT}') is null"

# Models, and how a school may have made each by hand: with the same columns, or its counts as PostgreSQL gives them.
MODELS = {
    "dau": "select current_date as d, 1::integer as active_students, 30::integer as total_minutes",
    "decline": "select 5::integer as this_week, 10::integer as previous_week, -50.0::numeric as decline_pct",
}
BY_HAND = {
    "dau": """
        select
            checkin_time::date as d, count(distinct student_id){integer} as active_students,
            (sum(extract(epoch from interval '-1 day +2 hours') / 60)){integer} as total_minutes
        from student_attendance
        where checkin_time > '2020-02-01 00:00+00' and checkin_time::date > '2020-02-03'::date
        group by 1
    """,
    "decline": """
        select count(*){integer} as this_week, 10{bigint} as previous_week, round(count(*) / 10.0, 1) as decline_pct
        from student_attendance
    """,
}
SAME = {"integer": "::integer", "bigint": ""}
OTHER = {"integer": "::bigint", "bigint": "::bigint"}
LADEN = f"""
    alter view mgmt.dau set (security_barrier = true);
    grant select on mgmt.dau to analyst with grant option;
    grant select (d), update (active_students) on mgmt.dau to stranger;
    grant select on mgmt.dau to public;
    comment on view mgmt.dau is 'It''s the school''s own';
    comment on column mgmt.dau.d is 'which day?';
    create view reports.on_dau as select d from mgmt.dau;
    grant select on reports.on_dau to "{READER}"
"""


def by_hand(panel: Panel, types: dict[str, str]) -> dict:
    """Let the school make views, owned by a role that the deployer is a member of; give the panel models of them."""
    panel.execute("grant select on students, student_attendance to panel_owners")
    views = [f"create view mgmt.{name} as {sql.format(**types)};" for name, sql in BY_HAND.items()]
    panel.execute(f"set role panel_owners; set search_path = public; {' '.join(views)} {LADEN}")
    for name, sql in MODELS.items():
        panel.project.write(f"models/cases/{name}.sql", sql)
    return panel.snapshot(r"mgmt\.|reports\.")


def deploy(panel: Panel, *arguments: str) -> list[str]:
    """Deploy the cases, and give what dbt says of each."""
    results = panel.deploy("run", "-s", "path:models/cases", *arguments).results
    return [result.message for result in results if result.node.resource_type == "model"]


def kept(panel: Panel) -> list:
    return panel.execute(f"select * from {KEPT} order by id")


def command_for(number: int) -> tuple[str, ...]:
    """Give the command that puts a definition back."""
    return ("run-operation", "replaced_views", "--args", f"{{put_back: {number}}}")


def put_back(panel: Panel, name: str) -> str:
    """Put the first definition of a view back, and give what dbt says."""
    (row,) = panel.execute(f"select min(id) as id from {KEPT} where name = '{name}'")
    return panel.deploy(*command_for(row.id)).output


@on_each_server
def test_what_is_replaced_is_kept_and_comes_back(panel):
    before = by_hand(panel, SAME)
    assert deploy(panel, "--write-json") == ["replaced"] * len(MODELS)
    assert {name for name, view in panel.snapshot().items() if view != before.get(name, view)} == {
        f"mgmt.{name}" for name in MODELS
    }

    rows = kept(panel)
    invocation = json.loads((panel.target_folder() / "run_results.json").read_text())["metadata"]["invocation_id"]
    assert {row.name for row in rows} == {f"mgmt.{name}" for name in MODELS}
    assert {(row.replaced_by, row.invocation_id) for row in rows} == {("deployer", invocation)}
    panel.execute("alter role deployer set timezone = 'Asia/Kolkata'")
    listed = panel.deploy("run-operation", "replaced_views").output
    panel.execute("alter role deployer reset all")
    for row in rows:
        replaced_at = f"{row.replaced_at.astimezone(UTC):%Y-%m-%d %H:%M}"
        assert f"{row.id}  {row.name}  replaced {replaced_at} UTC by deployer, run {invocation}" in listed
    assert f'--args "{{put_back: {rows[-1].id}}}"' in listed

    panel.execute("comment on column mgmt.dau.active_students is 'ours'")
    for name in MODELS:
        said = put_back(panel, f"mgmt.{name}")
        assert re.search(
            rf"mgmt\.{name}: put back as it was .* add its name to the var engagement_disabled_views\.", said
        )
    after = panel.snapshot(r"mgmt\.|reports\.")
    assert without("row_version", after) == without("row_version", before)


@on_each_server
def test_what_is_rebuilt_is_kept_and_comes_back(panel):
    by_hand(panel, OTHER)
    panel.execute("""
        alter view mgmt.decline rename column decline_pct to "Decline %";
        comment on column mgmt.decline."Decline %" is 'by hand'
    """)
    before = panel.snapshot(r"mgmt\.|reports\.")
    refused = panel.refused("run", "-s", "path:models/cases")
    assert refused.output.count(" To keep it as it is, add its name to the var engagement_disabled_views.") >= len(
        MODELS
    )
    assert "active_students bigint -> active_students integer" in refused.output
    assert panel.execute(NOTHING) == [(True,)]

    assert deploy(panel, "--full-refresh") == ["rebuilt"] * len(MODELS)
    assert {row.name for row in kept(panel)} == {f"mgmt.{name}" for name in MODELS}
    panel.execute("alter view mgmt.decline set (security_barrier = true)")
    for name in MODELS:
        put_back(panel, f"mgmt.{name}")
    assert regardless_of_oid(panel.snapshot(r"mgmt\.|reports\.")) == regardless_of_oid(before)


def test_statements_make_the_view_again_by_hand(panel):
    before = by_hand(panel, SAME)
    deploy(panel)
    (row,) = panel.execute(f"select statements from {KEPT} where name = 'mgmt.dau'")
    session = "set search_path = pg_catalog; set datestyle = 'SQL, DMY'"
    panel.execute(f"drop view mgmt.dau cascade; {session}; {'; '.join(row.statements)}")
    assert regardless_of_oid(panel.snapshot("^mgmt.dau")) == regardless_of_oid({"mgmt.dau": before["mgmt.dau"]})


def test_dropped_view_comes_back_with_no_more_grants_than_it_had(panel):
    before = by_hand(panel, SAME)
    deploy(panel)
    panel.execute("drop view mgmt.dau cascade")
    panel.execute(
        "alter default privileges for role deployer in schema mgmt grant select, update on tables to public, stranger"
    )
    put_back(panel, "mgmt.dau")
    assert regardless_of_oid(panel.snapshot("^mgmt.dau")) == regardless_of_oid({"mgmt.dau": before["mgmt.dau"]})


def test_definition_means_the_same_whatever_a_session_has_set(panel):
    before = by_hand(panel, SAME)
    panel.execute("""
        alter role deployer set search_path = public, mgmt;
        alter role deployer set intervalstyle = sql_standard; alter role deployer set datestyle = 'SQL, DMY'
    """)
    deploy(panel)
    panel.execute("alter role deployer reset all")
    put_back(panel, "mgmt.dau")
    assert panel.snapshot()["mgmt.dau"].definition == before["mgmt.dau"].definition


def test_grants_given_since_and_the_present_definition_stay(panel):
    by_hand(panel, SAME)
    deploy(panel)
    ours = panel.snapshot()["mgmt.dau"]
    panel.execute(f'grant select on mgmt.dau to "{READER}"; alter view mgmt.dau owner to deployer')
    put_back(panel, "mgmt.dau")
    view = panel.snapshot()["mgmt.dau"]
    assert f"{READER}: SELECT by panel_owners" in view.grants
    assert view.owner == "panel_owners"
    newest = kept(panel)[-1]
    assert newest.name == "mgmt.dau"
    panel.deploy(*command_for(newest.id))
    assert panel.snapshot()["mgmt.dau"].definition == ours.definition


def test_first_definition_and_the_newest_nine_are_kept(panel):
    by_hand(panel, SAME)
    deploy(panel)
    (first,) = panel.execute(f"select id from {KEPT} where name = 'mgmt.dau'")
    panel.execute(f"""
        insert into {KEPT} (name, replaced_at, replaced_by, invocation_id, statements)
        select name, replaced_at + n * interval '1 microsecond', 'deployer', n::text, to_jsonb(array[n::text])
        from {KEPT}, generate_series(1, 20) as n where name in ('mgmt.dau', 'mgmt.decline')
        order by n desc
    """)
    panel.project.write("models/cases/dau.sql", MODELS["dau"].replace("30", "31"))
    deploy(panel)
    rows = [row for row in kept(panel) if row.name == "mgmt.dau"]
    assert [rows[0].id, *(row.invocation_id for row in rows[1:-1])] == [first.id, *map(str, range(20, 12, -1))]
    assert "31" not in rows[-1].statements[0] and "30" in rows[-1].statements[0]
    assert len([row for row in kept(panel) if row.name == "mgmt.decline"]) == 21


def test_definition_that_comes_back_takes_no_second_row(panel):
    by_hand(panel, SAME)
    times = []
    for _ in range(2):
        deploy(panel)
        put_back(panel, "mgmt.dau")
        times.append([(row.replaced_at, row.invocation_id) for row in kept(panel) if row.name == "mgmt.dau"])
    (first, then), (first_again, then_again) = times
    assert first[0] < then[0] < first_again[0] < then_again[0]
    assert len({first[1], then[1], first_again[1], then_again[1]}) == 4


def test_a_definition_is_put_back_once_its_reader_lets_go(panel):
    by_hand(panel, SAME)
    deploy(panel)
    (row,) = panel.execute(f"select id from {KEPT} where name = 'mgmt.dau'")
    with panel.connect(READER) as reader:
        reader.execute("begin; select from mgmt.dau")
        output = deploy_past(panel, reader, PAUSES, *command_for(row.id))
        assert f"mgmt.dau is in use by process {reader.info.backend_pid} ({READER}" in output


def test_unchanged_view_is_not_kept(panel):
    panel.deploy("run")
    panel.deploy("run", "--full-refresh")
    assert panel.execute(NOTHING) == [(True,)]


@pytest.mark.parametrize(
    "config", ["grants={'select': ['nobody']}", "post_hook='select 1 / 0'"], ids=["refused", "failing"]
)
def test_failing_deployment_keeps_nothing(panel, config):
    by_hand(panel, SAME)
    panel.project.write("models/cases/dau.sql", f"{{{{ config({config}) }}}} {MODELS['dau']}")
    panel.refused("run", "-s", "dau")
    assert panel.execute(NOTHING) == [(True,)]


def test_nobody_but_the_deployer_reads_what_is_kept(panel):
    by_hand(panel, SAME)
    panel.execute(f"""
        grant usage on schema mgmt_internal to "{READER}";
        alter default privileges for role deployer grant select on tables to public, "{READER}"
    """)
    deploy(panel)
    with panel.connect(READER) as reader, pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute(f"select * from {KEPT}")
    sql = f"select distinct grantee::regrole::text from pg_class, aclexplode(relacl) where oid = '{KEPT}'::regclass"
    assert panel.execute(sql) == [("deployer",)]


@pytest.mark.parametrize("lacks", ["create on the schema", "the schema", "the table"])
def test_what_cannot_be_kept_is_not_replaced(panel, lacks):
    by_hand(panel, SAME)
    if lacks == "the table":
        panel.deploy("run", "-s", "decline")
        panel.execute(f"alter table {KEPT} owner to school")
    else:
        panel.execute("alter schema mgmt_internal owner to school; grant usage on schema mgmt_internal to deployer")
        if lacks == "the schema":
            panel.execute("drop schema mgmt_internal cascade")
    run = panel.refused("run", "-s", "dau")
    if lacks != "the schema":  # which dbt itself must create first
        assert "mgmt.dau was left as it is: its present definition is to be kept in" in run.output
        assert "role deployer may not write there (permission denied for" in run.output
    if lacks == "the table":
        panel.execute(f"grant select, insert, update, delete on {KEPT} to deployer")
        assert deploy(panel).count("replaced") == 1


def test_two_first_runs_keep_each_view_once(panel):
    by_hand(panel, SAME)
    with panel.connect() as reader:
        reader.execute("begin; select * from mgmt.dau")
        runs = [panel.start("run", "-s", "path:models/cases", "--threads", "4") for _ in range(2)]
        for run in runs:
            wait_until_it_says(run, "is in use by")
        reader.execute("commit")
    for run in runs:
        finish(run).succeeded()
    assert sorted(row.name for row in kept(panel)) == sorted(f"mgmt.{name}" for name in MODELS)


REFUSALS = {
    "unknown": (
        "",
        "There is no replaced view {}. Nothing was changed. To list them: dbt run-operation replaced_views --target ",
    ),
    "needed": (
        "set role deployer; create view mgmt.minutes as select total_minutes from mgmt.dau",
        "mgmt.minutes could not be put back upon the change",
    ),
    "no_longer_sql": (
        "alter table student_attendance rename to attendance",
        "mgmt.dau was left as it is: it could not be put back (relation",
    ),
    "of_a_stranger": (
        "alter view mgmt.dau owner to stranger",
        "mgmt.dau was left as it is: it could not be put back (must be owner",
    ),
    "a_table": (
        "drop view mgmt.dau cascade; set role deployer; create table mgmt.dau ()",
        'mgmt.dau was left as it is: it could not be put back ("dau" is not a view',
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_put_back_is_refused(panel, name):
    done, told = REFUSALS[name]
    by_hand(panel, SAME)
    panel.project.write("models/cases/dau.sql", MODELS["dau"] + ", 1 as sessions")
    if name == "needed":
        panel.execute("drop view mgmt.dau cascade; set role deployer; create view mgmt.dau as select current_date as d")
    deploy(panel)
    panel.execute(done)
    (row,) = panel.execute(f"select id from {KEPT} where name = 'mgmt.dau'")
    for number in (0, 99) if name == "unknown" else (row.id,):
        run = panel.refused(*command_for(number))
        assert told.format(number) in run.output


def test_nothing_kept_is_said(panel):
    assert "No view has been replaced yet." in panel.deploy("run-operation", "replaced_views").output


@on_each_server
def test_a_school_whose_dashboard_reads_views_made_by_hand_goes_over_to_ours(panel):
    by_hand = {
        "engagement_dau_90d_v": (
            "select current_date - day as d, 1 as active_students, 30::numeric as total_minutes"
            " from generate_series(89, 0, -1) as day"
        ),
        "engagement_avg_days_between_visits_v": (
            "select 'GLOBAL'::text as scope, null::text as level, 2.5::numeric as avg_days_between_visits"
        ),
        "engagement_decline_index_v": "select count(*) as active_students_7d from public.students",
        "engagement_hour_split_v": (
            "select daypart, 12.5::float as total_minutes"
            " from unnest(array['morning_08_12', 'afternoon_12_17', 'evening_17_20']) as daypart"
        ),
    }
    for name, sql in by_hand.items():
        panel.execute(f'set role deployer; create view mgmt.{name} as {sql}; grant select on mgmt.{name} to "{READER}"')
    asked = [
        Question("mgmt.engagement_dau_90d_v", ["d"], "as_many", "true"),
        Question("mgmt.engagement_avg_days_between_visits_v", ["scope"], "in_order", "scope = 'GLOBAL'"),
        Question("mgmt.engagement_decline_index_v", ["pg_typeof(active_students_7d) is not null"], "in_order", "true"),
        Question("mgmt.engagement_hour_split_v", ["daypart"], "in_order", "true"),
    ]
    vars = VARS | {"engagement_disabled_views": [name for name in DISABLED if name not in by_hand]}
    with no_read_goes_wrong(panel, asked):
        run = panel.run("build", "--exclude-resource-type", "test", vars=vars).failed()
        said = {result.node.name: result.message for result in run.results if result.node.name in by_hand}
        assert said.pop("engagement_dau_90d_v") == said.pop("engagement_avg_days_between_visits_v") == "replaced"
        for column, message in zip(
            ("active_students_7d bigint ->", "total_minutes double precision ->"), said.values(), strict=True
        ):
            assert column in message and "--full-refresh" in message and "engagement_disabled_views" in message
        full = panel.deploy("run", "--full-refresh", vars=vars)
        assert [result.message for result in full.results if result.node.name in said] == ["rebuilt", "rebuilt"]
        assert {row.name.removeprefix("mgmt.") for row in kept(panel)} == by_hand.keys()
        for name in by_hand:
            put_back(panel, f"mgmt.{name}")
    views = panel.snapshot()
    assert views["mgmt.engagement_decline_index_v"].columns[0].startswith("active_students_7d bigint")
    assert views["mgmt.engagement_hour_split_v"].columns[1].startswith("total_minutes double precision")


def test_disabled_view_is_no_leftover(panel):
    before = panel.snapshot()
    options = ("run", "-s", "engagement_student_activity_v")
    disabled = {"deployment_readers": [READER], "engagement_disabled_views": ["engagement_inactive_roster_v"]}
    assert "drop view" not in panel.deploy(*options, vars=disabled).output
    assert panel.snapshot() == before
    panel.project.write(f"{ROSTER}.sql", None)
    panel.project.write(f"{ROSTER}.yml", None)
    assert "drop view mgmt.engagement_inactive_roster_v;" in panel.deploy(*options).output
