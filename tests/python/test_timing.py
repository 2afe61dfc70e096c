"""What health says of the time that views take. No test asks how long that is: a limit of 0 makes every view slow."""

import re
from collections.abc import Iterator
from types import SimpleNamespace
from unittest import mock

import pytest
from copies import with_vars
from deployment import DISABLED, MACHINE, READER, Panel, on_each_server
from support import commands_of, environment

from engagement_panel import timing
from engagement_panel.check import Check
from engagement_panel.timing import Reading
from sandbox.school import BY_STUDENT, BY_TIME
from sandbox.views import panel_views

pytest_plugins = ["deployment"]

VIEWS = {name: view for name, view in panel_views().items() if name not in DISABLED}
ACTIVITY = "engagement_student_activity_v"
FREQUENCY = "engagement_session_frequency_30d_v"
NO_CAUSE = "the catalogue shows no cause"
PATIENT = 60_000  # milliseconds: no view is slow


def timed(panel: Panel, limit_ms: int = 0, **variables: object) -> dict[str, Check]:
    """Time the panel as the deployer."""
    variables = {"engagement_view_limit_ms": limit_ms, "deployment_readers": [READER]} | variables
    panel.project.write("dbt_project.yml", with_vars(panel.project.read("dbt_project.yml"), **variables))
    with commands_of(panel.project.path), mock.patch.dict("os.environ", environment(panel.profile()), clear=True):
        return {check.name: check for check in timing.time_panel(None)}


def said_of(checks: dict[str, Check], cause: str) -> set[str]:
    """Give the views of which a cause is named."""
    return {name for name, check in checks.items() if cause in check.finding}


def reading_by(index: str) -> set[str]:
    return {name for name, view in VIEWS.items() if index in view.fact("indexes")}


@pytest.fixture
def of_reader(panel: Panel) -> Iterator[Panel]:
    """Let the deployer become the reader, and take back what the test sets for the reader."""
    panel.execute(f'grant "{READER}" to deployer')
    yield panel
    panel.execute(f'revoke "{READER}" from deployer; alter role "{READER}" reset all')


@on_each_server
def test_a_panel_within_the_limit_is_well(panel):
    checks = timed(panel, PATIENT)
    assert checks.keys() == {*VIEWS, "whole_panel"}
    assert {check.state for check in checks.values()} == {"pass"}
    for view in VIEWS:
        assert re.fullmatch(r"\d+ ms", checks[view].finding)


CAUSES = {
    "a missing index": (
        f"drop index {BY_STUDENT}",
        "public.student_attendance has no index on (student_id, arrived_at)",
        "create index concurrently on public.student_attendance (student_id, arrived_at);",
        reading_by("by_student"),
    ),
    "an invalid index": (
        f"update pg_index set indisvalid = false where indexrelid = '{BY_TIME}'::regclass",
        f"public.student_attendance has no index on (arrived_at): {BY_TIME} is invalid",
        f"reindex index concurrently {BY_TIME};",
        reading_by("by_time"),
    ),
    "no statistics": (
        """
        alter table learning.at_risk_learners rename to "Learners";
        update pg_class set reltuples = -1 where oid = 'learning."Learners"'::regclass
        """,
        'learning."Learners" has no statistics',
        'analyze learning."Learners";',
        {"engagement_dual_risk_students_v"},
    ),
    "statistics that know nothing new": (
        """
        delete from student_attendance where checkin_time > now() - interval '60 days';
        analyze student_attendance;
        insert into student_attendance values (1, now() - interval '1 hour')
        """,
        "the statistics of public.student_attendance know no check-in after 20",
        "analyze public.student_attendance;",
        {*VIEWS},
    ),
    "old statistics": (
        "update students set level = level where student_id <= 57",  # 50, a tenth of sixty, and one
        "57 rows of public.students have changed since its statistics were taken",
        "analyze public.students;",
        {*VIEWS},
    ),
    "a long history": (
        "update pg_class set reltuples = 2000000 where oid = 'student_attendance'::regclass",
        "it reads the whole history, 2,000,000 check-ins",
        "set engagement_avg_gap_history_days, to 365 for instance, and deploy.",
        {ACTIVITY},
    ),
}


@on_each_server
@pytest.mark.parametrize("name", CAUSES)
def test_a_cause_is_named_of_the_views_that_it_slows(of_reader, name):
    statements, cause, cure, views = CAUSES[name]
    with of_reader.connect() as connection:
        connection.execute(f'alter role "{READER}" set jit = off')
        for table in ("students", "student_attendance", "learning.at_risk_learners"):
            connection.execute(f"alter table {table} set (autovacuum_enabled = off)")
        connection.execute("analyze; insert into student_attendance values (1, now())")
        connection.execute(statements)
        connection.execute("select pg_stat_force_next_flush()")
        # A school's own name, which index and statistics go by.
        connection.execute("alter table student_attendance rename checkin_time to arrived_at")
    checks = timed(of_reader, engagement_attendance_checkin_time_column="arrived_at")
    assert {check.state for check in checks.values()} == {"warn"}
    assert said_of(checks, cause) == views
    assert said_of(checks, NO_CAUSE) == {*VIEWS} - views
    for view in views:
        assert checks[view].advice.endswith(f"To resolve: {cure}")
    for view in VIEWS.keys() - views:
        assert checks[view].advice.endswith(f'explain (analyze, buffers) table "mgmt"."{view}";')
    assert checks["whole_panel"].finding.endswith(f"Most likely cause: {len(VIEWS)} slow views")


def test_a_bounded_history_is_no_cause_nor_is_one_that_came_to_an_end(panel):
    panel.execute("alter table student_attendance set (autovacuum_enabled = off)")
    panel.execute("delete from student_attendance where checkin_time > now() - interval '60 days'")
    panel.execute("analyze student_attendance")
    panel.execute(CAUSES["a long history"][0])
    assert said_of(timed(panel, engagement_avg_gap_history_days=365), NO_CAUSE) == {*VIEWS}


@pytest.mark.parametrize("panel", [MACHINE], indirect=True)
def test_jit_is_named_if_the_reader_has_it(of_reader):
    if not of_reader.execute("select pg_jit_available()")[0][0]:
        pytest.skip("NOT TESTED: the server has no JIT")
    for role, readers in ((READER, [READER]), (READER, [READER]), ("deployer", [])):
        for setting in ("jit_above_cost", "jit_inline_above_cost", "jit_optimize_above_cost"):
            of_reader.execute(f'alter role "{role}" set {setting} = 0')
        checks = timed(of_reader, deployment_readers=readers)
        assert said_of(checks, "JIT is on and compiles it (without: ") == {*VIEWS}
        cures = {checks[view].advice.partition("To resolve: ")[2] for view in VIEWS}
        assert cures == {f'alter role "{role}" set jit = off;'}
        of_reader.execute(f'revoke "{READER}" from deployer')

    of_reader.execute(f'grant "{READER}" to deployer; alter role "{READER}" set jit = on')
    of_reader.execute(f'alter role "{READER}" in database {of_reader.database} set jit = off')
    assert said_of(timed(of_reader), NO_CAUSE) == {*VIEWS}


def test_it_reads_as_the_reader_and_his_rights_are_what_counts(of_reader):
    readers = [READER, "nobody there"]
    of_reader.execute(f'alter role "{READER}" set log_statement = "none"')  # as only a superuser may
    assert f"read as {READER}: " in timed(of_reader, PATIENT, deployment_readers=readers)["whole_panel"].finding
    of_reader.execute(f'revoke select on mgmt.{ACTIVITY} from "{READER}"')
    checks = timed(of_reader, PATIENT)
    refused = {name: check.finding for name, check in checks.items() if check.state == "error"}
    assert refused.keys() == {ACTIVITY, "whole_panel"}
    assert refused[ACTIVITY] == f"permission denied for view {ACTIVITY}"


@pytest.mark.parametrize(
    ("readers", "said"),
    [
        ([READER], f"read as deployer, who may not `set role {READER}`: "),
        (["nobody there"], "read as deployer, who may not `set role nobody there`: "),
        ([], "read as deployer, for deployment_readers names nobody: "),
    ],
    ids=["not allowed", "no such role", "no readers"],
)
def test_as_whom_it_reads_is_said_if_it_may_not_read_as_the_reader(panel, readers, said):
    checks = timed(panel, PATIENT, deployment_readers=readers)
    assert said in checks["whole_panel"].finding
    assert {check.state for check in checks.values()} == {"pass"}


def test_a_view_that_takes_too_long_is_given_up_whatever_the_reader_may_take(of_reader):
    of_reader.execute(f'alter role "{READER}" set statement_timeout = 0')
    of_reader.execute(f'alter role "{READER}" set transaction_timeout = 500')
    definition = of_reader.execute(f"select pg_get_viewdef('mgmt.{FREQUENCY}')")[0][0].rstrip(";")
    of_reader.execute(
        f"create or replace view mgmt.{FREQUENCY} as select rows.* from ({definition}) as rows, pg_sleep(20)"
    )
    with mock.patch.object(timing, "PATIENCE_MS", 1_000):
        checks = timed(of_reader, 1)
    assert checks[FREQUENCY].finding.startswith("given up; the limit is 1 ms. ")
    assert checks[FREQUENCY].seconds == 1
    assert said_of(checks, "given up") < checks.keys(), "the limit alone gives no view up"
    assert f"read as {READER}: given up; the limit is {len(VIEWS)} ms" in checks["whole_panel"].finding
    assert {checks[name].state for name in (FREQUENCY, "whole_panel")} == {"warn"}


def test_the_time_that_planning_takes_counts(panel):
    panel.execute("""
        create function public.planned_slowly() returns boolean immutable language plpgsql as $$
        begin perform pg_sleep(0.6); return true; end $$
    """)
    definition = panel.execute(f"select pg_get_viewdef('mgmt.{FREQUENCY}')")[0][0].rstrip(";")
    panel.execute(
        f"create or replace view mgmt.{FREQUENCY} as select * from ({definition}) as rows where public.planned_slowly()"
    )
    checks = timed(panel, 500)
    assert checks[FREQUENCY].state == "warn"
    assert int(re.findall(r"(\d+) ms", checks["whole_panel"].finding)[0]) >= 600


def test_a_view_behind_a_lock_is_not_called_slow(panel):
    with mock.patch.object(timing, "LOCK_WAIT", "10ms"), panel.connect() as other:
        other.execute("begin; lock table learning.at_risk_learners")
        checks = timed(panel)
    check = checks["engagement_dual_risk_students_v"]
    assert (check.state, check.finding) == ("error", "canceling statement due to lock timeout")


def test_two_slow_readings_make_a_view_slow_and_a_cold_start_does_not():
    def measure(*milliseconds: float) -> tuple[bool, str]:
        readings = [Reading(each) for each in milliseconds]
        measured = timing._measure(iter(readings).__next__, 200)
        assert measured.readings == readings, "each is taken, and no other"
        return measured.is_slow, str(measured)

    assert measure(200) == (False, "200 ms")
    assert measure(201, 200) == (False, "200 ms after a cold start of 201 ms")
    assert measure(480, 410) == (True, "480 ms, then 410 ms; the limit is 200 ms")


def test_behind_an_attendance_that_is_a_view_its_tables_are_to_be_indexed():
    missing = {"name": "by_time", "attendance": "public.visits", "columns": "at", "statement": None, "invalid": None}
    (cause,) = timing._indexes(timing.View("view", "mgmt.view", ["by_time"], False), [missing])
    assert cause.cure == "index the tables that public.visits reads."


def test_jit_is_no_cause_of_what_is_no_faster_without_it():
    compiled = timing.Measured(200, [Reading(480, is_compiled=True), Reading(410, is_compiled=True)])
    reader = SimpleNamespace(read=lambda *_: Reading(410), patience_ms=500)
    assert timing._jit(reader, None, compiled) == []


def test_if_no_view_is_slow_the_rest_of_the_time_goes_to_the_way_here():
    measured = {name: timing.Measured(200, [Reading(150), Reading(100)]) for name in VIEWS}
    (cause,) = timing._causes_of_whole([], measured)
    assert f"the server itself takes {100 * len(VIEWS)} ms" in cause.finding
