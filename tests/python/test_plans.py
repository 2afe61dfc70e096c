"""What the views read, by PostgreSQL's own count, at a size where plans are those of production.

Counts do not depend on how busy the machine is; `make bench` measures time.
"""

from collections.abc import Iterator

import psycopg
import pytest
from rich.console import Console
from support import execute

from sandbox.bench.experiments import Bench
from sandbox.bench.large_school import Size
from sandbox.bench.measure import Explained, checkins_looked_at, explain, nodes
from sandbox.school import BY_STUDENT, BY_TIME
from sandbox.views import panel_views

SIZE = Size(2_000, 400_000, years=4)
VIEWS = panel_views()
OF_LAST_DAYS = [name for name, view in VIEWS.items() if view.fact("days_read") is not None]
OF_STUDENTS = [name for name, view in VIEWS.items() if "student_id" in view.columns]
INDEXES = {"by_student": BY_STUDENT, "by_time": BY_TIME}
# How many check-ins a view may look up by the index, one at a time, besides those of its days.
LOOK_UPS = {
    None: "select 0",
    "students": "select count(*) from students",
    "learners": "select count(distinct student_id) from learning.at_risk_learners",
    # The recent check-ins that end an absence or are somebody's first: for these a view must look further back.
    "arrivals": """
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
}
# The catalogue, the seeds, the upper pages of the indexes.
FEW_PAGES = 40
# A look-up goes down the index, and to the table where the newest rows have not been vacuumed yet.
PAGES_OF_A_LOOK_UP = 4
COMPUTING = ("Aggregate", "Sort", "WindowAgg")
FEW_LOOPS = 10  # parallel workers count as loops


@pytest.fixture(scope="module")
def stale(server: str, deployed_template: str) -> str:
    """Give the URI of a school whose statistics are a year old, and which nothing will vacuum."""
    return Bench(server, deployed_template, VIEWS, Console(quiet=True)).make_school("stale", SIZE, "a year old")


@pytest.fixture(scope="module")
def fresh(make_database, stale) -> str:
    """Give the URI of the same school, vacuumed and analyzed."""
    uri = make_database("fresh", template="stale")
    execute(uri, "vacuum analyze")
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
    return connection.execute(query).fetchone()[0]


def checkins(connection: psycopg.Connection, days: int | None = None) -> int:
    """Count the check-ins, of the last days if given."""
    since = "" if days is None else f"where checkin_time >= now() - interval '{days * 24} hours'"
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


def look_ups(connection: psycopg.Connection, view: str) -> int:
    """Count the check-ins that a view may look up one at a time."""
    return number(connection, LOOK_UPS[VIEWS[view].fact("look_ups")])


@pytest.mark.parametrize("view", OF_LAST_DAYS)
def test_a_view_reads_its_days_and_look_ups_alone(connection, view):
    days, looked_up = VIEWS[view].fact("days_read"), look_ups(connection, view)
    taken = read(connection, view)
    assert checkins_looked_at(taken.plan) <= checkins(connection, days) + looked_up
    assert taken.buffers <= pages(connection, days) + PAGES_OF_A_LOOK_UP * looked_up + FEW_PAGES


@pytest.mark.parametrize("view", OF_LAST_DAYS)
def test_older_history_costs_nothing_but_the_look_ups(connection, grown, view):
    looked_up = look_ups(connection, view)
    before = read(connection, view)
    with psycopg.connect(grown) as grown_connection:
        assert checkins(grown_connection) == 4 * checkins(connection)
        after = read(grown_connection, view)
    assert after.buffers <= before.buffers + PAGES_OF_A_LOOK_UP * looked_up + FEW_PAGES / 4
    assert checkins_looked_at(after.plan) <= checkins_looked_at(before.plan) + looked_up


@pytest.mark.parametrize("view", OF_STUDENTS)
def test_one_student_is_found_by_the_index(connection, view):
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


@pytest.mark.parametrize("statistics", ["fresh", "stale", "none"])
@pytest.mark.parametrize("missing", [[BY_STUDENT], [BY_TIME], [BY_STUDENT, BY_TIME]], ids=" and ".join)
def test_nothing_is_scanned_or_computed_once_a_student(request, missing, statistics):
    with psycopg.connect(request.getfixturevalue("fresh" if statistics == "fresh" else "stale")) as connection:
        if statistics == "none":
            connection.execute("delete from pg_statistic where starelid >= 16384")  # the school's own
        history, month = checkins(connection), checkins(connection, 30)
        recent = {view: checkins(connection, VIEWS[view].fact("days_read") or 0) for view in VIEWS}
        connection.execute(f"drop index {', '.join(missing)}")
        connection.execute("set local statement_timeout = '60s'")
        plans = {view: explain(connection, f"select * from mgmt.{view}").plan for view in VIEWS}
        connection.rollback()
    scans = 2 if BY_TIME in missing else 1  # one of the whole history, one for its last days
    for view, plan in plans.items():
        assert (view, checkins_looked_at(plan)) <= (view, scans * history + 2 * max(month, recent[view]))
        repeated = [
            node["Node Type"]
            for node in nodes(plan)
            if node["Actual Loops"] > FEW_LOOPS
            and (node["Node Type"] in COMPUTING or node.get("Relation Name") == "student_attendance")
            and node.get("Index Name") != BY_STUDENT
        ]
        assert (view, repeated) == (view, [])


@pytest.mark.parametrize("index", INDEXES)
def test_a_view_reads_by_the_indexes_that_its_yml_names(make_database, run_dbt, fresh, index):
    named = {name for name, view in VIEWS.items() if index in view.fact("indexes")}
    with psycopg.connect(fresh) as connection:
        readers = {
            view
            for view in VIEWS
            for node in nodes(read(connection, view).plan)
            if node.get("Index Name") == INDEXES[index] and node["Actual Loops"]
        }
    assert readers == named
    execute(make_database("school", template="fresh"), f"drop index {INDEXES[index]}")
    told = run_dbt("school", "run-operation", "engagement_indexes").output
    assert {view for view in VIEWS if view in told} == named
