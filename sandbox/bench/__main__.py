"""What the panel's views cost, beside the plain SQL for the same rows, at several sizes of a school."""

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg.conninfo import make_conninfo
from rich.console import Console

from engagement_panel.dbt import PROJECT, run_dbt
from sandbox import school, server
from sandbox.bench import report
from sandbox.bench.experiments import BOUNDED_GAP_DAYS, SIZES, Bench, create_plain_views
from sandbox.profiles import write_profile
from sandbox.views import panel_views

TEMPLATE = "panel"
SETTINGS = (
    "shared_buffers",
    "work_mem",
    "effective_cache_size",
    "random_page_cost",
    "max_parallel_workers_per_gather",
    "jit",
)

console = Console(stderr=True, highlight=False)  # progress; the tables go to standard output


def main() -> None:
    """Measure, print and keep what the arguments ask for; on failure exit with a line that tells what failed."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.bench", description=__doc__)
    parser.add_argument("--sizes", default="200k,2M", help=f"of {', '.join(SIZES)} (default: %(default)s)")
    parser.add_argument("--history", action="store_true", help="also with 1, 2, 5 and 10 years of history; draws them")
    parser.add_argument("--cliffs", action="store_true", help="also without indexes, statistics, …, at each size")
    parser.add_argument("--to", type=Path, default=PROJECT / ".sandbox" / "bench", metavar="FOLDER", help="for results")
    parser.add_argument("--compare", nargs=2, type=Path, metavar="FILE", help="only print two bench.json side by side")
    arguments = parser.parse_args()
    sizes = arguments.sizes.split(",")
    if unknown := [size for size in sizes if size not in SIZES]:
        parser.error(f"no such size: {', '.join(unknown)}. Take some of {', '.join(SIZES)}.")
    try:
        if arguments.compare:
            print(report.comparison(*(json.loads(file.read_text()) for file in arguments.compare)))
        else:
            measure(sizes, arguments.history, arguments.cliffs, arguments.to)
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError, psycopg.Error) as error:
        sys.exit(f"The bench failed: {error}")


def measure(sizes: list[str], with_history: bool, with_cliffs: bool, folder: Path) -> None:
    """Measure on a server that is gone afterwards; write `bench.json` and `history.svg`, and print the tables."""
    folder.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {"machine": _machine()}
    if results["machine"]["load"] > 0.5:
        console.print(f"The machine is busy (load {results['machine']['load']}): what follows is slower than it is.")
    with _bench() as bench:
        results["server"] = _settings(bench.server)
        results["sizes"] = {size: bench.at_size(size) for size in sizes}
        if with_history:
            results["history"] = bench.with_history()
            (folder / "history.svg").write_text(report.drawing(results))
        if with_cliffs:
            results["cliffs"] = {size: bench.cliffs(size) for size in sizes}
    (folder / "bench.json").write_text(json.dumps(results, indent=1))
    print(report.tables(results, panel_views()))
    console.print(f"Kept in {folder}")


@contextmanager
def _bench() -> Iterator[Bench]:
    with server.temporary() as (folder, uri):
        with console.status("Deploying the panel"):
            _make_template(uri, folder)
        yield Bench(uri, TEMPLATE, panel_views(), console)


def _make_template(uri: str, folder: Path) -> None:
    database = make_conninfo(uri, dbname=TEMPLATE)
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"create database {TEMPLATE}")
    with psycopg.connect(database) as connection:
        school.create(connection)
    _deploy(database, folder, "mgmt")
    _deploy(database, folder, "bounded", engagement_avg_gap_history_days=BOUNDED_GAP_DAYS)
    with psycopg.connect(database) as connection:
        create_plain_views(connection, panel_views())


def _deploy(database: str, folder: Path, schema: str, **variables: Any) -> None:
    write_profile(folder, database, [schema])
    without_tests = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    build = run_dbt("build", "--quiet", *without_tests, profiles=folder, artifacts=folder, variables=variables)
    if not build.success:
        raise RuntimeError("dbt build failed: see above.")


def _machine() -> dict[str, Any]:
    names = [line.partition(": ")[2] for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "taken": datetime.now(UTC).isoformat(timespec="minutes"),
        "cpu": names[0] if names else platform.processor(),
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "load": round(psutil.getloadavg()[0], 1),
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def _settings(uri: str) -> dict[str, str]:
    with psycopg.connect(uri) as connection:
        settings = connection.execute(
            "select name, current_setting(name) from pg_settings where name = any(%s) order by name", [list(SETTINGS)]
        ).fetchall()
        [(version,)] = connection.execute("show server_version").fetchall()
        [(has_jit,)] = connection.execute("select pg_jit_available()").fetchall()
    return {"version": version, **dict(settings), "jit_available": str(has_jit).lower()}


if __name__ == "__main__":
    main()
