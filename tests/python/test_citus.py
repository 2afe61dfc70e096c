"""The panel on Citus: the rows of all views and their order, where they are computed, deployments, our own commands.

It needs a coordinator: ENGAGEMENT_CITUS_URL is the URI of its superuser, in a database where Citus knows the workers.
No server may ask for a password.
"""

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from deployment import ROSTER_VIEW, Outcome, Panel
from oracle import COLUMNS, compare, panel, read_school
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from support import PROJECT, RunDbt, commands_of, run_command

from sandbox import school
from sandbox.load import ROSTER, ProjectCopy
from sandbox.views import panel_views

COORDINATOR = os.environ.get("ENGAGEMENT_CITUS_URL", "")
DATABASE, DEPLOYER, READER = "panel_on_citus", "deployer_on_citus", "reader_on_citus"
VARS = {"deployment_readers": [READER]}
NOW = datetime.now(UTC)  # for the school, the views and the oracle: each worker has a now() of its own
MODELS = len([*(PROJECT / "models").rglob("*.sql")])
# Those whom a return is looked up for are collected first.
COMPUTED_ON_SHARDS = [name for name, view in panel_views().items() if view.fact("look_ups") != "arrivals"]
SHARDS = 32
WORKERS = "select nodename as host, nodeport as port from pg_dist_node where noderole = 'primary' and groupid > 0"
DISTRIBUTION = f"""
select create_distributed_table('public.students', 'student_id', shard_count => {SHARDS});
select create_distributed_table(name, 'student_id', colocate_with => 'public.students')
from unnest(array['public.student_attendance', 'learning.at_risk_learners']) as name
"""


@pytest.fixture(scope="module")
def nodes() -> Iterator[list[str]]:
    """Give the URIs of a new database on the coordinator and on each worker; nothing of it is left afterwards."""
    if not COORDINATOR:
        pytest.skip("NOT TESTED on Citus: set ENGAGEMENT_CITUS_URL to the URI of a coordinator")
    with psycopg.connect(COORDINATOR) as coordinator:
        workers = coordinator.execute(WORKERS).fetchall()
    places = [COORDINATOR, *(make_conninfo(COORDINATOR, host=host, port=port) for host, port in workers)]
    assert len(workers) > 1, "the coordinator knows fewer than two workers"

    def on_each(statement: str) -> None:
        for place in places:
            with psycopg.connect(place, autocommit=True) as connection:
                connection.execute(statement)

    def remove() -> None:
        on_each(f"drop database if exists {DATABASE} with (force)")
        on_each(f"drop role if exists {DEPLOYER}, {READER}")

    remove()
    on_each(f"create database {DATABASE} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'")
    yield [make_conninfo(place, dbname=DATABASE) for place in places]
    remove()


@pytest.fixture(scope="module")
def citus(nodes: list[str], workspace: Path, run_dbt: RunDbt) -> Panel:
    """Give the panel as the README has it deployed, on the sample school distributed by student, with a fixed clock."""
    project = ProjectCopy(workspace / "project_on_citus")
    clock = "macros/time/time.sql"
    project.write(clock, project.read(clock).replace("    now()", f"    '{NOW.isoformat()}'::timestamptz"))
    project.keep()
    for node in nodes:
        with psycopg.connect(node, autocommit=True) as connection:
            connection.execute("create extension citus")
    with psycopg.connect(nodes[0], autocommit=True) as connection:
        for node in map(conninfo_to_dict, nodes[1:]):
            connection.execute("select citus_add_node(%s, %s)", [node["host"], int(node["port"])])
        with connection.transaction():
            school.create(connection)
        connection.execute(DISTRIBUTION)
        with connection.transaction():
            school.load(connection, school.generate(NOW))
        connection.execute(roles())
    panel = Panel(DATABASE, nodes[0], workspace / "dbt on citus", project, run_dbt)
    assert deploy(panel, "build", "--exclude-resource-type", "test").output.count("[created in") == MODELS
    return panel


def roles() -> str:
    """Give the README's SQL for the roles, with names of our own."""
    sql = "".join(re.findall(r"```sql\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL))
    names = {"database school": f"database {DATABASE}", "panel_deployer": DEPLOYER, "dashboard": READER}
    for name, own in names.items():
        assert name in sql
        sql = sql.replace(name, own)
    return sql


def deploy(citus: Panel, *arguments: str, user: str = DEPLOYER) -> Outcome:
    return citus.deploy(*arguments, vars=VARS, user=user)


def explain(citus: Panel, view: str) -> str:
    """Give the plan of a view as it ran, with all that the shards did."""
    with citus.connect() as connection:
        connection.execute("set citus.explain_all_tasks = on")
        lines = connection.execute(f"explain (analyze, costs off, timing off) select * from mgmt.{view}")
        return "\n".join(line for (line,) in lines)


def test_an_ordered_view_ends_with_an_offset_on_citus_only(make_database, run_dbt):
    def compiled(*options: str) -> dict[str, str]:
        run = run_dbt("school", "compile", "--no-populate-cache", "-s", "path:models/panel", *options).succeeded()
        return {result.node.name: result.node.compiled_code for result in run.results}

    def ending_with_an_offset(sqls: dict[str, str]) -> set[str]:
        return {name for name, sql in sqls.items() if sql.endswith("\noffset 0")}

    with psycopg.connect(make_database("school")) as connection:
        plain = compiled()
        connection.execute("""
            set allow_system_table_mods = on;
            insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
            select 1000000, 'citus', extowner, extnamespace, false, '1' from pg_extension where extname = 'plpgsql'
        """)
    ordered = {name for name, sql in plain.items() if "\norder by" in sql}
    assert set() < ordered < plain.keys()
    assert ending_with_an_offset(plain) == set()
    assert ending_with_an_offset(compiled()) == ordered
    assert compiled("--no-introspect") == plain


def test_all_views_equal_the_oracle_in_order(citus):
    with psycopg.connect(citus.uri) as connection:
        students, checkins, learners, _ = read_school(connection)
    expected = panel(students, checkins, learners, NOW)
    assert expected.keys() == COLUMNS.keys()
    with psycopg.connect(citus.uri, user=READER) as connection:
        for zone in ("UTC", "Asia/Kolkata"):
            connection.execute("select set_config('TimeZone', %s, false)", [zone])
            assert compare(connection, expected) == []


def test_a_query_around_a_view_reads_it_as_it_stands(citus):
    with psycopg.connect(citus.uri, user=READER) as connection:
        connection.execute("set timezone = 'Asia/Kolkata'")
        rows = connection.execute(f"select * from {ROSTER_VIEW}").fetchall()
        texts = connection.execute(
            f"select last_checkin_time::text from {ROSTER_VIEW} where last_checkin_time is not null"
        )
        found = [datetime.fromisoformat(text) for (text,) in texts]
        assert found == [row[3] for row in rows if row[3]]
        assert {time.utcoffset() for time in found} == {timedelta(hours=5, minutes=30)}


@pytest.mark.parametrize("view", COMPUTED_ON_SHARDS)
def test_a_shard_looks_up_its_own_students_and_adds_up(citus, view):
    plan = explain(citus, view)
    look_ups = re.findall(r"Index.* on student_attendance_\d+ .*loops=(\d+)\)", plan)
    assert sum(map(int, look_ups)) < 2 * citus.execute("select count(*) from students")[0][0]
    tasks = [task for task in plan.split("->  Task\n") if "on student_attendance_" in task]
    assert len(tasks) >= SHARDS
    assert all(re.search("on (students|at_risk_learners)_", task) for task in tasks)
    assert all(re.search("Aggregate|WindowAgg", task) for task in tasks)


def test_a_deployment_replaces_refuses_rebuilds_and_puts_back(citus):
    assert deploy(citus, "run").output.count("[unchanged in") == MODELS
    before = citus.snapshot()
    citus.project.append_column(ROSTER, "note", "'call'::text", "text")
    assert deploy(citus, "run").output.count("[replaced in") == 1
    citus.project.restore()
    citus.project.rename_column(ROSTER, "level", "course")
    refused = citus.refused("run", vars=VARS, user=DEPLOYER)
    assert "(level text -> course text, note text -> none)" in refused.output
    assert deploy(citus, "run", "--full-refresh").output.count("[rebuilt in") == 1
    deploy(citus, "run-operation", "replaced_views", "--args", "{put_back: 1}")
    change = "alter table public.students alter level type varchar(20)"
    arguments = json.dumps({"relation": "public.students", "change": change})
    deploy(citus, "run-operation", "change_under_views", "--args", arguments, user="postgres")
    citus.project.restore()
    run = deploy(citus, "run")
    counts = [run.output.count(f"[{word} in") for word in ("unchanged", "replaced")]
    assert counts == [MODELS - 1, 1]  # the step that casts the level
    after = citus.snapshot()[ROSTER_VIEW]
    assert (after.definition, after.grants) == (before[ROSTER_VIEW].definition, before[ROSTER_VIEW].grants)


def test_our_commands_work(citus, workspace):
    profile = citus.profile(DEPLOYER)
    arguments = ["--vars", json.dumps(VARS)]
    with commands_of(citus.project.path):
        preview = run_command(profile, "preview", *arguments)
    assert (preview.exit_code, preview.errors) == (0, "")
    assert preview.output.count("unchanged") == len(COLUMNS)
    health = run_command(profile, "health")
    assert (health.exit_code, health.errors) == (0, "")
    assert "ERROR" not in health.output
    report = run_command(profile, "report", "--output", str(workspace / "report on citus"))
    assert (report.exit_code, report.errors) == (0, "")
    citus.run_dbt(DATABASE, "test", "--profiles-dir", str(profile)).succeeded()
