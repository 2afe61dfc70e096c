"""The sample school, built as a user builds it: every unit test and data test of the project passes on it."""

from datetime import UTC, datetime

import psycopg
import pytest

from sandbox import school


@pytest.fixture(scope="module")
def sample_build(make_database, run_dbt):
    with psycopg.connect(make_database("sample")) as connection:
        school.create(connection)
        school.load(connection, school.generate(datetime.now(UTC)))
    return run_dbt("sample", "build")


def test_build_passes_on_the_sample_school(sample_build):
    assert sample_build.exit_code == 0, sample_build.output
    statuses = {result.node.name: str(result.status) for result in sample_build.results}
    warned = {name for name, status in statuses.items() if status == "warn"}
    assert warned == {
        "checkins_of_nobody",
        "checkins_without_a_time",
        "checkouts_at_one_minute",
        "double_checkins",
        "future_checkins",
        "learners_who_are_nobody",
    }


def test_every_model_has_unit_tests(sample_build):
    nodes = [result.node for result in sample_build.results]
    models = {node.unique_id for node in nodes if node.resource_type == "model"}
    tested = {node.tested_node_unique_id for node in nodes if node.resource_type == "unit_test"}
    assert models == tested
