"""The target of the dbt profile: names and vars as dbt resolves them there, and a read-only connection."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from dbt.adapters.contracts.connection import Connection, Identifier
from dbt.adapters.factory import get_adapter_by_type
from dbt_common.exceptions import DbtRuntimeError
from psycopg2.extensions import cursor as Cursor

from engagement_panel import dbt
from engagement_panel.dbt import PROJECT

SANDBOX_PROFILE = PROJECT / ".sandbox"


class CannotRunError(Exception):
    """The message is one line: what is wrong, and what to do."""


def run_dbt(*arguments: str, target: str | None) -> list[Any]:
    """Run a dbt command on the project and return its results; it prints nothing, and logs where dbt always does.

    Without DBT_PROFILES_DIR and without a profiles.yml in the project, it uses the sandbox's profile.

    Args:
        arguments: the command and its options.
        target: of the profile; None for the profile's own default.

    Raises:
        CannotRunError: dbt could not run the command at all.
    """
    _use_sandbox_by_default()
    run = dbt.run_dbt(*arguments, "--log-level", "none", project=PROJECT, target=target)
    if run.exception:
        raise CannotRunError(one_line(run.exception))
    results: Any = run.result
    return list(results.results)


def render(target: str | None, expression: str, *options: str) -> Any:
    """Return the value of a Jinja expression in the dbt project; connects only if the expression does.

    Args:
        target: as for run_dbt.
        expression: a value that JSON can hold; it may use macros, `ref` and `var`.
        options: of dbt.
    """
    return dbt.inline_value(run_dbt(*dbt.inline(expression), *options, target=target))


@contextmanager
def read_only() -> Iterator[Cursor]:
    """Yield a cursor on the target of the last dbt command, in one read-only transaction with one snapshot.

    dbt opens the connection, so each field of the profile means here what it means to dbt.

    Raises:
        CannotRunError: the server cannot be reached, or refuses the connection.
    """
    adapter = get_adapter_by_type("postgres")
    try:
        opened = adapter.connections.open(
            Connection(Identifier("postgres"), "engagement_panel", adapter.config.credentials)
        )
    except DbtRuntimeError as error:
        raise CannotRunError(one_line(error)) from error
    with closing(opened.handle) as connection:
        connection.commit()  # dbt's `set role` began a transaction
        connection.set_session("REPEATABLE READ", readonly=True, autocommit=False)
        # A role or a database may set an encoding that lacks letters of a name.
        connection.set_client_encoding("UTF8")
        with connection.cursor() as cursor:
            yield cursor


def lift(cursor: Cursor, *limits: str) -> None:
    """Lift time limits until the end of the transaction; those that the server does not know are left out."""
    cursor.execute("select set_config(name, '0', true) from pg_settings where name = any(%s)", [[*limits]])


def _use_sandbox_by_default() -> None:
    if not (PROJECT / "profiles.yml").exists():
        os.environ.setdefault("DBT_PROFILES_DIR", str(SANDBOX_PROFILE))
    if not (_profiles() / "profiles.yml").exists():
        raise CannotRunError("There is no profiles.yml: `make demo` makes a sandbox with one, or set DBT_PROFILES_DIR.")


def _profiles() -> Path:
    return Path(os.environ.get("DBT_PROFILES_DIR", PROJECT))


def one_line(error: object) -> str:
    """Return an error message as one line; for a sandbox that is down, how to start it."""
    message = " ".join(str(error).split())
    if "Is the server running" in message and _profiles().resolve() == SANDBOX_PROFILE:
        return "The sandbox is not running: `make demo` starts it."
    return message
