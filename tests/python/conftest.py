"""What the tests share: a PostgreSQL server, and databases with the panel in them."""

import gc
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import psutil
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from support import PROJECT, MakeDatabase, Outcome, RunDbt, doing_once, execute, parsing_once
from support import run_dbt as run_dbt_with

import sandbox.server
from sandbox import school
from sandbox.profiles import write_profile

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(scope="session", autouse=True)
def quick_dbt() -> Iterator[None]:
    """Spare dbt what it has done before, for all logins and target folders."""
    gc.freeze()  # dbt's modules
    gc.set_threshold(500_000, 100)  # else a seventh of the time goes into looking for garbage
    with doing_once(), parsing_once():
        yield


@pytest.fixture(scope="session")
def temporary_server() -> Iterator[tuple[Path, str]]:
    """Give a folder and the URI of a server; both are gone when the tests have ended, or are killed."""
    with sandbox.server.temporary(_memory()) as (folder, uri):
        yield folder, uri


def _memory() -> Path | None:
    """Give Linux's folder in memory, unless TMPDIR says where, programs cannot run there, or it has little room.

    Two workers take 1.4 GB. ext4 without a journal takes half a second for a database where many were dropped lately.
    """
    memory = Path("/dev/shm")
    if "TMPDIR" in os.environ or not memory.exists() or os.statvfs(memory).f_flag & os.ST_NOEXEC:
        return None
    free = min(shutil.disk_usage(memory).free, psutil.virtual_memory().available)
    return memory if free > 4e9 else None


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
    """Give a function that makes a database (anew, or as a copy of a template) and gives its URI.

    All collate by code point, as Python does. Those that take the name `school` one after the other save dbt the
    parsing: it parses anew for another database.
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
    """Give a function that runs a dbt command on a database of the server, as a role that may log in.

    Target and log folders are its own; vars and project are those of `support.run_dbt`.
    """

    def run(database: str, *arguments: str, user: str = "postgres", project: Path = PROJECT, **options: Any) -> Outcome:
        folder = workspace / "dbt" / project.name / database / user
        write_profile(folder, make_conninfo(server, dbname=database, user=user))
        return run_dbt_with(folder, *arguments, project=project, **options)

    return run


@pytest.fixture(scope="session")
def deployed_template(server: str, make_database: MakeDatabase, run_dbt: RunDbt) -> str:
    """Give the name of a database to copy: the school's tables without a row, and the panel on them."""
    with psycopg.connect(make_database("school")) as connection:
        school.create(connection)
    run_dbt("school", "build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test").succeeded()
    execute(server, "alter database school rename to deployed")
    return "deployed"


@pytest.fixture(scope="session")
def sample_template(make_database: MakeDatabase, deployed_template: str) -> str:
    """Give the name of a database to copy: the panel on the sample school."""
    with psycopg.connect(make_database("sample", deployed_template)) as connection:
        school.load(connection, school.generate(datetime.now(UTC)))
    return "sample"


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
