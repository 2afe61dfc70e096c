"""Fill, show, ask, stop or remove the sandbox, or load its school into another database."""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
from rich.console import Console
from rich.padding import Padding
from rich.status import Status

from engagement_panel.dbt import PROJECT, inline, inline_value, run_dbt
from sandbox import school, server
from sandbox.console import WIDTH, print_panel
from sandbox.profiles import write_profile

if TYPE_CHECKING:
    from dbt_common.events.base_types import EventMsg

    from engagement_panel.panel import Panel

DBT_FOLDER = PROJECT / ".sandbox"  # the profile, target and logs of the sandbox's own dbt runs
DATA_FOLDER = server.data_folder(PROJECT)
DATABASE = "school"

console = Console(width=WIDTH, highlight=False)


def main() -> None:
    """Run the command that the arguments name; on failure exit with a line that tells what failed."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (demo, stop, clean, psql, load):
        commands.add_parser(command.__name__, help=command.__doc__).set_defaults(run=command)
    commands.choices["load"].add_argument("database", help="its URI")
    arguments = vars(parser.parse_args())
    run = arguments.pop("run")
    del arguments["command"]
    try:
        run(**arguments)
    except (OSError, RuntimeError, subprocess.SubprocessError, psycopg.Error) as error:
        sys.exit(f"The sandbox failed: {error}\n`make clean` removes it, `make demo` makes a new one.")


def demo() -> None:
    """Start the server, load the sample school, build the panel on it, and print it."""
    with server.stopped_if_killed(DATA_FOLDER):
        with _step("Starting PostgreSQL"):
            server.start(DATA_FOLDER)
        database = server.uri(DATA_FOLDER, DATABASE)
        with _step("Loading a sample school"):
            _load_school(database)
        with _step("Building and testing the panel: dbt build") as status:
            outcome = _build_panel(database, status)
        console.print(Padding(outcome, (0, 2)))
        with psycopg.connect(database) as connection:
            print_panel(_read_panel(connection), console)
        _print_ways_on(database)


def stop() -> None:
    """Stop the server."""
    print("The sandbox is stopped." if server.stop(DATA_FOLDER) else "The sandbox was not running.")


def clean() -> None:
    """Stop the server and remove its data and whatever dbt generated."""
    server.stop(DATA_FOLDER)
    for folder in (DATA_FOLDER, DBT_FOLDER, PROJECT / "target", PROJECT / "logs"):
        shutil.rmtree(folder, ignore_errors=True)
    print("The sandbox is removed.")


def psql() -> None:
    """Become psql on the sample school's database, for queries from the keyboard or from a pipe."""
    if not server.is_running(DATA_FOLDER):
        sys.exit("The sandbox is not running: `make demo` starts it.")
    os.execv(_psql(), [_psql(), server.uri(DATA_FOLDER, DATABASE)])


def load(database: str) -> None:
    """Load the sample school into an empty database on any server."""
    with psycopg.connect(database) as connection:
        if connection.execute("select to_regclass('public.students')").fetchone() != (None,):
            sys.exit("The database has a table public.students already. Nothing was loaded: take an empty database.")
        _load(connection)


def _load_school(database: str) -> None:
    with psycopg.connect(server.uri(DATA_FOLDER), autocommit=True) as connection:
        if not connection.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone():
            connection.execute(f"create database {DATABASE}")
    with psycopg.connect(database) as connection:
        _load(connection)


def _load(connection: psycopg.Connection) -> None:
    school.create(connection)
    school.load(connection, school.generate(datetime.now(UTC)))


def _build_panel(database: str, status: Status) -> str:
    """Run `dbt build` on the sandbox, counting in the status line, and return what became of each view and test."""
    write_profile(DBT_FOLDER, database)
    total = done = 0

    def show_progress(event: "EventMsg") -> None:
        nonlocal total, done
        if event.info.name == "ConcurrencyLine":
            total = event.data.node_count
        elif event.info.name == "NodeFinished" and event.data.node_info.resource_type != "unit_test":
            done += 1  # dbt counts no unit test among its nodes
            status.update(f"dbt build: {done} of {total}")

    run = run_dbt("build", "--quiet", profiles=DBT_FOLDER, target="mgmt", artifacts=DBT_FOLDER, on_event=show_progress)
    if not run.success:
        sys.exit(f"dbt build failed: see above. The whole log: {DBT_FOLDER / 'logs' / 'dbt.log'}")
    results = run.result.results
    views = [f"{result.node.name}: {result.message}" for result in results if result.node.resource_type == "model"]
    warnings = [result.node.name for result in results if result.status == "warn"]
    passed = sum(result.status == "pass" for result in results)
    return "\n".join([*views, f"{passed} tests passed; warnings: {', '.join(warnings) or 'none'}"])


def _read_panel(connection: psycopg.Connection) -> "Panel":
    from engagement_panel import panel  # here, because it takes seconds that `stop` can do without

    arguments = [*inline(panel.DEFINITION), "--log-level", "none"]
    run = run_dbt(*arguments, profiles=DBT_FOLDER, target="mgmt", artifacts=DBT_FOLDER)
    return panel.read_from(connection.cursor(), inline_value(run.result))


def _print_ways_on(database: str) -> None:
    console.rule()
    print(f"""
Ask the database        {_psql()} '{database}'
Work with dbt           export DBT_PROFILES_DIR=.sandbox
                        .venv/bin/dbt build
                        .venv/bin/dbt compile -q -s call_today | .venv/bin/python -m sandbox psql
Stop it                 make stop (it keeps its data), make clean (it does not)
""")


def _psql() -> str:
    """The user's own psql, or else the one that came with the server."""
    return shutil.which("psql") or str(server.program("psql"))


@contextmanager
def _step(title: str) -> Iterator[Status]:
    started = time.monotonic()
    if not console.is_terminal:
        console.print(f"{title} …")
    with console.status(f"{title} …") as status:
        yield status
    console.print(f"[green]✓[/] {title} ({time.monotonic() - started:.1f} s)")


if __name__ == "__main__":
    main()
