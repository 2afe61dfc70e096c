"""How long each view of the panel takes, and all of them together; if too long, the most likely cause and its cure."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import psycopg2
from psycopg2.extensions import cursor as Cursor
from psycopg2.extensions import quote_ident

from engagement_panel.check import Check
from engagement_panel.target import lift, one_line, read_only, render

WHOLE_PANEL = "whole_panel"
PATIENCE_MS = 5_000  # beyond the limit
LOCK_WAIT = "2s"
LARGE_HISTORY = 1_000_000  # check-ins from which a bounded history pays (docs/performance.md)

# By `set role` a session does not get what `alter role … set` gives the reader; the one of the database goes before.
SETTINGS_OF_READER = """
select set_config(name, value, true)
from (
    select pg_settings.name, substr(own.setting, strpos(own.setting, '=') + 1) as value
    from pg_db_role_setting, unnest(setconfig) as own (setting)
    inner join pg_settings on lower(pg_settings.name) = lower(split_part(own.setting, '=', 1))
    where
        setrole = (select oid from pg_roles where rolname = %s)
        and setdatabase in (0, (select oid from pg_database where datname = current_database()))
        and context = 'user'
    order by setdatabase
) as settings
"""

# The tables behind a view, through all views between. A year is but a tenth of a long history: hence the second look,
# at the newest check-in that the statistics know.
TABLES_BEHIND = """
with recursive behind as (

    select %(view)s::regclass::oid as relation

    union

    select pg_depend.refobjid
    from behind
    inner join pg_rewrite on behind.relation = pg_rewrite.ev_class
    inner join pg_depend
        on
            pg_rewrite.oid = pg_depend.objid
            and pg_depend.classid = 'pg_rewrite'::regclass
            and pg_depend.refclassid = 'pg_class'::regclass

)

select
    format('%%I.%%I', tables.schemaname, tables.relname) as name,
    greatest(reltuples, n_live_tup)::bigint as rows,
    reltuples < 0 as never_analysed,
    n_mod_since_analyze as changed,
    n_mod_since_analyze > 50 + 0.1 * greatest(reltuples, 0) as much_has_changed, -- so much starts autovacuum
    newest::date::text as newest,
    n_mod_since_analyze > 0 and newest < now() - interval '30 days' as newest_is_old
from behind
inner join pg_class on behind.relation = pg_class.oid
inner join pg_stat_user_tables as tables on pg_class.oid = tables.relid
left join lateral (
    select max(bound) as newest
    from pg_stats, unnest(histogram_bounds::text::timestamptz[]) as bound
    where
        (pg_stats.schemaname, pg_stats.tablename) = (tables.schemaname, tables.relname)
        and (pg_stats.schemaname, pg_stats.tablename, pg_stats.attname) = (%(schema)s, %(table)s, %(checkin_time)s)
) as known on true
where not tables.schemaname = any(%(seed_schemas)s)
order by name
"""

ADVICE = """\
What: {what} longer than engagement_view_limit_ms allows, twice in a row.
When it matters: always; whoever opens the dashboard waits for it.
To resolve: {cure}"""


@dataclass(frozen=True, eq=False)
class View:
    """A view of the panel, as the macro panel_to_time describes it."""

    name: str
    relation: str
    indexes: Sequence[str]
    reads_whole_history: bool


class Reading(NamedTuple):
    """What one reading took."""

    ms: float  # infinity if it was given up
    is_compiled: bool = False  # by JIT


@dataclass(frozen=True)
class Measured:
    """What was read once, or twice if the first reading took too long, and how long it may take."""

    limit_ms: int
    readings: Sequence[Reading]
    error: str | None = None

    @property
    def best_ms(self) -> float:
        """The shorter reading's."""
        return min(reading.ms for reading in self.readings)

    @property
    def is_slow(self) -> bool:
        """Whether it was read, and no reading was within the limit."""
        return not self.error and self.best_ms > self.limit_ms

    def __str__(self) -> str:
        if self.error:
            return self.error
        times = [f"{reading.ms:.0f} ms" if reading.ms < math.inf else "given up" for reading in self.readings]
        if self.is_slow:
            return f"{', then '.join(times)}; the limit is {self.limit_ms} ms"
        return f"{times[1]} after a cold start of {times[0]}" if len(times) > 1 else times[0]


class Cause(NamedTuple):
    """Why it takes so long, and the cure."""

    finding: str
    cure: str


@dataclass(frozen=True)
class Reader:
    """A connection that reads as the panel's first reader does, as far as it may."""

    cursor: Cursor
    login: str
    role: str | None
    may_become_role: bool
    patience_ms: int

    def __str__(self) -> str:
        if not self.role:
            return f"{self.login}, for deployment_readers names nobody"
        return self.role if self.may_become_role else f"{self.login}, who may not `set role {self.role}`"

    @contextmanager
    def transaction(self, *settings: str) -> Iterator[Cursor]:
        """Yield the cursor in a transaction whose statements are bounded, and which is rolled back."""
        bounds = (f"statement_timeout = {self.patience_ms}", f"lock_timeout = '{LOCK_WAIT}'")
        try:
            if self.role:
                if self.may_become_role:
                    self.cursor.execute(f"set local role {quote_ident(self.role, self.cursor)}")
                self.cursor.execute(SETTINGS_OF_READER, [self.role])
            lift(self.cursor, "transaction_timeout")  # it would end the session
            self.cursor.execute("; ".join(f"set local {setting}" for setting in (*bounds, *settings)))
            yield self.cursor
        finally:
            self.cursor.connection.rollback()

    def read(self, view: View, *settings: str) -> Reading:
        """Read a view, and give what the server says that it took: without the way to this machine."""
        with self.transaction(*settings) as cursor:
            cursor.execute(f"explain (analyze, timing off, format json) select * from {view.relation}")
            [([explained],)] = cursor.fetchall()
        return Reading(explained["Planning Time"] + explained["Execution Time"], "JIT" in explained)

    def read_all(self, views: Sequence[View]) -> Reading:
        """Read all views in one transaction, and give what it took until the last row was here."""
        with self.transaction() as cursor:
            began = time.perf_counter()
            for view in views:
                cursor.execute(f"select * from {view.relation}")
            return Reading(1000 * (time.perf_counter() - began))


def time_panel(target: str | None) -> list[Check]:
    """Time each view of the panel, and then all of them together.

    Args:
        target: of the dbt profile; None for the profile's default.

    Raises:
        CannotRunError: the server cannot be reached.
    """
    panel = render(target, "panel_to_time()")
    views = [View(**view) for view in panel["views"]]
    limit_ms = panel["limit_ms"]
    with read_only() as cursor:
        reader = _reader(cursor, panel["reader"], limit_ms + PATIENCE_MS)
        measured = {view: _measure(partial(reader.read, view), limit_ms) for view in views}
        whole = _measure(partial(reader.read_all, views), limit_ms * len(views))
        causes = {
            view: _statistics_and_history(cursor, view, panel) + _jit(reader, view, taken)
            for view, taken in measured.items()
            if taken.is_slow
        }
    missing = render(target, "missing_indexes()") if causes else []
    for view in causes:
        causes[view] = _indexes(view, missing) + causes[view] or [_no_cause(view)]
    checks = [
        _check(view.name, str(taken), "the view takes", taken, causes.get(view, [])) for view, taken in measured.items()
    ]
    causes_of_whole = _causes_of_whole([*causes], measured) if whole.is_slow else []
    finding = f"{len(views)} views, read as {reader}: {whole}"
    return [*checks, _check(WHOLE_PANEL, finding, "the views together take", whole, causes_of_whole)]


def _reader(cursor: Cursor, role: str | None, patience_ms: int) -> Reader:
    cursor.execute("select current_user")
    [(login,)] = cursor.fetchall()
    reader = Reader(cursor, login, role, True, patience_ms)
    try:
        with reader.transaction():
            return reader
    except (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.InvalidParameterValue):  # or there is no such role
        return replace(reader, may_become_role=False)


def _measure(read: Callable[[], Reading], limit_ms: int) -> Measured:
    """Read, and if it took too long read again: if the second is within the limit, the first was a cold start."""
    readings = []
    try:
        readings.append(read())
        if readings[0].ms > limit_ms:
            readings.append(read())
    except psycopg2.errors.QueryCanceled:
        readings.append(Reading(math.inf))
    except psycopg2.Error as error:
        return Measured(limit_ms, [], one_line(error.diag.message_primary or error))
    return Measured(limit_ms, readings)


def _indexes(view: View, missing: Sequence[Mapping[str, str | None]]) -> list[Cause]:
    causes = []
    for index in missing:
        if index["name"] in view.indexes:
            finding = f"{index['attendance']} has no index on ({index['columns']})"
            cure = index["statement"] or f"index the tables that {index['attendance']} reads."
            if index["invalid"]:
                finding += f": {index['invalid']} is invalid"
                cure = f"reindex index concurrently {index['invalid']};"
            causes.append(Cause(finding, cure))
    return causes


def _statistics_and_history(cursor: Cursor, view: View, panel: Mapping[str, Any]) -> list[Cause]:
    cursor.execute(TABLES_BEHIND, {**panel, "view": view.relation})
    tables = cursor.fetchall()
    cursor.connection.rollback()
    causes = []
    for name, _, was_never_analysed, changed, is_much, newest, newest_is_old in tables:
        if was_never_analysed:
            causes.append(Cause(f"{name} has no statistics", f"analyze {name};"))
        elif newest_is_old:
            causes.append(Cause(f"the statistics of {name} know no check-in after {newest}", f"analyze {name};"))
        elif is_much:
            finding = f"{changed:,} rows of {name} have changed since its statistics were taken"
            causes.append(Cause(finding, f"analyze {name};"))
    most_rows = max((rows for _, rows, *_ in tables), default=0)
    if view.reads_whole_history and most_rows >= LARGE_HISTORY:
        causes.append(
            Cause(
                f"it reads the whole history, {most_rows:,} check-ins",
                "set engagement_avg_gap_history_days, to 365 for instance, and deploy.",
            )
        )
    return causes


def _jit(reader: Reader, view: View, measured: Measured) -> list[Cause]:
    """Read once more without JIT a view that was compiled."""
    if not any(reading.is_compiled for reading in measured.readings):
        return []
    without = _measure(partial(reader.read, view, "jit = off"), reader.patience_ms)
    if without.error or without.best_ms >= measured.best_ms:
        return []
    role = quote_ident(reader.role or reader.login, reader.cursor)
    return [Cause(f"JIT is on and compiles it (without: {without})", f"alter role {role} set jit = off;")]


def _no_cause(view: View) -> Cause:
    return Cause(
        "the catalogue shows no cause",
        "see whether the server is busy or short of memory, and where the time goes:"
        f" explain (analyze, buffers) table {view.relation};",
    )


def _causes_of_whole(slow: Sequence[View], measured: Mapping[View, Measured]) -> list[Cause]:
    if slow:
        return [Cause(f"{len(slow)} slow views", "see what is said of each.")]
    total = sum(taken.best_ms for taken in measured.values() if taken.readings)
    return [
        Cause(
            f"the way between server and this machine, because the server itself takes {total:.0f} ms",
            "look at the network, or run the check nearer to the server.",
        )
    ]


def _check(name: str, finding: str, what: str, measured: Measured, causes: Sequence[Cause]) -> Check:
    """Without an advice if it is not slow."""
    seconds = sum(min(reading.ms, PATIENCE_MS) for reading in measured.readings) / 1000
    if not causes:
        return Check(name, "error" if measured.error else "pass", finding, "", seconds)
    likely = "; ".join(cause.finding for cause in causes)
    cures = " ".join(dict.fromkeys(cause.cure for cause in causes))
    return Check(name, "warn", f"{finding}. Most likely cause: {likely}", ADVICE.format(what=what, cure=cures), seconds)
