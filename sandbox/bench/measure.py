"""What a query costs, as PostgreSQL itself tells it."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

import psycopg

RUNS = 20

Plan = dict[str, Any]
# Median and p95 in milliseconds; of the last run also rows, buffers (pages of 8 kB) and check-ins looked at.
Cost = dict[str, float]


@dataclass(frozen=True)
class Explained:
    """One run of a query, from planning to the last row turned into text; buffers are pages of 8 kB."""

    milliseconds: float
    rows: int
    buffers: int
    plan: Plan


def explain(connection: psycopg.Connection, query: str) -> Explained:
    """Run a query inside the server, its rows turned into text and dropped there.

    Args:
        connection: to PostgreSQL 17 or later.
        query: a select.

    Raises:
        psycopg.Error: whatever the query fails with.
    """
    (((explained,),),) = connection.execute(
        f"explain (analyze, buffers, timing off, serialize text, format json) {query}"
    ).fetchall()
    plan = explained["Plan"]
    return Explained(
        explained["Planning Time"] + explained["Execution Time"],
        round(plan["Actual Rows"]),
        plan["Shared Hit Blocks"] + plan["Shared Read Blocks"],
        plan,
    )


def nodes(plan: Plan) -> Iterator[Plan]:
    """Give a plan's nodes, itself first."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def checkins_looked_at(plan: Plan) -> int:
    """How many rows of the attendance all nodes of a plan together looked at, those that a filter removed included."""
    read = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    looked_at: float = sum(
        node["Actual Loops"] * sum(node.get(rows, 0) for rows in read)
        for node in nodes(plan)
        if node.get("Relation Name") == "student_attendance"
    )
    return round(looked_at)


def in_turn(connection: psycopg.Connection, queries: dict[str, str], runs: int = RUNS) -> dict[str, Cost]:
    """Run queries one after the other, once to warm up and then so many times over."""
    taken: dict[str, list[Explained]] = {name: [] for name in queries}
    for _ in range(runs + 1):
        for name, query in queries.items():
            taken[name].append(explain(connection, query))
    return {
        name: _spread([run.milliseconds for run in own[1:]])
        | {"rows": own[-1].rows, "buffers": own[-1].buffers, "checkins": checkins_looked_at(own[-1].plan)}
        for name, own in taken.items()
    }


def at_once(uri: str, queries: list[str], runs: int = RUNS) -> Cost:
    """Run each query on a connection of its own, all at once, and take the time until the last is done."""
    elapsed = []
    with ExitStack() as stack:
        connections = [stack.enter_context(psycopg.connect(uri, autocommit=True)) for _ in queries]
        pool = stack.enter_context(ThreadPoolExecutor(len(queries)))
        for _ in range(runs + 1):
            started = time.perf_counter()
            list(pool.map(explain, connections, queries))
            elapsed.append(1000 * (time.perf_counter() - started))
    return _spread(elapsed[1:])


def _spread(milliseconds: list[float]) -> Cost:
    return {
        "median": round(median(milliseconds), 3),
        "p95": round(quantiles(milliseconds, n=20, method="inclusive")[-1], 3),
    }
