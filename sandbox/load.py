"""What the soak and the tests of deployment share: a copy of the project to change, and a load of readers and a writer.

As a module, `python -m sandbox.load URI READER QUESTIONS`, it is the load itself: it says `ready` when every reader has
read, goes on until its standard input ends, and then says as JSON what the readers saw.
"""

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, field
from importlib import import_module
from itertools import cycle, product
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

import psycopg
import yaml
from psycopg import IsolationLevel

from engagement_panel.dbt import PROJECT, exit_code, run_dbt
from sandbox.views import panel_views

ROSTER = "models/panel/student_insights/engagement_inactive_roster_v"  # without the suffix

Row = tuple[Any, ...]

# A view of others' on top of the panel.
FOREIGN_VIEW = """
create schema if not exists reports;
create view reports.call_list as
select student_id, full_name, inactivity_bucket from mgmt.engagement_inactive_roster_v;
"""


def in_order(expected: list[Row], found: list[Row]) -> bool:
    """Whether all are there, in their order."""
    return found == expected


def each_once(expected: list[Row], found: list[Row]) -> bool:
    """Whether all are there and no others, in whatever order."""
    return Counter(found) == Counter(expected)


def at_least(expected: list[Row], found: list[Row]) -> bool:
    """Whether all are there; time brings others."""
    return set(found) >= set(expected)


def as_many(expected: list[Row], found: list[Row]) -> bool:
    """Whether there are as many; time changes what is in them."""
    return len(found) == len(expected)


WAYS_TO_BE_COMPLETE = {way.__name__: way for way in (in_order, each_once, at_least, as_many)}


class Question(NamedTuple):
    """What a reader asks of a view, and how the rows of before show that an answer is complete."""

    view: str
    columns: Sequence[str]  # by name, so that a change of the others does not matter
    rows: str  # one of WAYS_TO_BE_COMPLETE
    where: str

    @property
    def sql(self) -> str:
        """The question as SQL."""
        return f"select {', '.join(self.columns)} from {self.view} where {self.where}"

    def is_complete(self, expected: list[Row], found: list[Row]) -> bool:
        """Whether an answer is as complete as one from before."""
        return WAYS_TO_BE_COMPLETE[self.rows](expected, found)


def questions() -> list[Question]:
    """Give a question for each view of the panel, and one for the view on top of it."""
    return [
        *(
            Question(
                f"{view.schema}.{view.name}", *(view.fact("complete", key) for key in ("columns", "rows", "where"))
            )
            for view in panel_views().values()
        ),
        Question("reports.call_list", ["student_id", "full_name"], "each_once", "true"),
    ]


READERS = 5
READS_A_TRANSACTION = 2
ROUNDS_A_CONNECTION = 10
PAUSE = 0.01  # seconds between two transactions of a reader: all together read some hundred times a second


class ProjectCopy:
    """A copy of the project to change, without unit tests and exposures; `restore` gives it back as it was."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._before: dict[str, str | None] = {}
        for name in ("macros", "models", "seeds", "tests/generic", "tests/consistency", "dbt_packages"):
            without = shutil.ignore_patterns("*.unit_tests.yml", "exposures.yml")
            shutil.copytree(PROJECT / name, path / name, ignore=without)
        for file in (path / "models").rglob("*.yml"):
            file.write_text(file.read_text().partition("\nexposures:\n")[0])
        for name in ("dbt_project.yml", "packages.yml"):
            shutil.copy(PROJECT / name, path)

    def read(self, name: str) -> str:
        """Give the text of a file."""
        return (self.path / name).read_text()

    def write(self, name: str, text: str | None) -> None:
        """Write a file, or remove it where the text is None."""
        file = self.path / name
        self._before.setdefault(name, file.read_text() if file.exists() else None)
        if text is None:
            file.unlink()
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def restore(self) -> None:
        """Undo every change."""
        for name, text in self._before.copy().items():
            if text is not None or (self.path / name).exists():
                self.write(name, text)
        self._before = {}

    def keep(self) -> None:
        """Let `restore` come back to here."""
        self._before = {}

    def select_from(self, model: str, select_list: str) -> None:
        """Let a model (a file without its suffix) give that select list of what it gives now."""
        self.write(f"{model}.sql", f"select {select_list} from (\n{self.read(f'{model}.sql')}\n) as {Path(model).name}")

    def append_column(self, model: str, name: str, sql: str, data_type: str) -> None:
        """Append a column to a model and to its contract."""
        self.select_from(model, f"*, {sql} as {name}")
        with self._change_columns(model) as columns:
            columns.append({"name": name, "data_type": data_type, "description": f"The {name}."})

    def rename_column(self, model: str, old: str, new: str) -> None:
        """Rename a column of a model and of its contract."""
        select_list = [f"{name} as {new}" if name == old else name for name in self.columns(model)]
        self.select_from(model, ", ".join(select_list))
        with self._change_columns(model) as columns:
            next(column for column in columns if column["name"] == old)["name"] = new

    def columns(self, model: str) -> list[str]:
        """Give the names of the columns that a model's contract lists."""
        return [column["name"] for column in yaml.safe_load(self.read(f"{model}.yml"))["models"][0]["columns"]]

    @contextmanager
    def _change_columns(self, model: str) -> Iterator[list[dict[str, Any]]]:
        document = yaml.safe_load(self.read(f"{model}.yml"))
        yield document["models"][0]["columns"]
        self.write(f"{model}.yml", yaml.safe_dump(document, sort_keys=False))


class DbtProcess:
    """A dbt command in a process of its own, that may be killed; its options are those of `run_dbt`.

    It is a fork of this one: what this one has imported and parsed need not be again.
    """

    def __init__(self, output: Path, *arguments: str, **options: Any) -> None:
        self._output = output
        output.write_text("")
        for module in ("dbt.cli.main", "dbt.adapters.postgres"):  # once for all of them
            import_module(module)
        self._process = fork(_be_dbt, output, arguments, options)

    @property
    def output(self) -> str:
        """What it has said up to now."""
        return self._output.read_text()

    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.is_alive()

    def finish(self) -> int:
        """Wait for its end, and give its exit code."""
        self._process.join()
        return int(self._process.exitcode or 0)

    def kill(self) -> None:
        """End it as kill -9 does."""
        self._process.kill()
        self._process.join()


def _be_dbt(output: Path, arguments: Sequence[str], options: dict[str, Any]) -> None:
    for name in [name for name in os.environ if name.startswith("DBT_")]:
        del os.environ[name]
    with output.open("w", buffering=1) as file, redirect_stdout(file), redirect_stderr(file):
        run = run_dbt(*arguments, "--no-use-colors", "--no-static-parser", **options)  # which hangs in a fork
    sys.exit(exit_code(run))


def fork(target: Callable[..., object], *arguments: Any) -> BaseProcess:
    """Start a function in a fork of this process, without its open files and connections.

    These would else stay open until the fork ends, even when this process is killed.
    """
    process = multiprocessing.get_context("fork").Process(target=_without_files, args=[target, *arguments])
    process.start()
    return process


def _without_files(target: Callable[..., object], *arguments: Any) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in os.listdir("/dev/fd"):
        os.dup2(nothing, int(descriptor))
    target(*arguments)


@dataclass
class Tally:
    """What the reader of a view saw. Reads that failed or gave too little are counted by what was wrong with them."""

    view: str
    reads: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    partial: dict[str, int] = field(default_factory=dict)
    longest_ms: float = 0


@contextmanager
def under_load(uri: str, reader: str, questions: Sequence[Question]) -> Iterator[list[Tally]]:
    """Let readers read the panel and a writer write check-ins, in a process of their own, while the body runs.

    Args:
        uri: the database, with FOREIGN_VIEW in it, as a role that may write check-ins.
        reader: the role that reads.
        questions: what it reads.

    Returns:
        A list that holds a tally for each view after the body has run.
    """
    tallies: list[Tally] = []
    command = [sys.executable, "-m", "sandbox.load", uri, reader, json.dumps(questions)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            if not process.stdout or process.stdout.readline() != "ready\n":
                raise RuntimeError("the load did not start: see above")
            yield tallies
            tallies += [Tally(**tally) for tally in json.loads(process.communicate()[0])]
        finally:
            process.kill()


class Load:
    """Threads that read all the time, each its share of the views, in all modes; and one that writes."""

    def __init__(self, uri: str, reader: str, questions: Sequence[Question]) -> None:
        self._uri = uri
        self._reader = reader
        self._stop = Event()
        self.tallies = [Tally(question.view) for question in questions]
        with psycopg.connect(uri, user=reader) as connection:
            expected = [connection.execute(question.sql).fetchall() for question in questions]
        asked = list(zip(questions, expected, self.tallies, strict=True))
        shares = [asked[first::READERS] for first in range(min(READERS, len(asked)))]
        self._threads = [Thread(target=self._read, args=[share]) for share in shares]
        self._threads.append(Thread(target=self._write))

    def start(self) -> None:
        """Start, and return when every reader has read."""
        for thread in self._threads:
            thread.start()
        while not all(tally.reads for tally in self.tallies):
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop, and return when every reader has."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _read(self, asked: Sequence[tuple[Question, list[Row], Tally]]) -> None:
        levels = (IsolationLevel.READ_COMMITTED, IsolationLevel.REPEATABLE_READ)
        tally = asked[0][2]
        for prepare_threshold, level in cycle(product((0, None), levels)):
            try:
                with psycopg.connect(self._uri, user=self._reader, prepare_threshold=prepare_threshold) as connection:
                    connection.isolation_level = level
                    for question, expected, tally in [*asked] * ROUNDS_A_CONNECTION:
                        with connection.transaction():
                            for _ in range(READS_A_TRANSACTION):
                                found = _read_once(connection, question.sql, tally)
                                if not question.is_complete(expected, found):
                                    _count(tally.partial, f"{len(found)} of {len(expected)} rows")
                        time.sleep(PAUSE)
                        if self._stop.is_set():
                            return
            except psycopg.Error as error:
                _count(tally.failed, str(error).splitlines()[0])
                if self._stop.is_set():
                    return

    def _write(self) -> None:
        with psycopg.connect(self._uri, autocommit=True) as connection:
            # Of one who comes anyway: his coming changes no list.
            [(regular,)] = connection.execute(
                "select student_id from mgmt.engagement_student_activity_v order by sessions_30d desc limit 1"
            ).fetchall()
            while not self._stop.wait(0.02):
                connection.execute("insert into public.student_attendance values (%s, now(), null)", [regular])


def _read_once(connection: psycopg.Connection, sql: str, tally: Tally) -> list[Row]:
    tally.reads += 1
    started = time.perf_counter()
    try:
        return connection.execute(sql).fetchall()
    finally:
        tally.longest_ms = max(tally.longest_ms, 1000 * (time.perf_counter() - started))


def _count(counts: dict[str, int], what: str) -> None:
    counts[what] = counts.get(what, 0) + 1


def main() -> None:
    """Be the load on the database, with the reader and the questions, that the arguments name."""
    uri, reader, questions = sys.argv[1:]
    load = Load(uri, reader, [Question(*question) for question in json.loads(questions)])
    load.start()
    print("ready", flush=True)
    sys.stdin.read()
    load.stop()
    json.dump([asdict(tally) for tally in load.tallies], sys.stdout)


if __name__ == "__main__":
    main()
