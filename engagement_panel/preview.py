"""What a deployment of this checkout would change for those who read the panel, on the school's own rows.

All of it happens in one transaction that is never committed: temporary views of all models beside what is deployed.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from typing import Any

import psycopg2
from dbt.contracts.graph.nodes import GenericTestNode
from dbt_common.clients import agate_helper
from psycopg2.extensions import cursor as Cursor
from psycopg2.extensions import quote_ident
from rich.console import Console
from rich.markup import escape

from engagement_panel.difference import Difference, Version, compare
from engagement_panel.target import PROJECT, CannotRunError, one_line, read_only, render, run_dbt

NOTHING_CHANGES, SOMETHING_CHANGES = 0, 1
LOCK_WAIT = "5s"  # behind a migration, for instance
COLORS = {"same": "green", "new": "cyan", "changes": "yellow", "refused": "bold red"}

console = Console(highlight=False)


@dataclass(frozen=True)
class Outcome:
    """What would become of a model or a seed.

    Attributes:
        node: of dbt's manifest.
        action: of the deployment: unchanged, created, replaced or refused.
        reason: of a refusal.
        rows: how many rows a new view would have.
        difference: from the rows that are there; None if they were not compared.
    """

    node: Any
    action: str
    reason: str = ""
    rows: int | None = None
    difference: Difference | None = None

    @property
    def is_for_readers(self) -> bool:
        """Whether the dashboard reads it."""
        return bool(self.node.config.meta.get("for_readers"))

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
        manifest = run_dbt("parse", *options, target=target).result
        compiled = _compile(target, options)
        plan = render(target, "deployment_preview()", *options)
        if plan["problems"]:
            raise CannotRunError(f"A deployment would change nothing. Fix these first: {' '.join(plan['problems'])}")
        with read_only() as cursor:
            cursor.connection.set_session(readonly=False)  # for what is temporary
            cursor.execute(f"set local lock_timeout = '{LOCK_WAIT}'; set local statement_timeout = 0")
            outcomes = _decide(cursor, _in_order(manifest), compiled, plan["decisions"])
            cursor.execute("set transaction read only")
            outcomes = _compare_views(cursor, outcomes, _keys(manifest), status.update)
    _print(outcomes, with_names)
    noticed = {outcome.state for outcome in outcomes if outcome.is_for_readers or outcome.action == "refused"}
    return NOTHING_CHANGES if noticed <= {"same"} else SOMETHING_CHANGES


def _compile(target: str | None, options: Sequence[str]) -> dict[str, str]:
    """Give the SQL of each model, by its id."""
    models = ["compile", "--no-populate-cache", "--select", "resource_type:model"]
    results = run_dbt(*models, *options, target=target).result.results
    for result in results:
        if result.status != "success":
            raise CannotRunError(one_line(result.message))
    return {result.node.unique_id: result.node.compiled_code for result in results}


def _in_order(manifest: Any) -> list[Any]:
    """Give the models and seeds that become relations, each after those that it reads."""
    nodes = {id: node for id, node in manifest.nodes.items() if node.resource_type in ("model", "seed")}
    parents = {id: _parents(node) & nodes.keys() for id, node in nodes.items()}
    return [nodes[id] for id in TopologicalSorter(parents).static_order() if nodes[id].relation_name]


def _parents(node: Any) -> set[str]:
    return {*getattr(node.depends_on, "nodes", ())}  # a seed has none


def _keys(manifest: Any) -> dict[str, Sequence[str]]:
    """Give the columns that tell a model's rows apart, by its id, as its data tests promise."""
    keys = {}
    for test in manifest.nodes.values():
        if isinstance(test, GenericTestNode) and test.attached_node:
            arguments = test.test_metadata.kwargs
            if test.test_metadata.name == "unique":
                keys[test.attached_node] = [arguments["column_name"]]
            elif test.test_metadata.name == "unique_combination_of_columns":
                keys.setdefault(test.attached_node, arguments["combination_of_columns"])
    return keys


def _decide(
    cursor: Cursor, nodes: Sequence[Any], compiled: Mapping[str, str], decisions: Mapping[str, str]
) -> list[Outcome]:
    """Make everything temporary, and see what a deployment would do with it."""
    outcomes: dict[str, Outcome] = {}
    for node in nodes:
        with _named(node):
            if node.resource_type == "seed":
                outcome = _seed(cursor, node)
            else:
                sql = _on_temporary(compiled[node.unique_id], nodes)
                cursor.execute(f"create temporary view {_new(node)} as {sql}")
                cursor.execute(decisions[node.unique_id])
                outcome = Outcome(node, *cursor.fetchone())
        refused = [parent for id in _parents(node) if (parent := outcomes.get(id)) and parent.action == "refused"]
        if refused and outcome.action != "refused":
            outcome = Outcome(node, "refused", f"It would be skipped, for it reads {refused[0].node.alias}.")
        outcomes[node.unique_id] = outcome
    return [*outcomes.values()]


def _seed(cursor: Cursor, node: Any) -> Outcome:
    """Load a seed into a temporary table, as dbt reads it, and compare it with the rows that are there."""
    types = node.config.column_types
    file = PROJECT / node.original_file_path
    table = agate_helper.from_csv(file, text_columns=types, delimiter=node.config.delimiter)
    names = [quote_ident(name, cursor) if node.config.quote_columns else name for name in table.column_names]
    columns = ", ".join(f"{name} {types[column]}" for name, column in zip(names, table.column_names, strict=True))
    cursor.execute(f"create temporary table {_new(node)} ({columns})")
    values = ", ".join(["%s"] * len(names))
    cursor.executemany(f"insert into {_new(node)} values ({values})", [tuple(row) for row in table.rows])
    cursor.execute("select to_regclass(%s) is not null", [_deployed(node)])
    if not cursor.fetchone()[0]:
        return Outcome(node, "created")
    difference = _compare(cursor, node, key=(), order="order by " + ", ".join(names))
    return Outcome(node, "replaced" if difference else "unchanged", difference=difference)


def _compare_views(
    cursor: Cursor, outcomes: Sequence[Outcome], keys: Mapping[str, Sequence[str]], tell: Callable[[str], None]
) -> list[Outcome]:
    """Read what readers would notice.

    A view is the same without a look if nothing changes in its definition, nor in what it reads.
    """
    changed: set[str] = set()
    seen = []
    for outcome in outcomes:
        node = outcome.node
        if outcome.action != "unchanged" or _parents(node) & changed:
            changed.add(node.unique_id)
            if outcome.is_for_readers:
                tell(f"Reading {node.alias} …")
                with _named(node):
                    if outcome.action == "created":
                        cursor.execute(f"select count(*) from {_new(node)}")
                        outcome = replace(outcome, rows=cursor.fetchone()[0])
                    else:
                        outcome = replace(outcome, difference=_compare(cursor, node, keys.get(node.unique_id, ())))
        seen.append(outcome)
    return seen


def _compare(cursor: Cursor, node: Any, key: Sequence[str], order: str = "") -> Difference | None:
    """Compare what is there, if anything is, with what would be."""
    columns = {}
    for relation in (_deployed(node), _new(node)):
        cursor.execute(f"select * from {relation} limit 0")
        columns[relation] = [column.name for column in cursor.description]
    shared = [column for column in columns[_deployed(node)] if column in columns[_new(node)]]
    as_text = ", ".join(f"{quote_ident(column, cursor)}::text" for column in shared)
    versions = []
    for relation in columns:
        cursor.execute(f"select {as_text} from {relation} {order}")
        versions.append(Version(columns[relation], cursor.fetchall()))
    return compare(*versions, key)


def _deployed(node: Any) -> str:
    return f'"{node.schema}"."{node.alias}"'


def _new(node: Any) -> str:
    return f'pg_temp."{node.alias}"'


def _on_temporary(sql: str, nodes: Sequence[Any]) -> str:
    """Let a model's SQL read the temporary relations: dbt writes each reference as one quoted name."""
    new = {_deployed(node): _new(node) for node in nodes}
    names = "|".join(re.escape(name) for name in new)
    database = re.escape(f'"{nodes[0].database}".')
    return re.sub(f"(?:{database})?({names})", lambda match: new[match[1]], sql)


@contextmanager
def _named(node: Any) -> Iterator[None]:
    """Say what an error of the server's is about."""
    try:
        yield
    except psycopg2.errors.LockNotAvailable as error:
        reason = f"a table that it reads stays locked for {LOCK_WAIT}, by a migration perhaps. Run again after it"
        raise CannotRunError(f"{node.alias}: {reason}.") from error
    except psycopg2.Error as error:
        raise CannotRunError(f"{node.alias}: {one_line(error.diag.message_primary or error)}") from error


def _print(outcomes: Sequence[Outcome], with_names: bool) -> None:
    """Print a line for each view of the panel and for each step that changes, the gravest last."""
    shown = [outcome for outcome in outcomes if outcome.is_for_readers or outcome.action != "unchanged"]
    for outcome in sorted(shown, key=lambda outcome: (list(COLORS).index(outcome.state), outcome.node.alias)):
        word = outcome.state if outcome.is_for_readers or outcome.action == "refused" else "step"
        head = f"[{COLORS[outcome.state]}]{word.upper():7}[/]  [bold]{outcome.node.alias}[/]"
        console.print(f"{head}  {escape(_finding(outcome))}", soft_wrap=True)
        for line in outcome.difference.examples(with_names) if outcome.difference else []:
            console.print(f"{'':9}{escape(line)}", style="dim", soft_wrap=True)
    views = [outcome for outcome in outcomes if outcome.is_for_readers]
    console.print(
        f"{sum(view.state == 'same' for view in views)} of {len(views)} views stay the same for their readers."
    )


def _finding(outcome: Outcome) -> str:
    """Say what the deployment would do, and what readers would notice."""
    difference = outcome.difference.summary() if outcome.difference else ""
    if outcome.action == "refused":
        return f"{outcome.reason} Its new version: {difference}." if difference else outcome.reason
    rows = f"{outcome.rows:,} rows" if outcome.rows is not None else difference
    return "; ".join(part for part in (outcome.action, rows) if part)
