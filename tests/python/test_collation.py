"""A collation for the histogram's labels, by which `order by bin_label` gives the bins in their order.

The embedded server has no ICU: the machine's own has.
"""

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from support import Outcome, execute, run_dbt

from sandbox import school
from sandbox.profiles import write_profile

pytest_plugins = ["deployment"]

VIEW = "engagement_session_frequency_30d_v"
WITH_COLLATION = ("--vars", "engagement_bin_label_collation: public.numbers_as_numbers")
AS_NUMBERS = ["0", "1", "2", "3", "4", "5", "6-7", "8-10", "11+"]
AS_TEXT = ["0", "1", "11+", "2", "3", "4", "5", "6-7", "8-10"]


@pytest.fixture
def school_database(machine_server: str) -> str:
    """Give the URI of a school where a collation sorts numbers as numbers."""
    with psycopg.connect(machine_server, autocommit=True) as connection:
        if not connection.execute("select 1 from pg_collation where collprovider = 'i'").fetchone():
            pytest.skip("NOT TESTED: engagement_bin_label_collation; the machine's own PostgreSQL has no ICU")
        connection.execute("create database school template template0")
    uri = make_conninfo(machine_server, dbname="school")
    with psycopg.connect(uri) as connection:
        connection.execute(
            "create collation public.numbers_as_numbers"
            " (provider = icu, locale = 'und-u-kn-true', deterministic = true)"
        )
        school.create(connection)
    return uri


def labels(uri: str, order: str = "") -> list[str]:
    return [label for (label,) in execute(uri, f"select bin_label from mgmt.{VIEW} {order}")]


def test_the_histogram_can_be_given_a_collation_and_be_rid_of_it(school_database, workspace):
    profile = write_profile(workspace / "icu profile", school_database)

    def deploy(*arguments: str) -> Outcome:
        return run_dbt(profile, "run", "--select", VIEW, *arguments)

    run_dbt(profile, "build", "--select", f"+{VIEW}", "--exclude-resource-type", "test").succeeded()
    assert labels(school_database, "order by bin_label") == AS_TEXT

    execute(
        school_database,
        f"create role sorter; grant select on mgmt.{VIEW} to sorter;"
        f"create view public.busiest_bin as select max(bin_label) as bin_label from mgmt.{VIEW}",
    )
    refused = deploy(*WITH_COLLATION).failed()
    assert "(bin_label text -> bin_label text collate numbers_as_numbers)" in refused.output
    assert "busiest_bin" in refused.output and "add --full-refresh" in refused.output
    assert labels(school_database, "order by bin_label") == AS_TEXT

    deploy("--full-refresh", *WITH_COLLATION).succeeded()
    assert labels(school_database, "order by bin_label") == AS_NUMBERS
    assert labels(school_database) == AS_NUMBERS
    asked = f"select bin_label, has_table_privilege('sorter', 'mgmt.{VIEW}', 'select') from busiest_bin"
    assert execute(school_database, asked) == [("11+", True)]
    run_dbt(profile, "test", "--select", VIEW, "--indirect-selection", "cautious", *WITH_COLLATION).succeeded()
    assert "unchanged" in deploy(*WITH_COLLATION).output

    deploy().failed()
    deploy("--full-refresh").succeeded()
    assert labels(school_database, "order by bin_label") == AS_TEXT
