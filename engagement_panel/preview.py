"""What a deployment of this checkout would change for those who read the panel, on the school's own rows.

All of it happens in one transaction that is never committed: temporary views of all models beside what is deployed.
"""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from typing import Any

import psycopg2
from dbt_common.clients import agate_helper
from psycopg2.extensions import cursor as Cursor
from psycopg2.extensions import quote_ident
from rich.console import Console
from rich.markup import escape

from engagement_panel.dbt import PROJECT
from engagement_panel.difference import Difference, Version, compare
from engagement_panel.target import CannotRunError, lift, one_line, read_only, render, run_dbt

NOTHING_CHANGES, SOMETHING_CHANGES = 0, 1
LOCK_WAIT = "5s"  # for a relation that a migration holds
COLORS = {"same": "green", "new": "cyan", "changes": "yellow", "refused": "bold red"}

console = Console(highlight=False)


@dataclass(frozen=True)
class Relation:
    """A model or a seed, as the macro deployment_preview describes it."""

    id: str
    schema: str
    name: str
    parents: Sequence[str]  # ids of what it reads, sources too
    is_for_readers: bool
    key: Sequence[str]  # the columns that tell its rows apart; none if no data test promises any
    decision: str  # SQL of what a deployment does
    is_seed: bool
    file: str
    columns: Sequence[str]
    column_types: Mapping[str, str]
    delimiter: str | None

    @property
    def deployed(self) -> str:
        """Its quoted name, as dbt writes it but for the database."""
        return f'"{self.schema}"."{self.name}"'

    @property
    def new(self) -> str:
        """The quoted name of its temporary version."""
        return f'pg_temp."{self.name}"'


@dataclass(frozen=True)
class Outcome:
    """What becomes of a model or a seed."""

    relation: Relation
    action: str  # the deployment's: unchanged, created, replaced or refused
    reason: str | None = None  # of a refusal
    new_rows: int | None = None  # of a view that is not deployed yet
    difference: Difference | None = None  # None if nothing was compared

    @property
    def state(self) -> str:
        """What there is to notice, in a word."""
        if self.action == "refused":
            return "refused"
        return "new" if self.action == "created" else "changes" if self.difference else "same"


def preview(target: str | None, variables: str | None, with_names: bool) -> int:
    """Print what `dbt build` would change.

    Args:
        target: of the dbt profile; None for the profile's own default.
        variables: values of vars, as dbt's own option takes them; None for the project's.
        with_names: whether names of people are shown.

    Returns:
        An exit code: 0 nothing changes for those who read the panel, 1 something does, or would be refused.

    Raises:
        CannotRunError: the project does not compile, or the database does not let us look.
    """
    options = ["--vars", variables] if variables else []
    with Console(stderr=True).status("Compiling the models …") as status:
        sql = _compile(target, options)
        plan = render(target, "engagement_panel.deployment_preview()", *options)
        if plan["problems"]:
            raise CannotRunError(f"A deployment would change nothing. Fix these first: {' '.join(plan['problems'])}")
        relations = _in_order([Relation(**relation) for relation in plan["relations"]])
        with read_only() as cursor:
            cursor.connection.set_session(readonly=False)  # for what is temporary
            lift(cursor, "statement_timeout", "transaction_timeout")
            cursor.execute(f"set local lock_timeout = '{LOCK_WAIT}'")
            cursor.execute("set local quote_all_identifiers = off")  # definitions are compared by their names
            outcomes = _decide(cursor, relations, sql, plan["database"])
            cursor.execute("set transaction read only")
            outcomes = _compare_views(cursor, outcomes, status.update)
    _print(outcomes, with_names)
    noticed = {outcome.state for outcome in outcomes if outcome.relation.is_for_readers or outcome.action == "refused"}
    return NOTHING_CHANGES if noticed <= {"same"} else SOMETHING_CHANGES


def _compile(target: str | None, options: Sequence[str]) -> dict[str, str]:
    """Give the SQL of each model, by its id."""
    results = run_dbt("compile", "--no-populate-cache", "--select", "resource_type:model", *options, target=target)
    for result in results:
        if result.status != "success":
            raise CannotRunError(one_line(result.message))
    return {result.node.unique_id: result.node.compiled_code for result in results}


def _in_order(relations: Sequence[Relation]) -> list[Relation]:
    """Give them each after those that it reads."""
    by_id = {relation.id: relation for relation in relations}
    graph = {relation.id: by_id.keys() & {*relation.parents} for relation in relations}
    return [by_id[id] for id in TopologicalSorter(graph).static_order()]


def _decide(cursor: Cursor, relations: Sequence[Relation], sql: Mapping[str, str], database: str) -> list[Outcome]:
    """Make everything temporary, and see what a deployment would do with it."""
    outcomes: dict[str, Outcome] = {}
    for relation in relations:
        with _named(relation):
            if relation.is_seed:
                _load_seed(cursor, relation)
            else:
                new_sql = _on_temporary(sql[relation.id], relations, database)
                cursor.execute(f"create temporary view {relation.new} as {new_sql}")
            outcome = Outcome(relation, *_row(cursor, relation.decision))
            if relation.is_seed and outcome.action == "replaced":
                outcome = _replaced_seed(cursor, relation)
        read = [outcomes[id] for id in relation.parents if id in outcomes]
        for parent in read:
            if parent.action == "refused" and outcome.action != "refused":
                outcome = Outcome(relation, "refused", f"it would be skipped, because it reads {parent.relation.name}.")
        outcomes[relation.id] = outcome
    return [*outcomes.values()]


def _load_seed(cursor: Cursor, relation: Relation) -> None:
    """Load a seed into a temporary table, as dbt reads it."""
    types = relation.column_types
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # of a column that the CSV lacks: see below
        table = agate_helper.from_csv(PROJECT / relation.file, text_columns=types, delimiter=relation.delimiter)
    columns = list(table.column_names)
    if columns != relation.columns:
        described = ", ".join(relation.columns)
        raise CannotRunError(f"{relation.file}: has the columns {', '.join(columns)}; its description has {described}.")
    cursor.execute(f"create temporary table {relation.new} ({', '.join(f'{name} {types[name]}' for name in columns)})")
    values = ", ".join(["%s"] * len(columns))
    cursor.executemany(f"insert into {relation.new} values ({values})", [tuple(row) for row in table.rows])


def _replaced_seed(cursor: Cursor, relation: Relation) -> Outcome:
    difference = _compare(cursor, relation)
    if difference.added_columns:
        missing = ", ".join(difference.added_columns)
        return Outcome(relation, "refused", f"its table has no column {missing}. Add it by hand first.")
    return Outcome(relation, "replaced" if difference else "unchanged", difference=difference)


def _compare_views(cursor: Cursor, outcomes: Sequence[Outcome], tell: Callable[[str], None]) -> list[Outcome]:
    """Compare the rows of the panel's views.

    A view is the same without a look if nothing changes in its definition, nor in what it reads.
    """
    changed: set[str] = set()
    compared = []
    for outcome in outcomes:
        relation = outcome.relation
        if outcome.action != "unchanged" or changed & {*relation.parents}:
            changed.add(relation.id)
            if relation.is_for_readers:
                tell(f"Reading {relation.name} …")
                with _named(relation):
                    if _is_deployed(cursor, relation):
                        outcome = replace(outcome, difference=_compare(cursor, relation))
                    else:
                        (count,) = _row(cursor, f"select count(*) from {relation.new}")
                        outcome = replace(outcome, new_rows=count)
        compared.append(outcome)
    return compared


def _compare(cursor: Cursor, relation: Relation) -> Difference:
    """Compare the deployed rows with those of the temporary version."""

    def columns(version: str) -> list[str]:
        cursor.execute(f"select * from {version} limit 0")
        return [column.name for column in cursor.description or ()]

    old_columns, new_columns = columns(relation.deployed), columns(relation.new)
    shared = [quote_ident(column, cursor) for column in old_columns if column in new_columns]
    order = "" if relation.is_for_readers else f"order by {', '.join(shared)}"

    def rows(version: str) -> list[tuple[Any, ...]]:
        cursor.execute(f"select {', '.join(f'{column}::text' for column in shared)} from {version} {order}")
        return cursor.fetchall()

    return compare(
        Version(old_columns, rows(relation.deployed)), Version(new_columns, rows(relation.new)), relation.key
    )


def _is_deployed(cursor: Cursor, relation: Relation) -> bool:
    cursor.execute("select from pg_class where oid = to_regclass(%s)", [relation.deployed])
    return cursor.rowcount == 1


def _row(cursor: Cursor, sql: str) -> tuple[Any, ...]:
    """Return the only row of a query."""
    cursor.execute(sql)
    (row,) = cursor.fetchall()
    return row


def _on_temporary(sql: str, relations: Sequence[Relation], database: str) -> str:
    """Let a model's SQL read the temporary versions: dbt writes each reference as one quoted name."""
    new = {relation.deployed: relation.new for relation in relations}
    names = "|".join(re.escape(name) for name in new)
    return re.sub(rf'(?:"{re.escape(database)}"\.)?({names})', lambda match: new[match[1]], sql)


@contextmanager
def _named(relation: Relation) -> Iterator[None]:
    """Say of which relation an error of the server's is."""
    try:
        yield
    except psycopg2.errors.LockNotAvailable as error:
        reason = f"something that it reads is locked for longer than {LOCK_WAIT}. Run again when that has finished."
        raise CannotRunError(f"{relation.name}: {reason}") from error
    except psycopg2.Error as error:
        raise CannotRunError(f"{relation.name}: {one_line(error.diag.message_primary or error)}") from error


def _print(outcomes: Sequence[Outcome], with_names: bool) -> None:
    """Print a line for each view of the panel and for each step that changes, the gravest last."""
    shown = [outcome for outcome in outcomes if outcome.relation.is_for_readers or outcome.action != "unchanged"]
    for outcome in sorted(shown, key=lambda outcome: (list(COLORS).index(outcome.state), outcome.relation.name)):
        word = outcome.state if outcome.relation.is_for_readers or outcome.action == "refused" else "step"
        head = f"[{COLORS[outcome.state]}]{word.upper():7}[/]  [bold]{outcome.relation.name}[/]"
        console.print(f"{head}  {escape(_finding(outcome))}", soft_wrap=True)
        for line in outcome.difference.examples(with_names) if outcome.difference else []:
            console.print(f"{'':9}{escape(line)}", style="dim", soft_wrap=True)
    views = [outcome for outcome in outcomes if outcome.relation.is_for_readers]
    same = sum(view.state == "same" for view in views)
    console.print(f"{same} of {len(views)} views stay the same for their readers.")


def _finding(outcome: Outcome) -> str:
    """Say what the deployment does, and what readers notice."""
    rows = outcome.difference.summary() if outcome.difference else ""
    if outcome.new_rows is not None:
        rows = f"{outcome.new_rows:,} rows"
    if outcome.action == "refused":
        return f"{outcome.reason} Its new version: {rows}." if rows else str(outcome.reason)
    return f"{outcome.action}; {rows}" if rows else outcome.action
