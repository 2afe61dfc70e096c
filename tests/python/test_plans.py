"""What the views read, by PostgreSQL's own count, at a size where plans are those of production.

Counts do not depend on how busy the machine is; `make bench` measures time.
"""

from collections.abc import Iterator

import psycopg
import pytest
from rich.console import Console

from sandbox.bench.experiments import Bench
from sandbox.bench.large_school import Size
from sandbox.bench.measure import Explained, checkins_looked_at, explain, nodes

SIZE = Size(2_000, 400_000, years=4)
ROSTER = "engagement_inactive_roster_v"
ACTIVITY = "engagement_student_activity_v"
RETURNS = "engagement_recent_reactivated_14d_v"
FREQUENCY = "engagement_session_frequency_30d_v"
DAYPARTS = "engagement_daypart_retention_v"
DUAL_RISK = "engagement_dual_risk_students_v"
VIEWS = (ROSTER, ACTIVITY, RETURNS, FREQUENCY, DAYPARTS, DUAL_RISK)
BY_STUDENT = "student_attendance_student_id_checkin_time_idx"
BY_TIME = "student_attendance_checkin_time_idx"
DAYS_READ = {RETURNS: 28, FREQUENCY: 30, DAYPARTS: 30}
# The catalogue, the seeds, the upper pages of the indexes.
FEW_PAGES = 40
# A look-up goes down the index, and to the table where the newest rows have not been vacuumed yet.
PAGES_OF_A_LOOK_UP = 4
COMPUTING = ("Aggregate", "Sort", "WindowAgg")
FEW_LOOPS = 10  # parallel workers count as loops


@pytest.fixture(scope="module")
def stale(server: str, deployed_template: str) -> str:
    """Give the URI of a school whose statistics are a year old, and which nothing will vacuum."""
    return Bench(server, deployed_template, Console(quiet=True)).make_school("stale", SIZE, "a year old")


@pytest.fixture(scope="module")
def fresh(make_database, stale) -> str:
    """Give the URI of the same school, vacuumed and analyzed."""
    uri = make_database("fresh", template="stale")
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("vacuum analyze")
    return uri


@pytest.fixture(scope="module")
def grown(make_database, fresh) -> str:
    """Give the URI of the same school with twelve more years behind the same recent days."""
    uri = make_database("grown", template="fresh")
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"drop index {BY_STUDENT}, {BY_TIME}")
        connection.execute("create temporary table four_years as table public.student_attendance")
        connection.execute("truncate public.student_attendance")
        connection.execute(
            """
            insert into public.student_attendance (student_id, checkin_time)
            select student_id, checkin_time - make_interval(days => 1461 * times)
            from four_years, generate_series(0, 3) as times
            order by times desc, checkin_time
            """
        )
        connection.execute(f"create index {BY_STUDENT} on public.student_attendance (student_id, checkin_time)")
        connection.execute(f"create index {BY_TIME} on public.student_attendance (checkin_time)")
        connection.execute("vacuum analyze")
    return uri


@pytest.fixture
def connection(fresh) -> Iterator[psycopg.Connection]:
    """Give a transaction on the fresh school that is rolled back."""
    with psycopg.connect(fresh) as connection:
        yield connection
        connection.rollback()


def read(connection: psycopg.Connection, view: str, around: str = "select * from {}") -> Explained:
    """Read a view twice, and give what the second time took: the first sets what PostgreSQL notes on pages."""
    query = around.format(f"mgmt.{view}")
    explain(connection, query)
    return explain(connection, query)


def number(connection: psycopg.Connection, query: str) -> int:
    """Give the one number that a query gives."""
    return connection.execute(query).fetchone()[0]


def checkins(connection: psycopg.Connection, days: int | None = None) -> int:
    """Count the check-ins, of the last days if given."""
    since = f"where checkin_time >= now() - interval '{days * 24} hours'" if days else ""
    return number(connection, f"select count(*) from student_attendance {since}")


def pages(connection: psycopg.Connection, days: int) -> int:
    """Count the pages on which the students and the check-ins of the last days are, with their share of the index."""
    return number(
        connection,
        f"""
        select
            count(distinct split_part(ctid::text, ',', 1))
            + ceil(count(*) * (select relpages / reltuples from pg_class where oid = '{BY_TIME}'::regclass))
            + (select relpages from pg_class where oid = 'students'::regclass)
        from student_attendance
        where checkin_time >= now() - interval '{days * 24} hours'
        """,
    )


def arrivals(connection: psycopg.Connection) -> int:
    """Count the recent check-ins that end an absence or are somebody's first: for these one must look further back."""
    return number(
        connection,
        """
        select count(*)
        from (
            select student_id, min(checkin_time) as checkin_time
            from student_attendance
            where checkin_time >= now() - interval '336 hours'
            group by student_id
        ) as recent
        where not exists (
            select from student_attendance as before
            where
                before.student_id = recent.student_id
                and before.checkin_time < recent.checkin_time
                and before.checkin_time > recent.checkin_time - interval '336 hours'
        )
        """,
    )


@pytest.mark.parametrize("view", DAYS_READ)
def test_views_of_recent_days_read_those_days_alone(connection: psycopg.Connection, view: str):
    look_ups = arrivals(connection) if view == RETURNS else 0
    taken = read(connection, view)
    assert checkins_looked_at(taken.plan) <= checkins(connection, DAYS_READ[view]) + look_ups
    assert taken.buffers <= pages(connection, DAYS_READ[view]) + PAGES_OF_A_LOOK_UP * look_ups + FEW_PAGES


@pytest.mark.parametrize("view", DAYS_READ)
def test_older_history_costs_views_of_recent_days_nothing(connection: psycopg.Connection, grown: str, view: str):
    before = read(connection, view)
    with psycopg.connect(grown) as grown_connection:
        assert checkins(grown_connection) == 4 * checkins(connection)
        after = read(grown_connection, view)
    look_ups = arrivals(connection) if view == RETURNS else 0
    assert after.buffers <= before.buffers + PAGES_OF_A_LOOK_UP * look_ups + FEW_PAGES / 4
    assert checkins_looked_at(after.plan) <= checkins_looked_at(before.plan) + look_ups


def test_roster_looks_up_each_student_once(connection: psycopg.Connection):
    students = number(connection, "select count(*) from students")
    assert checkins_looked_at(read(connection, ROSTER).plan) <= students


def test_dual_risk_looks_up_the_listed_and_no_more(connection: psycopg.Connection):
    listed = number(connection, "select count(distinct student_id) from learning.at_risk_learners")
    taken = read(connection, DUAL_RISK)
    assert checkins_looked_at(taken.plan) <= listed
    assert taken.buffers <= 2 * PAGES_OF_A_LOOK_UP * listed + FEW_PAGES  # a look-up of check-ins, one of the student


@pytest.mark.parametrize("view", [ROSTER, ACTIVITY, RETURNS, DUAL_RISK])
def test_one_student_is_found_by_the_index(connection: psycopg.Connection, view: str):
    student, visits = connection.execute(
        """
        select student_id, count(*)
        from student_attendance
        inner join learning.at_risk_learners using (student_id)
        group by student_id
        order by count(*) desc
        limit 1
        """
    ).fetchone()
    taken = read(connection, view, f"select * from {{}} where student_id = {student}")
    assert checkins_looked_at(taken.plan) <= 3 * visits
    assert taken.buffers <= visits + 2 * FEW_PAGES


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("statistics", ["fresh", "stale", "none"])
@pytest.mark.parametrize("missing", [[BY_STUDENT], [BY_TIME], [BY_STUDENT, BY_TIME]], ids=" and ".join)
def test_nothing_is_scanned_or_computed_once_a_student(
    request: pytest.FixtureRequest, missing: list[str], statistics: str, workers: int, view: str
):
    with psycopg.connect(request.getfixturevalue("fresh" if statistics == "fresh" else "stale")) as connection:
        if statistics == "none":
            connection.execute("delete from pg_statistic where starelid >= 16384")  # the school's own
        scans = 2 if BY_TIME in missing else 1  # one of the whole history, one for its last days
        allowed = scans * checkins(connection) + 2 * checkins(connection, 30)
        connection.execute(f"drop index {', '.join(missing)}")
        connection.execute(f"set local max_parallel_workers_per_gather = {workers}")
        connection.execute("set local statement_timeout = '60s'")
        plan = explain(connection, f"select * from mgmt.{view}").plan
        connection.rollback()
    assert checkins_looked_at(plan) <= allowed
    repeated = [
        node["Node Type"]
        for node in nodes(plan)
        if node["Actual Loops"] > FEW_LOOPS
        and (node["Node Type"] in COMPUTING or node.get("Relation Name") == "student_attendance")
        and node.get("Index Name") != BY_STUDENT
    ]
    assert not repeated


@pytest.mark.parametrize("index", [BY_STUDENT, BY_TIME])
def test_the_views_that_want_an_index_are_those_that_read_by_it(make_database, run_dbt, fresh: str, index: str):
    with psycopg.connect(fresh) as connection:
        readers = {
            view
            for view in VIEWS
            for node in nodes(read(connection, view).plan)
            if node.get("Index Name") == index and node["Actual Loops"]
        }
    without = f"without {index}"
    with psycopg.connect(make_database(without, template="fresh")) as copy:
        copy.execute(f"drop index {index}")
    told = run_dbt(without, "run-operation", "engagement_indexes").output
    assert {view for view in VIEWS if view in told} == readers
