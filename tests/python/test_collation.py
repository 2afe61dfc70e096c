"""A collation for the histogram's labels, by which `order by bin_label` gives the bins in their order.

The embedded server has no ICU: these tests start an installed PostgreSQL that has it, in a folder of its own.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from support import DbtRun, run_dbt

from sandbox import school
from sandbox.profiles import write_profile

VIEW = "engagement_session_frequency_30d_v"
WITH_COLLATION = ("--vars", "engagement_bin_label_collation: public.numbers_as_numbers")
AS_NUMBERS = ["0", "1", "2", "3", "4", "5", "6-7", "8-10", "11+"]
AS_TEXT = ["0", "1", "11+", "2", "3", "4", "5", "6-7", "8-10"]


def programs_of_postgresql() -> Path | None:
    """Find the folder of an installed PostgreSQL's programs: on the path, or where Debian has them."""
    folders = [Path(found).parent for found in [shutil.which("initdb")] if found]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    return folders[-1] if folders else None


@pytest.fixture(scope="module")
def school_database(workspace: Path) -> Iterator[str]:
    """Give the URI of a school on a server with ICU, where a collation sorts numbers as numbers."""
    programs = programs_of_postgresql()
    if programs is None:
        pytest.skip("NOT TESTED: engagement_bin_label_collation; no PostgreSQL with ICU is installed on this machine")
    folder = workspace / "icu"
    folder.mkdir()
    user = None
    if os.geteuid() == 0:  # PostgreSQL does not run as root
        user = pwd.getpwnam("nobody")
        os.chown(folder, user.pw_uid, user.pw_gid)

    def run(program: str, *arguments: str | Path) -> None:
        subprocess.run(
            [programs / program, "--pgdata", folder / "data", *arguments],
            cwd=folder,
            user=user and user.pw_uid,
            group=user and user.pw_gid,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
    run("pg_ctl", "start", "--wait", "--log", folder / "log", "--options", f"-h '' -k '{folder}' -F")
    try:
        uri = f"postgresql://postgres@/postgres?host={folder}"
        with psycopg.connect(uri) as connection:
            if not connection.execute("select 1 from pg_collation where collprovider = 'i'").fetchone():
                pytest.skip(f"NOT TESTED: engagement_bin_label_collation; the PostgreSQL in {programs} has no ICU")
            connection.execute(
                "create collation public.numbers_as_numbers"
                " (provider = icu, locale = 'und-u-kn-true', deterministic = true)"
            )
            school.create(connection)
        yield uri
    finally:
        run("pg_ctl", "stop", "--mode=immediate")


def labels(uri: str, order: str = "") -> list[str]:
    """Give the histogram's labels as the dashboard asks for them."""
    with psycopg.connect(uri) as connection:
        return [label for (label,) in connection.execute(f"select bin_label from mgmt.{VIEW} {order}")]


def test_the_histogram_can_be_given_a_collation_and_be_rid_of_it(school_database: str, workspace: Path) -> None:
    profile = write_profile(workspace / "icu profile", school_database)

    def deploy(*arguments: str) -> DbtRun:
        return run_dbt(profile, "run", "--select", VIEW, *arguments)

    built = run_dbt(profile, "build", "--select", f"+{VIEW}", "--exclude-resource-type", "test")
    assert built.exit_code == 0, built.output
    assert labels(school_database, "order by bin_label") == AS_TEXT

    with psycopg.connect(school_database) as connection:
        connection.execute(
            f"create role dashboard; grant select on mgmt.{VIEW} to dashboard;"
            f"create view public.busiest_bin as select max(bin_label) as bin_label from mgmt.{VIEW}"
        )

    refused = deploy(*WITH_COLLATION)
    assert refused.exit_code == 1
    assert "(bin_label text -> bin_label text collate numbers_as_numbers)" in refused.output
    assert "busiest_bin" in refused.output and "add --full-refresh" in refused.output
    assert labels(school_database, "order by bin_label") == AS_TEXT

    rebuilt = deploy("--full-refresh", *WITH_COLLATION)
    assert rebuilt.exit_code == 0, rebuilt.output
    assert labels(school_database, "order by bin_label") == AS_NUMBERS
    assert labels(school_database) == AS_NUMBERS
    with psycopg.connect(school_database) as connection:
        row = connection.execute(
            "select bin_label, has_table_privilege('dashboard', %s, 'select') from busiest_bin", [f"mgmt.{VIEW}"]
        ).fetchone()
        assert row == ("11+", True)

    tested = run_dbt(profile, "test", "--select", VIEW, "--indirect-selection", "cautious", *WITH_COLLATION)
    assert tested.exit_code == 0, tested.output
    assert "unchanged" in deploy(*WITH_COLLATION).output

    assert deploy().exit_code == 1
    assert deploy("--full-refresh").exit_code == 0
    assert labels(school_database, "order by bin_label") == AS_TEXT
