"""The experiments: several sizes of a school, a history that grows, and conditions that no school should be in."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from rich.console import Console
from rich.progress import Progress, track

from engagement_panel.manifest import View
from sandbox.bench.large_school import Size, load
from sandbox.bench.measure import at_once, in_turn
from sandbox.school import BY_STUDENT, BY_TIME

SIZES = {
    "200k": Size(1_000, 200_000, years=4),
    "2M": Size(10_000, 2_000_000, years=4),
    "10M": Size(10_000, 10_000_000, years=10),
}

PLAIN = Path(__file__).with_name("plain")  # a file named as its view
SCHEMAS = ("mgmt", "plain")
ACTIVITY = "engagement_student_activity_v"

HISTORY = Size(10_000, 5_000_000, years=10)  # as many check-ins a year as the school of 2M
HISTORY_YEARS = (1, 2, 5, 10)
BOUNDED_GAP_DAYS = 365  # in the template's schema `bounded`

STATISTICS = ("fresh", "a year old", "none")
INDEXES = {"(student_id, checkin_time)": BY_STUDENT, "(checkin_time)": BY_TIME}
AROUND = {
    "nothing": "select * from {view}",
    "where …": "select * from {view} where {column} = {value}",
    "order by …": "select * from {view} order by {column}",
    "limit 50": "select * from {view} limit 50",
}
CLIFF_RUNS = 3
CLIFF_TIMEOUT = "60s"

Row = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """A server, and a template database in it with the panel, on empty tables, and the plain views."""

    server: str
    template: str
    views: Mapping[str, View]
    console: Console

    def make_school(self, name: str, size: Size, statistics: str = "fresh") -> str:
        """Make a database with a school in it, its statistics one of `STATISTICS`, and return its URI."""
        uri = make_conninfo(self.server, dbname=name)
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f'create database "{name}" template "{self.template}"')
        with psycopg.connect(uri) as connection, Progress(console=self.console) as progress:
            if statistics != "fresh":
                for table in ("public.students", "public.student_attendance", "learning.at_risk_learners"):
                    connection.execute(f"alter table {table} set (autovacuum_enabled = off)")
            task = progress.add_task(f"Loading {name}", total=1)
            for loaded in load(connection, size):
                progress.update(task, completed=loaded)
                if statistics == "a year old" and loaded <= 1 - 1 / size.years:
                    connection.execute("analyze")
        if statistics == "fresh":
            with psycopg.connect(uri, autocommit=True) as connection:
                settle(connection)
        return uri

    def drop_school(self, name: str) -> None:
        """Drop a database."""
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f'drop database "{name}"')

    def at_size(self, name: str) -> Row:
        """Give the cost of each view and its plain SQL, and of all at once, in a school of one of `SIZES`."""
        uri = self.make_school(name, SIZES[name])
        with psycopg.connect(uri, autocommit=True) as connection:
            [(students, checkins)] = connection.execute(
                "select (select count(*) from public.students), (select count(*) from public.student_attendance)"
            ).fetchall()
            views = {
                view: in_turn(connection, {schema: f"select * from {schema}.{view}" for schema in SCHEMAS})
                for view in track(self.views, "Measuring each", console=self.console)
            }
        together = {
            schema: at_once(uri, [f"select * from {schema}.{view}" for view in self.views])
            for schema in track(SCHEMAS, "Measuring all at once", console=self.console)
        }
        self.drop_school(name)
        return {
            "students": students,
            "checkins": checkins,
            "years": SIZES[name].years,
            "views": views,
            "all at once": together,
        }

    def with_history(self) -> list[Row]:
        """Give the cost of each view, and of its plain SQL, with more and more years behind the same recent days."""
        uri = self.make_school("history", HISTORY)
        queries = {view: {schema: f"select * from {schema}.{view}" for schema in SCHEMAS} for view in self.views}
        queries[ACTIVITY]["bounded"] = f"select * from bounded.{ACTIVITY}"
        rows = []
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute("create unlogged table public.all_years as table public.student_attendance")
            for years in track(HISTORY_YEARS, "Measuring with more and more history", console=self.console):
                connection.execute("truncate public.student_attendance")
                connection.execute(
                    "insert into public.student_attendance select * from public.all_years"
                    f" where checkin_time >= now() - interval '{years * 365 * 24} hours' order by checkin_time"
                )
                settle(connection)
                [(checkins,)] = connection.execute("select count(*) from public.student_attendance").fetchall()
                views = {view: in_turn(connection, of_view) for view, of_view in queries.items()}
                rows.append({"years": years, "checkins": checkins, "views": views})
        self.drop_school("history")
        return rows

    def cliffs(self, name: str) -> list[Row]:
        """Give the cost of each view and its plain SQL without indexes or statistics, in poor settings, in queries."""
        rows = []
        for statistics in STATISTICS:
            database = f"{name}, statistics: {statistics}"
            uri = self.make_school(database, SIZES[name], statistics)
            with psycopg.connect(uri) as connection:
                conditions = list(_conditions(connection, statistics))
                for condition in track(conditions, f"Measuring {database}", console=self.console):
                    rows += [condition | row for row in _cliffs_of(connection, condition, self.views)]
            self.drop_school(database)
        return rows


def create_plain_views(connection: psycopg.Connection, views: Iterable[str]) -> None:
    """Create, in schema `plain`, the plain SQL of each view as a view of the same name.

    Raises:
        FileNotFoundError: a view has none.
    """
    connection.execute("create schema plain")
    for view in views:
        connection.execute(f"create view plain.{view} as {(PLAIN / f'{view}.sql').read_text()}")


def settle(connection: psycopg.Connection) -> None:
    """Do at once what a server would do in the hours after a load."""
    connection.execute("vacuum analyze")
    connection.execute("checkpoint")


def _conditions(connection: psycopg.Connection, statistics: str) -> Iterator[Row]:
    missing = [[], *([columns] for columns in INDEXES), list(INDEXES)]
    for without, around in product(missing, AROUND):
        yield {"statistics": statistics, "missing": without, "setting": "", "around": around}
    [(has_jit,)] = connection.execute("select pg_jit_available()").fetchall()
    settings = ["max_parallel_workers_per_gather = 0", *(["jit = off", "jit = on"] if has_jit else [])]
    for without, setting in product(missing, settings):
        yield {"statistics": statistics, "missing": without, "setting": setting, "around": "nothing"}


def _cliffs_of(connection: psycopg.Connection, condition: Row, views: Mapping[str, View]) -> Iterator[Row]:
    """Measure under a condition, which a transaction sets up and its rollback removes."""
    with connection.transaction(force_rollback=True):
        connection.execute(f"set local statement_timeout = '{CLIFF_TIMEOUT}'")
        for columns in condition["missing"]:
            connection.execute(f"drop index public.{INDEXES[columns]}")
        if condition["setting"]:
            connection.execute(f"set local {condition['setting']}")
        for name, view in views.items():
            row: Row = {"view": name}
            sought = {key: view.fact("bench", "look_up", key) for key in ("column", "value")}
            for schema in SCHEMAS:
                query = AROUND[condition["around"]].format(view=f"{schema}.{name}", **sought)
                try:
                    with connection.transaction():
                        row |= in_turn(connection, {schema: query}, CLIFF_RUNS)
                except psycopg.errors.QueryCanceled:
                    row[schema] = None
            yield row
