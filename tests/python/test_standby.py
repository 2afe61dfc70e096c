"""The dashboard on a hot standby: the views' rows, the commands that read, and what a release does to readers there."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event

import psycopg
import pytest
from deployment import (
    MACHINE,
    PANEL,
    READER,
    ROSTER_VIEW,
    VARS,
    MakePanel,
    Panel,
    run_as_server,
    start_server,
    wait_until,
)
from oracle import compare, panel, read_school
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from support import run_command, run_dbt

from sandbox.load import ROSTER

pytest_plugins = ["deployment"]

ALL_VIEWS = VARS | {"engagement_disabled_views": []}
REFUSAL = (
    "The server is a standby, which nobody can write to. Deploy on its primary; the views then come here by themselves."
)


@pytest.fixture(scope="module")
def primary(make_panel: MakePanel) -> Panel:
    """Give the panel with all its views, on the primary."""
    panel = make_panel(MACHINE, "on_primary")
    panel.deploy("run", vars=ALL_VIEWS)
    return panel


@pytest.fixture(scope="module")
def standby(primary: Panel, workspace: Path) -> Iterator[Panel]:
    """Give the same panel on a standby, which reads what the primary streams."""
    data = workspace / "standby"
    data.mkdir(mode=0o700)
    source = make_conninfo(host=conninfo_to_dict(primary.uri)["host"], user="postgres")
    run_as_server("pg_basebackup", data, "--dbname", source, "--checkpoint=fast", "--write-recovery-conf")
    (data / ".s.PGSQL.5432.lock").unlink()  # of the primary's socket
    start_server(data)
    standby = replace(primary, uri=make_conninfo(primary.uri, host=str(data)), folder=workspace / "dbt of standby")
    yield standby
    run_as_server("pg_ctl", data, "--wait", "--mode=immediate", "stop")


def catch_up(primary: Panel, standby: Panel) -> None:
    """Wait until the standby shows what the primary has now."""
    ((written,),) = primary.execute("select pg_current_wal_lsn()")
    wait_until(
        lambda: standby.execute(f"select pg_last_wal_replay_lsn() >= '{written}'")[0][0], "the standby catches up"
    )


def test_all_views_are_as_on_the_primary(primary, standby):
    catch_up(primary, standby)
    with psycopg.connect(standby.uri) as connection:
        assert compare(connection, panel(*read_school(connection))) == []


def test_what_only_reads_runs_there(primary, standby, tmp_path):
    catch_up(primary, standby)
    report = run_command(standby.profile(), "report", "--output", str(tmp_path))
    assert (report.exit_code, report.errors) == (0, "")
    health = run_command(standby.profile(), "health")
    assert (health.exit_code, health.errors) == (0, "")
    run_dbt(standby.profile(), "test", "-s", "engagement_inactive_roster_v,test_type:data").succeeded()


CHANGE = "{relation: public.students, change: alter table public.students add note text}"


@pytest.mark.parametrize(
    "command",
    [["run"], ["seed"], ["run-operation", "change_under_views", "--args", CHANGE]],
    ids=lambda command: command[0],
)
def test_a_deployment_to_it_is_refused_in_one_line(standby, command):
    run = run_dbt(standby.profile(), *command)
    assert run.exit_code != 0
    assert REFUSAL in run.output
    assert "recovery" not in run.output


def test_its_preview_is_refused_in_one_line(standby):
    preview = run_command(standby.profile(), "preview")
    assert (preview.exit_code, preview.output) == (2, "")
    assert preview.errors == f"A deployment would change nothing. Fix these first: {REFUSAL}\n"


def test_a_release_fails_no_read_that_is_a_transaction_of_its_own(primary, standby):
    released = Event()
    with ThreadPoolExecutor(1) as pool:
        reads = pool.submit(read_until, released, standby)
        try:
            release(primary, standby)
        finally:
            released.set()
        assert reads.result() > len(PANEL)


def test_a_transaction_that_outlasts_the_delay_is_ended_by_a_release_and_by_nothing_else(primary, standby):
    standby.execute("alter system set max_standby_streaming_delay = '100ms'")
    standby.execute("select pg_reload_conf()")
    with standby.connect(READER) as holder:
        holder.execute(f"begin; select from {ROSTER_VIEW}")
        deploy(primary, "unchanged")
        catch_up(primary, standby)
        holder.execute(f"select from {ROSTER_VIEW}")
        release(primary, standby)
        with pytest.raises(psycopg.errors.SerializationFailure, match="due to conflict with recovery"):
            holder.execute(f"select from {ROSTER_VIEW}")


def release(primary: Panel, standby: Panel) -> None:
    """Replace the roster on the primary by one with other SQL, and by the one of before, and see it on the standby."""
    primary.project.select_from(ROSTER, "*")
    deploy(primary, "replaced")
    primary.project.restore()
    deploy(primary, "replaced")
    catch_up(primary, standby)


def deploy(primary: Panel, said: str) -> None:
    """Deploy the roster on the primary, and see that the run says of it what it must."""
    run = primary.deploy("run", "-s", "engagement_inactive_roster_v", vars=ALL_VIEWS)
    assert run.output.count(f"[{said} in") == 1


def read_until(released: Event, standby: Panel) -> int:
    """Read each view again and again, each time in a transaction of its own, and give how many reads there were."""
    reads = 0
    with standby.connect(READER) as connection:
        while not released.is_set():
            for view in PANEL:
                connection.execute(f"select * from {view}")
                reads += 1
    return reads
