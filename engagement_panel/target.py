"""Where dbt would go: what names and vars come to there, and a connection that only reads."""

import json
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
    """Something stands in the way; the message is one line that tells what, and what to do."""


def run_dbt(*arguments: str, target: str | None) -> list[Any]:
    """Run a dbt command on the project without a word in the terminal, and give its results; it logs where it always does.

    Without DBT_PROFILES_DIR and without a profiles.yml in the project, the profile is the sandbox's.

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
    """Give the value of a Jinja expression as dbt knows it; connects only if the expression does.

    Args:
        target: as for run_dbt.
        expression: of JSON's types; `ref` and `var` work in it.
        options: of dbt's.
    """
    inline = f"{{{{ tojson({expression}) }}}}"
    (result,) = run_dbt("compile", "--no-populate-cache", "--inline", inline, *options, target=target)
    return json.loads(result.node.compiled_code)


@contextmanager
def read_only() -> Iterator[Cursor]:
    """Give a cursor on the target that dbt ran for last: one transaction that writes nothing and sees one state.

    dbt opens the connection, so each field of the profile means here what it means to dbt.

    Raises:
        CannotRunError: the server cannot be reached or does not let us in.
    """
    adapter = get_adapter_by_type("postgres")
    try:
        opened = adapter.connections.open(
            Connection(Identifier("postgres"), "engagement_panel", adapter.config.credentials)
        )
    except DbtRuntimeError as error:
        raise CannotRunError(one_line(error)) from error
    with closing(opened.handle) as connection:
        connection.commit()  # dbt's `set role` has begun a transaction
        connection.set_session("REPEATABLE READ", readonly=True, autocommit=False)
        # A role or a database may have another encoding, in which a name cannot be written.
        connection.set_client_encoding("UTF8")
        with connection.cursor() as cursor:
            yield cursor


def _use_sandbox_by_default() -> None:
    if not (PROJECT / "profiles.yml").exists():
        os.environ.setdefault("DBT_PROFILES_DIR", str(SANDBOX_PROFILE))
    if not (_profiles() / "profiles.yml").exists():
        raise CannotRunError("There is no profiles.yml: `make demo` makes a sandbox with one, or set DBT_PROFILES_DIR.")


def _profiles() -> Path:
    return Path(os.environ.get("DBT_PROFILES_DIR", PROJECT))


def one_line(error: object) -> str:
    """Give a message of dbt's or the server's in one line; for the sandbox, what to do if it is down."""
    message = " ".join(str(error).split())
    if "connection to server" in message and _profiles().resolve() == SANDBOX_PROFILE:
        return "The sandbox is not running: `make demo` starts it."
    return message
