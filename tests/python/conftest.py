"""What the tests share: a PostgreSQL server, and databases with the panel in them."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from support import PROJECT, DbtRun, MakeDatabase, RunDbt, doing_once, parsing_once
from support import run_dbt as run_dbt_with

import sandbox.server
from sandbox import school
from sandbox.profiles import write_profile

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(scope="session", autouse=True)
def quick_dbt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Spare dbt what it has done before, for all logins, target folders and workers."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "parsed"
    folder.mkdir(exist_ok=True)
    gc.freeze()  # dbt's modules, which would be looked through again and again
    with doing_once(), parsing_once(folder):
        yield


@pytest.fixture(scope="session")
def temporary_server() -> Iterator[tuple[Path, str]]:
    """Give a folder and the URI of a server; both are gone when the tests have ended, or are killed."""
    with sandbox.server.temporary() as (folder, uri):
        yield folder, uri


@pytest.fixture(scope="session")
def workspace(temporary_server: tuple[Path, str]) -> Path:
    """Give a folder for the whole session which any user may enter, as root's server must.

    A server whose data is in it does not outlive the tests, whatever ends them.
    """
    return temporary_server[0]


@pytest.fixture(scope="session")
def server(temporary_server: tuple[Path, str]) -> str:
    """Give the URI of a running PostgreSQL server's superuser."""
    return temporary_server[1]


@pytest.fixture(scope="session")
def make_database(server: str) -> MakeDatabase:
    """Give a function that makes databases, anew if there is one; all collate by code point, as Python does.

    Those that take the name `school` one after the other save dbt the parsing: it parses anew for another database.
    """

    def make(name: str, template: str = "template0") -> str:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'drop database if exists "{name}" with (force)')
            connection.execute(
                f"create database \"{name}\" template \"{template}\" encoding 'UTF8' lc_collate 'C' lc_ctype 'C'"
            )
        return make_conninfo(server, dbname=name)

    return make


@pytest.fixture(scope="session")
def run_dbt(server: str, workspace: Path) -> RunDbt:
    """Give a function that runs dbt on a database of the server."""

    def run(
        database: str,
        *arguments: str,
        vars: dict[str, Any] | None = None,
        user: str = "postgres",
        project: Path = PROJECT,
    ) -> DbtRun:
        folder = workspace / "dbt" / project.name / database / user
        write_profile(folder, make_conninfo(server, dbname=database, user=user))
        return run_dbt_with(folder, *arguments, vars=vars, project=project)

    return run


@pytest.fixture(scope="session")
def deployed_template(server: str, make_database: MakeDatabase, run_dbt: RunDbt) -> str:
    """Give the name of a database to copy: the school's tables without a row, and the panel on them."""
    with psycopg.connect(make_database("school")) as connection:
        school.create(connection)
    build = run_dbt("school", "build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    assert build.exit_code == 0, build.output
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("alter database school rename to deployed")
    return "deployed"


@pytest.fixture(scope="session")
def panel_database(make_database: MakeDatabase, deployed_template: str) -> str:
    """Give the URI of a database with the panel on empty tables; who writes to it rolls back."""
    return make_database("panel", template=deployed_template)


@pytest.fixture
def panel_connection(panel_database: str) -> Iterator[psycopg.Connection]:
    """Give a transaction in which to fill the school's tables and read the views; it is rolled back."""
    with psycopg.connect(panel_database) as connection:
        yield connection
        connection.rollback()
