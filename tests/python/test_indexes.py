"""The two indexes that the views are made for: which is missing is said, with the statement that creates it."""

from functools import partial

import pytest
from support import add_target, execute
from support import run_dbt as run_dbt_with

from sandbox import school
from sandbox.profiles import write_profile

DROP_BY_STUDENT = f"drop index {school.BY_STUDENT};"
DROP_BY_TIME = f"drop index {school.BY_TIME};"
BY_STUDENT = "create index concurrently on public.student_attendance (student_id, checkin_time);"
BY_TIME = "create index concurrently on public.student_attendance (checkin_time);"
BOTH = "The attendance has both indexes that the views are made for."

INSTEAD = "create index on student_attendance"
SAID = {
    "both": ("", {BOTH}),
    "one missing": (DROP_BY_STUDENT, {BY_STUDENT}),
    "both missing": (DROP_BY_STUDENT + DROP_BY_TIME, {BY_STUDENT, BY_TIME}),
    "one as good": (f"{DROP_BY_TIME} {INSTEAD} (checkin_time desc) include (student_id)", {BOTH}),
    "columns in another order": (f"{DROP_BY_STUDENT} {INSTEAD} (checkin_time, student_id)", {BY_STUDENT}),
    "partial": (f"{DROP_BY_TIME} {INSTEAD} (checkin_time) where checkout_time is null", {BY_TIME}),
    "not a btree": (f"{DROP_BY_TIME} {INSTEAD} using brin (checkin_time)", {BY_TIME}),
    "left invalid by a failed build": (
        f"update pg_index set indisvalid = false where indexrelid = '{school.BY_TIME}'::regclass",
        {BY_TIME},
    ),
}


@pytest.fixture
def change(make_database, deployed_template):
    """Give a function that runs SQL in the school."""
    return partial(execute, make_database("school", template=deployed_template))


@pytest.mark.parametrize(("before", "said"), SAID.values(), ids=SAID)
def test_what_is_missing_is_said(change, run_dbt, before, said):
    change(before)
    run = run_dbt("school", "run-operation", "engagement_indexes").succeeded()
    assert {line for line in (BOTH, BY_STUDENT, BY_TIME) if line in run.output} == said


def test_the_statements_run_and_are_enough(change, run_dbt):
    change(DROP_BY_STUDENT + DROP_BY_TIME)
    run = run_dbt("school", "run-operation", "engagement_indexes")
    statements = [line.strip() for line in run.output.splitlines() if line.strip().startswith("create index")]
    for statement in statements:
        change(statement)
    assert BOTH in run_dbt("school", "run-operation", "engagement_indexes").output


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("table {} (like visits) partition by range (checkin_time)", "create index on public.{} (checkin_time);"),
        ("materialized view {} as table visits", "create index concurrently on public.{} (checkin_time);"),
        ("view {} as table visits", "It is not a table: index the tables that it reads."),
    ],
    ids=["partitioned table", "materialized view", "view"],
)
def test_what_takes_no_concurrent_index_is_told_another_way(change, run_dbt, kind, said):
    name = "student_attendance"
    change(f"alter table {name} rename to visits; create {kind.format(name)}")
    assert said.format(name) in run_dbt("school", "run-operation", "engagement_indexes").output


def test_a_run_tells_of_missing_indexes_in_one_line_and_goes_on(change, run_dbt):
    line = (
        "public.student_attendance has no index on (student_id, checkin_time) nor on (checkin_time). "
        "The views are right without, but slower: see dbt run-operation engagement_indexes --target mgmt."
    )
    selected = ("--select", "stg_engagement__checkins")
    assert "has no index" not in run_dbt("school", "run", *selected).output
    change(DROP_BY_STUDENT + DROP_BY_TIME)
    run = run_dbt("school", "run", *selected).succeeded()
    assert run.output.count(line) == run.output.count("has no index") == 1
    assert "has no index" not in run_dbt("school", "test", *selected).output


def test_a_run_advises_by_the_name_of_its_target(change, make_database, workspace):
    """Which is not that of the schema; so does what lists the replaced views."""
    change(DROP_BY_STUDENT)
    profile = write_profile(workspace / "prod", make_database("school of prod", "school"))
    add_target(profile, "prod")
    run = run_dbt_with(profile, "run", "--select", "stg_engagement__checkins").succeeded()
    assert "see dbt run-operation engagement_indexes --target prod." in run.output
    run = run_dbt_with(profile, "run-operation", "replaced_views", "--args", "{put_back: 99}").failed()
    assert "To list them: dbt run-operation replaced_views --target prod" in run.output


def test_a_source_that_is_not_there_is_told(change, run_dbt):
    change("alter table student_attendance rename to visits")
    run = run_dbt("school", "run-operation", "engagement_indexes").failed()
    assert "public.student_attendance: there is no such relation. Set engagement_attendance_schema and" in run.output
