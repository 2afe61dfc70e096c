"""What the tests share: ways to run dbt and the project's own commands, deaf to the variables of whoever runs them."""

import contextlib
import hashlib
import io
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import click
import jinja2
import psycopg
from dbt.cli import requires
from dbt.config.runtime import RuntimeConfig
from dbt.context.base import get_context_modules
from dbt.contracts.graph.manifest import Manifest
from dbt_common.dataclass_schema import dbtClassMixin
from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.tests import enable_test_caching
from rich.console import Console

from engagement_panel import __main__ as engagement_panel
from engagement_panel import dbt, panel
from engagement_panel.dbt import PROJECT
from sandbox import console, docs


@dataclass(frozen=True)
class Outcome:
    """What a command came to; dbt's codes are those of its command line (2: it could not run at all)."""

    exit_code: int
    output: str
    errors: str = ""
    results: list[Any] = field(default_factory=list)  # dbt's RunResult, one a node

    def succeeded(self) -> "Outcome":
        return self.exited_with(0)

    def failed(self) -> "Outcome":
        return self.exited_with(1)

    def exited_with(self, exit_code: int) -> "Outcome":
        assert self.exit_code == exit_code, self.output + self.errors
        return self


# What the fixtures of those names give: see conftest.py.
MakeDatabase = Callable[..., str]
RunDbt = Callable[..., Outcome]


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
        "DBT_STATIC_PARSER": "false",  # which hangs in a fork
    }


@contextlib.contextmanager
def doing_once() -> Iterator[None]:
    """Let dbt keep the Jinja that it has compiled, as its own tests do, and what it has validated.

    It does not walk up pytest's stack, writes no compiled SQL, and makes no debug messages that are not read: the
    first of the callbacks is its own.
    """
    compiled: dict[tuple[Any, ...], Any] = {}
    compile, fire = jinja2.Environment.compile, EventManager.fire_event
    valid: set[tuple[type, str]] = set()
    validate = vars(dbtClassMixin)["validate"].__func__

    def compile_once(self: jinja2.Environment, source: Any, name: str | None = None, *others: Any) -> Any:
        key = (type(self), source, name, *others)
        if key not in compiled:
            compiled[key] = compile(self, source, name, *others)
        return compiled[key]

    def validate_once(cls: type, data: Any) -> None:
        key = (cls, repr(data))
        if key not in valid:
            validate(cls, data)
            valid.add(key)

    def fire_event(self: EventManager, event: BaseEvent, level: EventLevel | None = None, **others: Any) -> None:
        is_read = len(self.callbacks) > 1 or any(logger.level == EventLevel.DEBUG for logger in self.loggers)
        if is_read or (level or event.level_tag()) != EventLevel.DEBUG:
            fire(self, event, level, **others)

    enable_test_caching()
    with (
        mock.patch.object(jinja2.Environment, "compile", compile_once),
        mock.patch.object(dbtClassMixin, "validate", classmethod(validate_once)),
        mock.patch.object(EventManager, "fire_event", fire_event),
        mock.patch("dbt.contracts.graph.nodes.ParsedNode.write_node", return_value=None),
        mock.patch("dbt.context.base.get_context_modules", cache(get_context_modules)),
        mock.patch("dbt_common.behavior_flags.BehaviorFlagRendered._default_source", return_value="dbt"),
    ):
        yield


@contextlib.contextmanager
def parsing_once() -> Iterator[None]:
    """Let dbt go on with what it has parsed, as a dbtRunner that is given a manifest, if nothing has changed since.

    A dozen are kept, for each takes some memory.
    """
    kept: dict[Any, tuple[Manifest, dict[str, Any]]] = {}
    setup = requires.setup_manifest

    def setup_once(context: click.Context, **options: Any) -> None:
        flags = context.obj["flags"]
        if context.info_name == "parse" or flags.WRITE_JSON or flags.STATE:
            return setup(context, **options)  # files are to be written, or what has been parsed is changed
        key = _parsed_from(context.obj["runtime_config"])
        if key in kept:
            context.obj["manifest"], graph = kept.pop(key)
            context.obj["manifest"].flat_graph = {**graph}  # without what runs have noted in it
        setup(context, **options)
        manifest = context.obj["manifest"]
        kept[key] = manifest, {**manifest.flat_graph}
        if len(kept) > 12:
            del kept[next(iter(kept))]

    with mock.patch.object(requires, "setup_manifest", setup_once):
        yield


def _parsed_from(config: RuntimeConfig) -> Any:
    """Give all that a manifest depends on: the place in the database, the vars, and the contents of the files."""
    root, credentials = Path(config.project_root), config.credentials
    files = [root / "dbt_project.yml"]
    for folder in (*config.all_source_paths, config.packages_install_path):
        files += [Path(path, name) for path, _, names in os.walk(root / folder, followlinks=True) for name in names]
    contents = frozenset((file, _digest(file, file.stat().st_mtime_ns)) for file in files)
    return root, credentials.database, credentials.schema, config.target_name, json.dumps(config.cli_vars), contents


@cache
def _digest(file: Path, changed_at: int) -> bytes:
    return hashlib.sha256(file.read_bytes()).digest()


def add_target(profile: Path, name: str, **fields: Any) -> None:
    """Add a target to a profile that `write_profile` wrote, as its default: like `mgmt`, but for some fields."""
    file = profile / "profiles.yml"
    settings = json.loads(file.read_text())["engagement_panel"]
    settings["outputs"][name] = settings["outputs"]["mgmt"] | fields
    file.write_text(json.dumps({"engagement_panel": settings | {"target": name}}))


def write_program(file: Path, script: str) -> Path:
    """Write a program for the shell, in folders that need not be there yet."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def execute(uri: str, sql: str) -> list[Any]:
    """Run SQL, all of it or nothing, and give the rows of its last query."""
    with psycopg.connect(uri, autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def run_command(profile: Path, *arguments: str) -> Outcome:
    """Run `python -m engagement_panel`."""
    exit_code = 0
    with mock.patch.object(sys, "argv", ["engagement_panel", *arguments]), _captured(profile) as streams:
        try:
            engagement_panel.main()
        except SystemExit as exit:
            exit_code = int(exit.code or 0)
    return Outcome(exit_code, *(stream.getvalue() for stream in streams))


@contextlib.contextmanager
def commands_of(project: Path) -> Iterator[None]:
    """Let the project's own commands work on a copy of it."""
    with contextlib.ExitStack() as patches:
        for module in ("__main__", "preview", "target"):
            patches.enter_context(mock.patch(f"engagement_panel.{module}.PROJECT", project))
        yield


def run_dbt(profile: Path, *arguments: str, vars: dict[str, Any] | None = None, project: Path = PROJECT) -> Outcome:
    with _captured(profile) as streams:
        run = dbt.run_dbt(*arguments, project=project, variables=vars)
    output = "".join(stream.getvalue() for stream in streams)
    return Outcome(dbt.exit_code(run), output, results=getattr(run.result, "results", []))


def panel_definition(profile: Path, **options: Any) -> dict[str, Any]:
    """Have dbt compile what the report and the demo read; the options are those of `run_dbt`."""
    run = run_dbt(profile, *dbt.inline(panel.DEFINITION), **options).succeeded()
    definition: dict[str, Any] = dbt.inline_value(run.results)
    return definition


def printed(read: panel.Panel) -> str:
    """Give what the terminal shows of a panel."""
    output = io.StringIO()
    console.print_panel(read, Console(file=output, width=console.WIDTH))
    return output.getvalue()


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder to this machine, as `make docs` does, and give its URL."""
    with docs.serve(folder, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


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
