"""Deploy many times under load, and count what readers miss: as this project deploys, then as dbt does by itself.

The deployments are a random mix, the same for the same seed: of the project as it is and with a view changed, with and
without a change of its columns; of seeds; two at a time; and some that are killed. Exit code 1 if this project's
deployments cost a reader anything, ended otherwise than they should, or left anything behind.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import psycopg
import yaml
from psycopg.conninfo import make_conninfo
from rich.console import Console
from rich.table import Table

from sandbox import school, server
from sandbox.console import WIDTH
from sandbox.load import FOREIGN_VIEW, ROSTER, DbtProcess, ProjectCopy, Tally, questions, under_load
from sandbox.profiles import write_profile

READER = "dashboard"
ROSTER_COLUMNS = """
select array_agg(attname::text order by attnum)
from pg_attribute
where attrelid = 'mgmt.engagement_inactive_roster_v'::regclass and attnum > 0
"""
LEFTOVERS = "select count(*) from pg_class where relname ~ '__dbt_'"

CHANGES: list[Callable[[ProjectCopy], None]] = [
    lambda project: None,
    lambda project: project.select_from(ROSTER, "*"),
    lambda project: project.select_from("models/staging/stg_engagement__students", "*"),
    lambda project: project.append_column(ROSTER, "note", "'call'::text", "text"),
    lambda project: project.rename_column(ROSTER, "level", "course"),
]
WITHOUT_TESTS = ("--exclude-resource-type", "test")
COMMANDS = [
    ("run",),
    ("run", "--full-refresh"),
    ("build", *WITHOUT_TESTS),
    ("build", "--full-refresh", *WITHOUT_TESTS),
    ("seed",),
    ("seed", "--full-refresh"),
]
MODES = {"alone": 7, "two at a time": 2, "killed": 1}  # with their weights

console = Console(width=WIDTH, highlight=False)


@dataclass
class Soak:
    """A database with the panel, and how it is deployed."""

    title: str
    uri: str
    project: ProjectCopy
    folder: Path  # dbt's profile and artifacts
    refuses_columns: bool  # whether a run without --full-refresh must refuse to change a view's columns
    outcomes: Counter[str] = field(default_factory=Counter)
    tallies: list[Tally] = field(default_factory=list)
    leftovers: int = 0

    def run(self, deployments: int, random: Random) -> None:
        """Deploy so often under load."""
        self._prepare()
        with under_load(self.uri, READER, questions()) as self.tallies:
            for done in range(deployments):
                if done % 10 == 0:
                    console.print(f"{self.title}: {done} of {deployments} deployments")
                self._deploy(random)
        with psycopg.connect(self.uri) as connection:
            [(self.leftovers,)] = connection.execute(LEFTOVERS).fetchall()

    def is_clean(self) -> bool:
        """Whether no reader missed anything, each deployment ended as it should, and nothing is left behind."""
        missed = any(tally.failed or tally.partial for tally in self.tallies)
        return not missed and not self.outcomes["wrong"] and not self.leftovers

    def report(self) -> None:
        """Print what became of the deployments and the reads."""
        table = Table(title=f"{self.title}: {sum(self.outcomes.values())} deployments", width=WIDTH)
        for heading in ("View", "Reads", "Failed", "Partial", "Longest, ms"):
            table.add_column(heading, justify="left" if heading == "View" else "right")
        for tally in self.tallies:
            failed, partial = sum(tally.failed.values()), sum(tally.partial.values())
            table.add_row(tally.view, f"{tally.reads:,}", f"{failed:,}", f"{partial:,}", f"{tally.longest_ms:.0f}")
        console.print(table)
        console.print(", ".join(f"{count} {outcome}" for outcome, count in self.outcomes.items()))
        console.print(f"{self.leftovers} relations left behind")
        for error, count in sum((Counter(tally.failed) for tally in self.tallies), Counter()).most_common(5):
            console.print(f"  {count:,} times: {error}", style="red")

    def _prepare(self) -> None:
        write_profile(self.folder, self.uri)
        with psycopg.connect(self.uri) as connection:
            school.create(connection)
            school.load(connection, school.generate(datetime.now(UTC)))
        first = self._start(0, "build", *WITHOUT_TESTS)
        if first.finish() != 0:
            raise RuntimeError(f"the first deployment failed:\n{first.output}")
        with psycopg.connect(self.uri) as connection:
            connection.execute(FOREIGN_VIEW)
            connection.execute(
                f"grant usage on schema reports to {READER}; grant select on reports.call_list to {READER}"
            )

    def _deploy(self, random: Random) -> None:
        self.project.restore()
        random.choice(CHANGES)(self.project)
        command = random.choice(COMMANDS)
        (mode,) = random.choices(list(MODES), list(MODES.values()))
        expected = 1 if self._must_refuse(command) else 0
        runs = [self._start(number, *command) for number in range(2 if mode == "two at a time" else 1)]
        if mode == "killed":
            while runs[0].is_running() and " START " not in runs[0].output:
                time.sleep(0.01)
            time.sleep(random.uniform(0, 0.5))
            runs[0].kill()
            self.outcomes["killed"] += 1
            return
        for run in runs:
            if run.finish() == expected:
                self.outcomes["refused, as it should be" if expected else "done"] += 1
            else:
                self.outcomes["wrong"] += 1
                console.print(f"{' '.join(command)}:\n{run.output}", style="red", markup=False)

    def _must_refuse(self, command: tuple[str, ...]) -> bool:
        if not self.refuses_columns or "seed" in command or "--full-refresh" in command:
            return False
        with psycopg.connect(self.uri) as connection:
            [(columns,)] = connection.execute(ROSTER_COLUMNS).fetchall()
        return bool(self.project.columns(ROSTER)[: len(columns)] != columns)

    def _start(self, number: int, *arguments: str) -> DbtProcess:
        target = self.folder / f"target {number}"
        target.mkdir(exist_ok=True)
        return DbtProcess(
            target / "output.txt",
            *arguments,
            project=self.project.path,
            profiles=self.folder,
            artifacts=target,
            variables={"deployment_readers": [READER]},
        )


def main() -> None:
    """Soak both ways of deploying, print what came of it, and exit."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.soak", description=__doc__)
    parser.add_argument("--deployments", type=int, default=200, help="this project's; dbt's own are a tenth")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with server.temporary() as (folder, uri):
        with psycopg.connect(uri, autocommit=True) as connection:
            for sql in (f"create role {READER} login", "create database ours", "create database stock"):
                connection.execute(sql)
        ours = Soak(
            "This project",
            make_conninfo(uri, dbname="ours"),
            ProjectCopy(folder / "ours"),
            folder / "dbt ours",
            refuses_columns=True,
        )
        ours.run(arguments.deployments, Random(arguments.seed))
        stock = Soak(
            "Stock dbt",
            make_conninfo(uri, dbname="stock"),
            _stock_project(folder),
            folder / "dbt stock",
            refuses_columns=False,
        )
        stock.run(arguments.deployments // 10, Random(arguments.seed))
    ours.report()
    stock.report()
    if not ours.is_clean():
        sys.exit("Readers missed something, or a deployment went wrong.")


def _stock_project(path: Path) -> ProjectCopy:
    """Copy the project without its own materialization of views and loading of seeds; dbt's grants replace ours."""
    project = ProjectCopy(path / "stock")
    for name in ("in_place_view", "seeds", "drops"):
        project.write(f"macros/deployment/{name}.sql", None)
    settings = yaml.safe_load(project.read("dbt_project.yml"))
    settings["models"]["engagement_panel"]["panel"]["+grants"] = {"select": [READER]}
    for setting in ("+full_refresh", "+post-hook"):
        del settings["seeds"]["engagement_panel"][setting]
    project.write("dbt_project.yml", yaml.safe_dump(settings, sort_keys=False))
    project.keep()
    return project


if __name__ == "__main__":
    main()
