"""What the tests share: ways to run dbt and the project's own commands, deaf to the variables of whoever runs them."""

import contextlib
import hashlib
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

import jinja2
from dbt.constants import PARTIAL_PARSE_FILE_NAME
from dbt.contracts.graph.manifest import Manifest
from dbt.parser.manifest import ManifestLoader, extended_mashumuro_decoder
from dbt_common.tests import enable_test_caching

from engagement_panel import __main__ as engagement_panel
from engagement_panel import dbt, panel
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
        "DBT_LOG_LEVEL_FILE": "none",  # a tenth of a run's time
        "DBT_WRITE_JSON": "false",  # a manifest takes a second to write
    }


@contextlib.contextmanager
def doing_once() -> Iterator[None]:
    """Let dbt keep the Jinja that it has parsed and compiled, as its own tests do, and not walk up pytest's stack."""
    compiled: dict[tuple[Any, ...], Any] = {}
    compile = jinja2.Environment.compile

    def compile_once(self: jinja2.Environment, source: Any, name: str | None = None, *others: Any) -> Any:
        key = (type(self), source, name, *others)
        if key not in compiled:
            compiled[key] = compile(self, source, name, *others)
        return compiled[key]

    enable_test_caching()
    with (
        mock.patch.object(jinja2.Environment, "compile", compile_once),
        mock.patch("dbt_common.behavior_flags.BehaviorFlagRendered._default_source", return_value="dbt"),
        mock.patch("dbt_common.events.functions.env_secrets", list),  # it reads all variables for each event
    ):
        yield


@contextlib.contextmanager
def parsing_once(folder: Path) -> Iterator[None]:
    """Let dbt parse a project once for the same settings, database and schema: by itself it does so for each login.

    What it has parsed is kept in a folder.
    """
    read, write = ManifestLoader.read_manifest_for_partial_parse, ManifestLoader.write_manifest_for_partial_parse

    def shared(loader: ManifestLoader) -> Path:
        project, state = loader.root_project, loader.manifest.state_check
        hashes = [each.checksum for each in (state.vars_hash, *state.project_hashes.values())]
        alike = (project.project_root, project.credentials.database, project.credentials.schema, *hashes)
        return folder / hashlib.sha256(repr(alike).encode()).hexdigest()

    def read_own_or_shared(loader: ManifestLoader) -> Manifest | None:
        found = read(loader)
        if not found and shared(loader).exists():
            saved = Manifest.from_msgpack(shared(loader).read_bytes(), decoder=extended_mashumuro_decoder)
            saved.state_check.profile_hash = loader.manifest.state_check.profile_hash
            if loader.is_partial_parsable(saved)[0]:
                found = saved
                with mock.patch.object(loader, "manifest", saved):
                    write(loader)  # for processes that start from this target folder
        return found

    def write_own_and_shared(loader: ManifestLoader) -> None:
        write(loader)
        copy = Path(tempfile.mkdtemp(dir=folder)) / PARTIAL_PARSE_FILE_NAME
        shutil.copy(Path(loader.root_project.project_target_path) / PARTIAL_PARSE_FILE_NAME, copy)
        copy.replace(shared(loader))  # at once, for another worker may be reading it

    with (
        mock.patch.object(ManifestLoader, "read_manifest_for_partial_parse", read_own_or_shared),
        mock.patch.object(ManifestLoader, "write_manifest_for_partial_parse", write_own_and_shared),
    ):
        yield


def run_command(profile: Path, *arguments: str) -> Outcome:
    """Run `python -m engagement_panel`."""
    with mock.patch.object(sys, "argv", ["engagement_panel", *arguments]), _captured(profile) as streams:
        exit_code = _exit_code_of(engagement_panel.main)
    return Outcome(exit_code, *(stream.getvalue() for stream in streams))


@contextlib.contextmanager
def commands_of(project: Path) -> Iterator[None]:
    """Let the project's own commands work on a copy of it."""
    with contextlib.ExitStack() as patches:
        for module in ("__main__", "preview", "target"):
            patches.enter_context(mock.patch(f"engagement_panel.{module}.PROJECT", project))
        yield


def run_dbt(profile: Path, *arguments: str, vars: dict[str, Any] | None = None, project: Path = PROJECT) -> DbtRun:
    """Run dbt on a project."""
    with _captured(profile) as streams:
        run = dbt.run_dbt(*arguments, project=project, variables=vars)
    output = "".join(stream.getvalue() for stream in streams)
    return DbtRun(dbt.exit_code(run), output, getattr(run.result, "results", []))


def panel_definition(profile: Path, **options: Any) -> dict[str, Any]:
    """Have dbt compile what the report and the demo read; the options are those of `run_dbt`."""
    run = run_dbt(profile, *dbt.inline(panel.DEFINITION), **options)
    assert run.exit_code == 0, run.output
    definition: dict[str, Any] = dbt.inline_value(run.results)
    return definition


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
