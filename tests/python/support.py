"""What the tests share: ways to run dbt and the project's own commands, deaf to the variables of whoever runs them."""

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

from engagement_panel import __main__ as engagement_panel
from engagement_panel import dbt
from engagement_panel.dbt import PROJECT

__all__ = ["PROJECT", "DbtRun", "MakeDatabase", "Outcome", "RunDbt", "environment", "run_command", "run_dbt"]


@dataclass(frozen=True)
class DbtRun:
    """What a run of dbt came to; the codes are those of dbt's command line (2: it could not run at all)."""

    exit_code: int
    output: str
    results: list[Any]  # dbt's RunResult, one a node


class MakeDatabase(Protocol):
    """Create a database, anew if there is one, as a copy of another if `template` names one; return its URI."""

    def __call__(self, name: str, template: str = "template0") -> str: ...  # noqa: D102


class RunDbt(Protocol):
    """Run a dbt command on a database, as a role that may log in, in target and log folders of its own."""

    def __call__(  # noqa: D102
        self,
        database: str,
        *arguments: str,
        vars: dict[str, Any] | None = None,
        user: str = "postgres",
        project: Path = PROJECT,
    ) -> DbtRun: ...


@dataclass(frozen=True)
class Outcome:
    """What a command came to."""

    exit_code: int
    output: str
    errors: str


def environment(profile: Path) -> dict[str, str]:
    """Give this process's environment with that profile, and without what else is set for dbt or the sandbox."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("DBT_", "ENGAGEMENT_"))}
    return own | {
        "DBT_PROFILES_DIR": str(profile),
        "DBT_TARGET_PATH": str(profile / "target"),
        "DBT_LOG_PATH": str(profile / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_USE_COLORS": "false",
        "DBT_WRITE_JSON": "false",  # a manifest takes a second to write
    }


def run_command(profile: Path, *arguments: str) -> Outcome:
    """Run `python -m engagement_panel`."""
    with mock.patch.object(sys, "argv", ["engagement_panel", *arguments]), _captured(profile) as streams:
        exit_code = _exit_code_of(engagement_panel.main)
    return Outcome(exit_code, *(stream.getvalue() for stream in streams))


def run_dbt(profile: Path, *arguments: str, vars: dict[str, Any] | None = None, project: Path = PROJECT) -> DbtRun:
    """Run dbt on a project."""
    with _captured(profile) as streams:
        run = dbt.run_dbt(*arguments, project=project, variables=vars)
    output = "".join(stream.getvalue() for stream in streams)
    return DbtRun(dbt.exit_code(run), output, getattr(run.result, "results", []))


@contextlib.contextmanager
def _captured(profile: Path) -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """Run the body in this process, because dbt takes seconds to load, with that profile; give what it prints."""
    output, errors = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, environment(profile), clear=True),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        yield output, errors


def _exit_code_of(command: Callable[[], None]) -> int:
    try:
        command()
    except SystemExit as exit:
        return int(exit.code or 0)
    return 0
