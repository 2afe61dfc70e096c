"""What the tests share: a PostgreSQL server, databases with the panel in them, and a way to run dbt."""

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import hypothesis
import psycopg
import pytest
from dbt.cli.main import dbtRunner
from psycopg.conninfo import make_conninfo

import sandbox.server
from sandbox import school
from sandbox.profiles import write_profile

PROJECT = Path(__file__).resolve().parents[2]

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")


@dataclass(frozen=True)
class DbtRun:
    """What a run of dbt came to; the codes are those of dbt's command line (2: it could not run at all)."""

    exit_code: int
    output: str
    results: list[Any]  # dbt's RunResult, one a node


class MakeDatabase(Protocol):
    """Create a database, as a copy of another if `template` names one, and return its URI."""

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


@pytest.fixture(scope="session")
def workspace() -> Iterator[Path]:
    """Give a folder for the whole session which any user may enter, as root's server must."""
    with tempfile.TemporaryDirectory(prefix="panel-tests-") as folder:
        path = Path(folder).resolve()
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="session")
def server(workspace: Path) -> Iterator[str]:
    """Give the URI of a running PostgreSQL server's superuser."""
    data = workspace / "postgres"
    yield sandbox.server.start(data)
    sandbox.server.stop(data)


@pytest.fixture(scope="session")
def make_database(server: str) -> MakeDatabase:
    """Give a function that makes databases; all collate by code point, as Python does."""

    def make(name: str, template: str = "template0") -> str:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(
                f"create database \"{name}\" template \"{template}\" encoding 'UTF8' lc_collate 'C' lc_ctype 'C'"
            )
        return make_conninfo(server, dbname=name)

    return make


@pytest.fixture(scope="session")
def run_dbt(server: str, workspace: Path) -> RunDbt:
    """Give a function that runs dbt, deaf to the DBT_* variables of whoever runs the tests."""

    def run(
        database: str,
        *arguments: str,
        vars: dict[str, Any] | None = None,
        user: str = "postgres",
        project: Path = PROJECT,
    ) -> DbtRun:
        folder = workspace / "dbt" / project.name / database / user
        write_profile(folder, make_conninfo(server, dbname=database, user=user))
        output = io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("DBT_")]:
                patch.delenv(name)
            patch.setenv("DBT_PROJECT_DIR", str(project))
            patch.setenv("DBT_PROFILES_DIR", str(folder))
            patch.setenv("DBT_TARGET_PATH", str(folder / "target"))
            patch.setenv("DBT_LOG_PATH", str(folder / "logs"))
            patch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
            patch.setenv("DBT_USE_COLORS", "false")
            options = ["--vars", json.dumps(vars)] if vars else []
            with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
                run = dbtRunner().invoke([*arguments, *options])
        exit_code = 0 if run.success else 2 if run.exception else 1
        return DbtRun(exit_code, output.getvalue(), getattr(run.result, "results", []))

    return run


@pytest.fixture(scope="session")
def deployed_template(make_database: MakeDatabase, run_dbt: RunDbt) -> str:
    """Give the name of a database to copy: the school's tables without a row, and the panel on them."""
    name = "deployed"
    with psycopg.connect(make_database(name)) as connection:
        school.create(connection)
    build = run_dbt(name, "build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    assert build.exit_code == 0, build.output
    return name


@pytest.fixture(scope="session")
def panel_database(make_database: MakeDatabase, deployed_template: str) -> str:
    """Give the URI of a database with the panel on empty tables; who writes to it rolls back."""
    return make_database("panel", template=deployed_template)


@pytest.fixture
def panel_connection(panel_database: str) -> Iterator[psycopg.Connection]:
    """Give a transaction in which to fill the school's tables and read the six views; it is rolled back."""
    with psycopg.connect(panel_database) as connection:
        yield connection
        connection.rollback()
