"""Deployments that meet others: readers who hold a view, runs at the same time, and whoever kills a run."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from random import Random
from time import sleep

import pytest
from deployment import (
    MODELS,
    MORTAL,
    OF_RUNS,
    PARK,
    PAUSES,
    READER,
    ROSTER_VIEW,
    TURN,
    VARS,
    WAITS_AT_THE_PARK,
    WAITS_FOR_A_TURN,
    WAITS_FOR_THE_ROSTER,
    MakePanel,
    Panel,
    Relation,
    deploy_past,
    finish,
    on_each_server,
    regardless_of_oid,
    wait_until,
    wait_until_it_says,
)

from sandbox.load import FOREIGN_VIEW, ROSTER, DbtProcess

pytest_plugins = ["deployment"]

PATIENT = VARS | {"deployment_lock_wait_ms": 60_000}  # so that a run can be caught waiting
CHANGE_UNDER_VIEWS = [
    *("run-operation", "change_under_views", "--args"),
    "{relation: mgmt_internal.dayparts, change: 'alter table mgmt_internal.dayparts add note text'}",
]

LEFT_BEHIND = "select oid::regclass from pg_class where relname ~ '__dbt_' or relpersistence = 't'"
LOCKS_OF_OTHERS = """
select pid from pg_locks
where pid <> pg_backend_pid() and database = (select oid from pg_database where datname = current_database())
"""


@dataclass(frozen=True)
class EndlessWait:
    """A run on a database where a reader never lets go of the roster, nor an admin of the dayparts."""

    panel: Panel
    before: dict[str, Relation]
    run: DbtProcess
    holders_pid: int
    admins_pid: int


@pytest.fixture(scope="module", autouse=True)
def endless_wait(make_panel: MakePanel) -> Iterator[EndlessWait]:
    """Start a run that will never get at the roster, before all other tests; the last one looks at how it ended."""
    panel = make_panel(database="endless")
    before = panel.snapshot()
    panel.project.append_column(ROSTER, "note", "'call'::text", "text")
    panel.project.write("seeds/dayparts.csv", panel.project.read("seeds/dayparts.csv").replace("17,20", "17,21"))
    with (
        ThreadPoolExecutor(1) as pool,
        panel.connect() as waiter,
        panel.connect(READER) as holder,
        panel.connect() as admin,
        panel.connect() as bystander,
    ):
        holder.execute(f"begin; select from {ROSTER_VIEW}")
        admin.execute("begin; lock table mgmt_internal.dayparts in share mode")
        bystander.execute("begin; select from mgmt_internal.dayparts")
        pool.submit(waiter.execute, "begin; lock table mgmt_internal.dayparts in exclusive mode")
        run = panel.start("build", "-s", "engagement_inactive_roster_v", "dayparts", "--exclude-resource-type", "test")
        wait_until_it_says(run, "is in use by")
        yield EndlessWait(panel, before, run, holder.info.backend_pid, admin.info.backend_pid)
    run.kill()


@on_each_server
def test_run_gives_way_to_readers_while_one_holds_the_view(panel):
    panel.project.append_column(ROSTER, "note", "'call'::text", "text")
    with ThreadPoolExecutor(1) as pool, panel.connect(READER) as holder, panel.connect(READER) as other:
        holder.execute(f"set application_name = 'el tablero'; begin; select from {ROSTER_VIEW}")
        run = pool.submit(panel.deploy, "run", "-s", "engagement_inactive_roster_v")
        for seen, what in ((WAITS_FOR_THE_ROSTER, "the run waits for the roster"), (PAUSES, "the run pauses")):
            wait_until(partial(panel.execute, seen), what)
            other.execute(f"select student_id from {ROSTER_VIEW}")
            assert not run.done()
        holder.execute("commit")
        output = run.result().output
        assert f"process {holder.info.backend_pid} ({READER}, el tablero)" in output
    assert output.index("is in use by") < output.index("[replaced in")


@pytest.mark.parametrize("wait", [0, -500, 0.5, "soon"])
def test_wait_that_is_no_bound_is_told_before_anything_changes(panel, wait):
    panel.project.append_column(ROSTER, "note", "'call'::text", "text")
    line = f"deployment_lock_wait_ms: is {json.dumps(wait)}, must be a whole number of milliseconds above 0."
    for command, exit_code in ((["run"], 2), (CHANGE_UNDER_VIEWS, 1)):
        run = panel.refused(*command, vars=VARS | {"deployment_lock_wait_ms": wait}, exit_code=exit_code)
        assert line in run.output
        assert f"of {MODELS} START" not in run.output


def test_run_behind_a_change_of_what_the_view_reads_names_who_makes_it(panel):
    panel.project.append_column(ROSTER, "note", "'call'::text", "text")
    with panel.connect() as admin:
        admin.execute("begin; alter view mgmt_internal.stg_engagement__students set (security_barrier)")
        output = deploy_past(panel, admin, PAUSES, "run", "-s", "engagement_inactive_roster_v")
        assert f"process {admin.info.backend_pid} (postgres" in output


@pytest.mark.parametrize(("dropped", "next_wait"), [("reports.call_list", "DROP VIEW"), (ROSTER_VIEW, "CREATE VIEW")])
def test_locks_of_one_attempt_share_the_wait(panel, dropped, next_wait):
    panel.execute(f"{FOREIGN_VIEW}; alter view reports.call_list owner to panel_owners")
    panel.execute(use_up_time_after_drop_of(dropped))
    panel.project.rename_column(ROSTER, "level", "course")
    vars = VARS | {"deployment_lock_wait_ms": 100}
    panel.deploy("run", "--full-refresh", "-s", "engagement_inactive_roster_v", vars=vars)
    waits = panel.execute("select command, lock_timeout from public.waits order by number")
    assert waits[0] == (next_wait, "1ms")


def test_lock_that_is_not_free_while_a_view_is_put_back_is_waited_for(panel):
    panel.execute(f"{FOREIGN_VIEW}; alter view reports.call_list owner to panel_owners")
    panel.execute(f"""
        create sequence public.attempts;
        create function public.fail_once() returns event_trigger security definer language plpgsql as $$
        begin
            if to_regclass('{ROSTER_VIEW}') is not null and to_regclass('reports.call_list') is null then
                if nextval('public.attempts') = 1 then raise lock_not_available; end if;
            end if;
        end $$;
        create event trigger fail_once on ddl_command_start when tag in ('CREATE VIEW')
        execute function public.fail_once()
    """)
    panel.project.rename_column(ROSTER, "level", "course")
    output = panel.deploy("run", "--full-refresh", "-s", "engagement_inactive_roster_v").output
    assert "is in use by a transaction that has just ended. Trying again in" in output
    assert panel.execute("select last_value > 1 from public.attempts") == [(True,)]


def test_nobody_of_another_database_is_told_of(panel, endless_wait):
    panel.project.append_column(ROSTER, "note", "'call'::text", "text")
    with panel.connect(READER) as holder, endless_wait.panel.connect() as elsewhere:
        elsewhere.execute(f"set application_name = 'dbt elsewhere'; begin; select pg_advisory_xact_lock({TURN})")
        holder.execute(f"begin; select from {ROSTER_VIEW}")
        output = deploy_past(panel, holder, PAUSES, "run", "-s", "engagement_inactive_roster_v")
    assert "Another deployment" not in output
    # Views of databases that were copied from one have the same OIDs.
    assert f"process {endless_wait.holders_pid} " not in output


def test_runs_at_the_same_time_that_are_each_others_first_deployment(panel):
    panel.execute(f"grant create on database {panel.database} to deployer; drop schema mgmt_internal cascade")
    deploy_at_the_same_time(panel, 2, "build", "--threads", "8", "--exclude-resource-type", "test")


def test_runs_at_the_same_time_that_change_the_same(panel):
    panel.project.rename_column(ROSTER, "level", "course")
    panel.project.select_from("models/staging/stg_engagement__students", "*, 1 as shoe_size")
    deploy_at_the_same_time(panel, 2, "build", "--threads", "8", "--exclude-resource-type", "test", "--full-refresh")
    assert panel.snapshot(ROSTER_VIEW)[ROSTER_VIEW].columns[2].startswith("course text")


@pytest.mark.parametrize("command", [["run"], ["seed"], CHANGE_UNDER_VIEWS], ids=lambda command: " ".join(command[:2]))
def test_run_that_waits_for_another_says_so(panel, command):
    with panel.connect() as other:
        other.execute(f"set application_name = 'dbt of another'; begin; select pg_advisory_xact_lock({TURN})")
        holder = f"process {other.info.backend_pid}, postgres, dbt of another"
        output = deploy_past(panel, other, WAITS_FOR_A_TURN, *command)
    assert f"Another deployment is under way ({holder}): waiting for its turn to end." in output


def test_killed_run_that_waits_for_a_reader_changes_nothing(panel):
    before = panel.snapshot()
    panel.project.rename_column(ROSTER, "level", "course")
    with panel.connect(READER) as holder:
        holder.execute(f"begin; select from {ROSTER_VIEW}")
        run = panel.start("run", "--full-refresh", "-s", "engagement_inactive_roster_v", vars=PATIENT)
        wait_until(lambda: panel.execute(WAITS_FOR_THE_ROSTER), "the run waits for the roster")
        assert panel.execute(f"{OF_RUNS} and application_name ~ '^dbt [-0-9a-f]{{36}}$'"), "others look for this name"
        run.kill()
    wait_until(lambda: not panel.execute(OF_RUNS), "the backend ends")
    expect_nothing_left_behind(panel)
    assert panel.snapshot() == before


@pytest.mark.parametrize(
    ("command", "by"),
    [("DROP VIEW", "terminated backend"), ("CREATE VIEW", "kill -9"), ("GRANT", "terminated backend")],
    ids=str,
)
def test_run_that_dies_halfway_leaves_what_was_there(panel, command, by):
    before = panel.snapshot()
    panel.execute(stop_after(command, before[ROSTER_VIEW].oid))
    panel.project.rename_column(ROSTER, "level", "course")
    with panel.connect() as warden:
        warden.execute(f"select pg_advisory_lock({PARK})")
        run = panel.start("run", "--full-refresh", "-s", "engagement_inactive_roster_v", vars=PATIENT)
        wait_until(lambda: panel.execute(WAITS_AT_THE_PARK), f"the run stops after {command}")
        if by == "kill -9":
            run.kill()
        else:
            ((backend,),) = panel.execute(WAITS_AT_THE_PARK)
            warden.execute(f"select pg_terminate_backend({backend})")
            finish(run).failed()
    wait_until(lambda: not panel.execute(OF_RUNS), "the backend ends")
    expect_nothing_left_behind(panel)
    assert panel.snapshot() == before

    panel.execute("drop event trigger park")
    panel.deploy("run", "--full-refresh", vars=PATIENT)
    assert panel.snapshot(ROSTER_VIEW)[ROSTER_VIEW].columns[2].startswith("course text")


@pytest.mark.parametrize("panel", [MORTAL], indirect=True)
def test_server_that_dies_in_mid_run_has_each_view_old_or_new(panel):
    before = panel.snapshot()
    old = regardless_of_oid(before)
    change_every_view(panel)
    panel.execute(stop_after("CREATE VIEW", before[ROSTER_VIEW].oid))
    with panel.connect() as warden:
        warden.execute(f"select pg_advisory_lock({PARK})")
        run = panel.start("run", "--full-refresh", "--threads", "1")
        wait_until(lambda: panel.execute(WAITS_AT_THE_PARK), "the run stops halfway")
        panel.crash_server()
    assert finish(run).exit_code != 0
    expect_nothing_left_behind(panel)
    halfway = regardless_of_oid(panel.snapshot())

    panel.execute("drop event trigger park")
    panel.deploy("run", "--full-refresh")
    new = regardless_of_oid(panel.snapshot())
    assert halfway.keys() == old.keys() == new.keys()
    assert halfway[ROSTER_VIEW] == old[ROSTER_VIEW] != new[ROSTER_VIEW]
    assert halfway != old
    assert all(relation in (old[name], new[name]) for name, relation in halfway.items())


def test_runs_killed_at_any_moment_leave_each_view_old_or_new(panel):
    random = Random(4)
    releases = []
    for change in (lambda: None, lambda: change_every_view(panel)):
        change()
        panel.deploy("run", "--full-refresh")
        releases.append(regardless_of_oid(panel.snapshot()))
    for release in (0, 1, 0, 1):
        panel.project.restore()
        if release:
            change_every_view(panel)
        run = panel.start("run", "--full-refresh")
        wait_until_it_says(run, f"{random.randint(1, MODELS - 1)} of {MODELS} START")
        sleep(random.uniform(0, 0.2))
        run.kill()
        wait_until(lambda: not panel.execute(OF_RUNS), "the backends end")
        expect_nothing_left_behind(panel)
        found = regardless_of_oid(panel.snapshot())
        assert found.keys() == releases[0].keys()
        for name, relation in found.items():
            assert relation in (releases[0][name], releases[1][name])
    panel.deploy("run", "--full-refresh")
    assert regardless_of_oid(panel.snapshot()) == releases[1]


def test_run_behind_endless_transactions_ends_and_names_them(endless_wait):
    run = finish(endless_wait.run).failed()
    assert run.output.count("Trying again in") == 2 * 5
    for name, in_the_way in (
        ("engagement_inactive_roster_v", f"{endless_wait.holders_pid} ({READER}"),
        ("dayparts", f"{endless_wait.admins_pid} (postgres"),
    ):
        assert f'{name}" is in use and was left as it is. Blocked by process {in_the_way}' in run.output
    assert "; process " not in run.output
    assert endless_wait.panel.snapshot() == endless_wait.before
    assert endless_wait.panel.execute("select max(hour_below) from mgmt_internal.dayparts") == [(20,)]


def expect_nothing_left_behind(panel: Panel) -> None:
    """See that no relation is left, and no lock once a backend that was just starting has ended."""
    wait_until(lambda: not panel.execute(LOCKS_OF_OTHERS), "no lock is held")
    assert panel.execute(LEFT_BEHIND) == []


def deploy_at_the_same_time(panel: Panel, count: int, *arguments: str) -> None:
    """Run a command so often at once, all held up until each waits for its turn, and see that each succeeds."""
    said_before = len(panel.log())
    with panel.connect() as other:
        other.execute("set application_name = 'dbt of another'")
        other.execute(f"select pg_advisory_lock({TURN})")
        runs = [panel.start(*arguments) for _ in range(count)]
        wait_until(lambda: len(panel.execute(WAITS_FOR_A_TURN)) >= count, "all wait for their turn")
    for run in runs:
        ended = finish(run).succeeded()
        assert "Another deployment is under way" in ended.output
    server_said = panel.log()[said_before:]
    for trouble in ("deadlock", "tuple concurrently updated", "duplicate key"):
        assert trouble not in server_said


def stop_after(command: str, roster: int) -> str:
    """SQL that makes a run stop after such a command, if it keeps readers from the roster (an OID) at that time."""
    return f"""
    create function public.park() returns event_trigger language plpgsql as $$
    begin
        if exists (
            select from pg_locks
            where pid = pg_backend_pid() and mode = 'AccessExclusiveLock' and relation = {roster}
        ) then
            perform pg_advisory_xact_lock({PARK});
        end if;
    end $$;
    create event trigger park on ddl_command_end when tag in ('{command}') execute function public.park()
    """


def use_up_time_after_drop_of(view: str) -> str:
    """SQL that lets 200 ms pass once a run has dropped a view, and notes what the commands from then on may wait."""
    return f"""
    create table public.waits (number serial, command text, lock_timeout text);
    create function public.use_up_time() returns event_trigger security definer language plpgsql as $$
    begin
        if to_regclass('{view}') is not null then
            return;
        elsif tg_event = 'ddl_command_end' then
            perform pg_sleep(0.2);
        else
            insert into public.waits (command, lock_timeout) values (tg_tag, current_setting('lock_timeout'));
        end if;
    end $$;
    create event trigger pass_time on ddl_command_end when tag in ('DROP VIEW') execute function public.use_up_time();
    create event trigger note on ddl_command_start execute function public.use_up_time()
    """


def change_every_view(panel: Panel) -> None:
    """Change each view of the panel, so that it must be dropped and made anew."""
    for model in (panel.project.path / "models/panel").rglob("*.yml"):
        name = str(model.relative_to(panel.project.path).with_suffix(""))
        first_column = panel.project.columns(name)[0]
        panel.project.rename_column(name, first_column, f"new_{first_column}")
