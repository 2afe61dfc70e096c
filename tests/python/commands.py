"""Commands of the project, run as a user runs them."""

import contextlib
import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from conftest import PROJECT
from dbt.cli.main import dbtRunner

from engagement_panel.__main__ import main


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
    }


def run_command(profile: Path, *arguments: str) -> Outcome:
    """Run `python -m engagement_panel`."""
    with mock.patch.object(sys, "argv", ["engagement_panel", *arguments]):
        return _outcome_of(main, profile)


def dbt(profile: Path, *arguments: str) -> Outcome:
    """Run dbt on the project."""

    def run() -> None:
        result = dbtRunner().invoke([*arguments, "--project-dir", str(PROJECT)])
        sys.exit(0 if result.success else 2 if result.exception else 1)

    return _outcome_of(run, profile)


def _outcome_of(command: Callable[[], None], profile: Path) -> Outcome:
    """Run a command in this process, since dbt takes seconds to load."""
    output, errors = io.StringIO(), io.StringIO()
    exit_code = 0
    with (
        mock.patch.dict(os.environ, environment(profile), clear=True),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        try:
            command()
        except SystemExit as exit:
            exit_code = exit.code or 0
    return Outcome(exit_code, output.getvalue(), errors.getvalue())
