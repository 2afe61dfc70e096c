"""Where dbt would go: what names and vars come to there, and a connection that only reads."""

import json
import os
from pathlib import Path
from typing import Any

import psycopg
from dbt.adapters.factory import get_adapter_by_type
from dbt.cli.main import dbtRunnerResult
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from engagement_panel import dbt
from engagement_panel.dbt import PROJECT
from sandbox import server

SANDBOX_PROFILE = PROJECT / ".sandbox"

# What a dbt profile and libpq call by the same name.
CONNECTION_OPTIONS = (
    "host port user password connect_timeout keepalives_idle sslmode sslcert sslkey sslrootcert".split()
)


class CannotRunError(Exception):
    """Something stands in the way; the message is one line that tells what, and what to do."""


def run_dbt(*arguments: str, target: str | None) -> dbtRunnerResult:
    """Run a dbt command on the project without a word in the terminal; its log lies where dbt puts it.

    Without DBT_PROFILES_DIR and without a profiles.yml in the project, the profile is the sandbox's.

    Args:
        arguments: the command and its options.
        target: of the profile; None for the profile's own default.

    Raises:
        CannotRunError: dbt could not run the command at all.
    """
    _use_sandbox_by_default()
    run = dbt.run_dbt(*arguments, "--log-level", "none", target=target)
    if run.exception:
        raise CannotRunError(one_line(run.exception))
    return run


def render(target: str | None, expression: str) -> Any:
    """Give the value of a Jinja expression as dbt knows it, without connecting anywhere.

    Args:
        target: as for run_dbt.
        expression: of JSON's types; `ref` and `var` work in it.
    """
    run = run_dbt("compile", "--no-populate-cache", "--inline", f"{{{{ tojson({expression}) }}}}", target=target)
    return json.loads(run.result.results[0].node.compiled_code)


def connect() -> psycopg.Connection:
    """Connect to the target that dbt ran for last, for one transaction that reads and sees one state of the database.

    Raises:
        CannotRunError: the server cannot be reached or does not let us in.
    """
    credentials = get_adapter_by_type("postgres").config.credentials
    try:
        connection = psycopg.connect(
            dbname=credentials.database,
            application_name="engagement_panel",
            **{option: getattr(credentials, option) for option in CONNECTION_OPTIONS},
        )
    except psycopg.OperationalError as error:
        raise CannotRunError(one_line(error)) from error
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    if credentials.role:
        connection.execute(sql.SQL("set role {}").format(sql.Identifier(credentials.role)))
    return connection


def _use_sandbox_by_default() -> None:
    if not (PROJECT / "profiles.yml").exists():
        os.environ.setdefault("DBT_PROFILES_DIR", str(SANDBOX_PROFILE))
    if not (Path(os.environ.get("DBT_PROFILES_DIR", PROJECT)) / "profiles.yml").exists():
        raise CannotRunError("There is no profiles.yml: `make demo` makes a sandbox with one, or set DBT_PROFILES_DIR.")
    folder = server.data_folder(PROJECT)
    if server.is_running(folder):
        os.environ.setdefault("ENGAGEMENT_SANDBOX_HOST", str(conninfo_to_dict(server.uri(folder))["host"]))


def one_line(error: object) -> str:
    """Give a message of dbt's or the server's in one line, or what it comes to where that is known better."""
    message = " ".join(str(error).split())
    if "'ENGAGEMENT_SANDBOX_HOST'" in message:
        return "The sandbox is not running: `make demo` starts it."
    return message
