"""The analyses on the sample school, each against an answer worked out without SQL."""

import calendar
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from statistics import median
from typing import Any

import oracle
import psycopg
import pytest
from psycopg.rows import namedtuple_row
from support import PROJECT, MakeDatabase, RunDbt

ANALYSES = {path.stem for path in (PROJECT / "analyses").glob("*.sql")}
RETURNS = "engagement_recent_reactivated_14d_v"
DAY = timedelta(days=1)
NOBODY_IS_ACTIVE = """
create or replace view mgmt_internal.stg_engagement__students as
select student_id, full_name, level, false as is_active from public.students
"""
OTHER_VARS = {
    "engagement_consistency_sessions_target": 12,
    "engagement_avg_gap_history_days": 90,
    "engagement_call_from_days": 5,
    "engagement_list_length": 2,
    "student_id": 1,
}


@pytest.fixture(scope="module")
def sample_school(make_database: MakeDatabase, sample_template: str) -> str:
    """Give the URI of a database with the panel on the sample school."""
    return make_database("school", sample_template)


@pytest.fixture
def connection(sample_school: str) -> Iterator[psycopg.Connection]:
    """Give a transaction, in which `now()` stands still, on the sample school; it is rolled back."""
    with psycopg.connect(sample_school, row_factory=namedtuple_row) as connection:
        yield connection
        connection.rollback()


def compile_analyses(run_dbt: RunDbt, **vars: Any) -> dict[str, str]:
    run = run_dbt("school", "compile", "--select", "path:analyses", vars=vars).succeeded()
    return {result.node.name: result.node.compiled_code for result in run.results}


@pytest.fixture(scope="module")
def queries(run_dbt: RunDbt, sample_school: str) -> dict[str, str]:
    """Give the SQL of all analyses, compiled with the project's own vars."""
    return compile_analyses(run_dbt)


@pytest.fixture(scope="module")
def other_queries(run_dbt: RunDbt, sample_school: str) -> dict[str, str]:
    """Give the SQL of all analyses, compiled with other vars."""
    return compile_analyses(run_dbt, **OTHER_VARS)


def shown(connection: psycopg.Connection, view: str) -> list[Any]:
    return connection.execute(f"select * from mgmt.{view}").fetchall()


def activity(connection: psycopg.Connection, **settings: Any) -> list[oracle.Row]:
    students, checkins, _, now = oracle.read_school(connection)
    visits = oracle.visits_by_student(oracle.existing_checkins(students, checkins, now))
    return oracle.student_activity(students, visits, now, oracle.Settings(**settings))


def standing(sessions: int, score: Decimal | None) -> str:
    if score is None or sessions < 5 or score < 60:
        return "neither"
    return "embajador potencial" if score >= 85 else "high engagement"


def percent(part: Any, counts: Counter[Any]) -> Decimal:
    """Give a part of all that is counted in percent, to a decimal."""
    return oracle.rounded(100 * Fraction(part) / Fraction(sum(counts.values())), 1)


def test_every_analysis_compiles_and_runs(connection, queries):
    assert set(queries) == ANALYSES
    for query in queries.values():
        connection.execute(f"{query} limit 5")  # as `dbt show` runs it


def test_an_analysis_can_be_shown(run_dbt, sample_school):
    shown = run_dbt("school", "show", "--select", "call_today").succeeded()
    assert "days_since_last" in shown.output


def test_the_call_list_is_the_fifty_longest_away(connection, queries):
    away = [row for row in activity(connection) if row[5] is not None and row[5] >= 7]
    expected = [(place, *row[:3], row[5], row[4]) for place, row in enumerate(away[:50], start=1)]
    assert len(away) > 50
    assert connection.execute(queries["call_today"]).fetchall() == expected


def test_the_engaged_are_ranked_by_score(connection, queries, other_queries):
    engaged = [
        (-score, -sessions, full_name is None, full_name or "", student_id, level)
        for student_id, full_name, level, sessions, _, _, score in activity(connection)
        if standing(sessions, score) != "neither"
    ]
    expected = [
        (place, student_id, None if nameless else full_name, level, standing(-sessions, -score), -sessions, -score)
        for place, (score, sessions, nameless, full_name, student_id, level) in enumerate(sorted(engaged)[:50], start=1)
    ]
    assert expected
    assert connection.execute(queries["high_engagement_and_ambassadors"]).fetchall() == expected
    assert len(connection.execute(other_queries["high_engagement_and_ambassadors"]).fetchall()) == 2


def test_another_target_moves_students_up(connection, other_queries):
    other = {row[0]: standing(row[3], row[6]) for row in activity(connection, sessions_target=12)}
    moves = Counter((standing(row[3], row[6]), other[row[0]]) for row in activity(connection))
    assert any(deployed != other for deployed, other in moves)
    rows = connection.execute(other_queries["other_target"]).fetchall()
    assert rows == sorted((*move, students) for move, students in moves.items())


def test_the_deployed_target_moves_nobody(connection, queries):
    assert all(row.deployed_standing == row.other_standing for row in connection.execute(queries["other_target"]))


def test_minutes_are_added_up_by_the_calendars_weekday(connection, queries):
    minutes = Counter()
    for day, total in connection.execute("select d, total_minutes from mgmt.engagement_dau_90d_v"):
        minutes[day.isoweekday()] += total
    for zone in ("America/Guayaquil", "Pacific/Kiritimati"):
        connection.execute(f"set local time zone '{zone}'")
        assert connection.execute(queries["weekday_concentration"]).fetchall() == [
            (day, name, minutes[day], percent(minutes[day], minutes)) for day, name in enumerate(calendar.day_name, 1)
        ]
    connection.execute("truncate student_attendance")
    assert [row.percent for row in connection.execute(queries["weekday_concentration"])] == [None] * 7


def test_sessions_are_sorted_by_length(connection, queries):
    connection.execute(
        """
        insert into student_attendance
        select min(student_id), now() - interval '3 days', now() - interval '3 days' + n * interval '30 minutes'
        from students, generate_series(1, 4) as n
        group by n
        """
    )
    students, checkins, _, now = oracle.read_school(connection)
    recent = [
        checkin
        for checkin in oracle.existing_checkins(students, checkins, now)
        if now - checkin.checkin_time <= 30 * DAY
    ]
    lengths = Counter(
        min((end - start) // timedelta(minutes=30), 4)
        for start, end in oracle.counted_stays(recent, now, oracle.Settings())
    )
    lengths[None] = len(recent) - lengths.total()
    labels = {0: "under 30 minutes", 1: "30 to 59 minutes", 2: "60 to 89 minutes", 3: "90 to 119 minutes"}
    labels |= {4: "120 minutes and more", None: "no check-out that counts"}
    assert connection.execute(queries["session_length_distribution"]).fetchall() == [
        (label, lengths[length], percent(lengths[length], lengths)) for length, label in labels.items()
    ]


def test_returns_are_sorted_by_time_away(connection, queries):
    connection.execute(
        """
        insert into students select 10000 + away, 'Borde' from unnest(array[30, 90, 180]) as away;
        insert into student_attendance
        select student_id, now() - days * interval '24 hours'
        from students, unnest(array[1, student_id - 9999]) as days where full_name = 'Borde'
        """
    )
    days = [row[2] for row in shown(connection, RETURNS)]
    for returned in (days, []):
        expected = []
        for start, end in ((14, 30), (30, 90), (90, 180), (180, 10_000)):
            away = [each for each in returned if start <= each < end]
            label = f"{start} to {end - 1} days" if start < 180 else "180 days and more"
            expected.append((label, len(away), max(away, default=None)))
        assert connection.execute(queries["reactivations_by_time_away"]).fetchall() == expected
        connection.execute("truncate student_attendance")
    assert {30, 90, 180} <= {*days}


def as_text(value: Any) -> str | None:
    return None if value is None else str(value)


@pytest.mark.parametrize("kind", ["at dual risk", "just back", "never came"])
def test_a_students_history_explains_what_the_views_show(connection, queries, kind):
    roster = {row[0]: row for row in shown(connection, "engagement_inactive_roster_v")}
    activity = {row[0]: row for row in shown(connection, "engagement_student_activity_v")}
    away, back = shown(connection, "engagement_dual_risk_students_v")[0], shown(connection, RETURNS)[0]
    no_return = (None, "no check-in of the last 14 days came 14 days or more after the one before it")
    student_id, returned, learning = {
        "at dual risk": (away[0], no_return, (away[4], f"at dual risk, away for {away[3]}")),
        "just back": (
            back[0],
            (str(back[3]), f"after {back[2]} days away"),
            ("entries: 1", "not at dual risk: not away for 14 days, or not active"),
        ),
        "never came": ([*roster][-1], no_return, ("entries: 0", "not at dual risk: on no list")),
    }[kind]
    connection.execute("delete from learning.at_risk_learners where student_id <> %s", [away[0]])
    connection.execute("insert into learning.at_risk_learners values (%s, true, false)", [back[0]])
    connection.execute("set local time zone 'Asia/Kolkata'")
    local = "((%s) at time zone 'America/Guayaquil')::text"
    times = ("now()", "now() - interval '720 hours'", "min(checkin_time)", "max(checkin_time)")
    (((visits, clock, since, first, last),),) = connection.execute(
        f"select array[count(*)::text, {', '.join(local % each for each in times)}]"
        f" from mgmt_internal.stg_engagement__checkins where student_id = {student_id}"
    )
    _, name, level, last_checkin_time, days, bucket = roster[student_id]
    _, _, _, sessions, gap, _, score = activity[student_id]
    assert (last_checkin_time is None) == (kind == "never came")
    recency = None if days is None else oracle.rounded(1 / (1 + Fraction(days) / 7), 4)
    explained = [
        ("student", ", ".join(filter(None, (str(student_id), name, level))), "active: in every view"),
        ("check-ins", visits, f"the first at {first}" if first else "none that counts"),
        ("last check-in", last, f"the latest of them by the school's clock, which shows {clock}"),
        ("days since", as_text(days), "seconds since the last check-in / 86400, cut to two decimals"),
        (
            "bucket",
            bucket,
            "the longest of 180, 30, 14, 7 days that have passed; active_recent if none, or if the student never came",
        ),
        ("sessions in 30 days", str(sessions), f"check-ins since {since}"),
        ("usual gap in days", as_text(gap), "(last - first) / (check-ins - 1), over the whole history"),
        ("frequency", str(oracle.rounded(Fraction(sessions, 30), 4)), f"{sessions} of 30 sessions"),
        ("recency", as_text(recency), days and f"1 / (1 + {days} / 7): half after a week"),
        ("score", as_text(score), "100 x frequency x recency (of the days not cut), at most 100"),
        ("return", *returned),
        ("learning list", *learning),
    ]
    query = queries["one_student_explained"].replace("student_id = 0", f"student_id = {student_id}")
    assert connection.execute(query).fetchall() == [(step, *fact) for step, fact in enumerate(explained, 1)]


def test_the_student_of_the_var_is_explained_and_nobody_without_it(connection, queries, other_queries):
    for because in ("active: in every view", "not active: in the roster only"):
        student, *others = connection.execute(other_queries["one_student_explained"]).fetchall()
        assert any(row.because.endswith("over the last 90 days") for row in others)
        facts = {row.fact: row for row in others}
        if because.startswith("active"):
            sessions = int(facts["sessions in 30 days"].value)
            assert facts["frequency"].value == str(oracle.rounded(Fraction(sessions, 12), 4))
            assert facts["frequency"].because == f"{sessions} of 12 sessions"
        assert student.value.startswith(f"{OTHER_VARS['student_id']}, ")
        assert student.because == because
        connection.execute(NOBODY_IS_ACTIVE)
    assert connection.execute(queries["one_student_explained"]).fetchall() == []


def test_the_sketch_goes_wrong_where_the_rules_say(connection, queries):
    students, checkins, learners, now = oracle.read_school(connection)
    panel = oracle.panel(students, checkins, learners, now)
    rows = connection.execute(queries["sketch_against_ours"]).fetchall()
    sketched = {(row.module, row.row_key): row.sketched for row in rows if row.sketched is not None}
    ours = {(row.module, row.row_key): row.ours for row in rows if row.ours is not None}

    sessions = {str(row[0]): row[3] for row in panel["engagement_student_activity_v"]}
    short_of_target = [value for (module, key), value in sketched.items() if module == 12 and sessions[key] < 30]
    assert set(short_of_target) == {"score 0.00"}
    assert ours[15, "0"] == f"{dict(panel['engagement_session_frequency_30d_v'])['0']} students"
    assert (15, "0") not in sketched

    visits = oracle.visits_by_student(oracle.existing_checkins(students, checkins, now))
    longest_away = {
        (13, str(student_id)): f"{days} days"
        for student_id, _, days, return_date in panel["engagement_recent_reactivated_14d_v"]
        if not any(now - 90 * DAY <= visit and visit.date() < return_date for visit in visits[student_id])
    }
    assert longest_away
    assert {key: days for key, days in ours.items() if key[0] == 13} == longest_away

    ahead = {str(checkin.student_id) for checkin in checkins if checkin.checkin_time and checkin.checkin_time > now}
    assert {key for module, key in sketched if module == 13} <= ahead

    listed = Counter(learner.student_id for learner in learners)
    assert all(listed[int(key)] > 1 for module, key in sketched if module == 19)
    assert {key for key in ours if key[0] == 19} <= sketched.keys()

    connection.execute("delete from student_attendance where student_id not in (select student_id from students)")
    connection.execute("delete from student_attendance where checkin_time > now()")
    rows = connection.execute(queries["sketch_against_ours"]).fetchall()
    assert {(row.module, row.row_key) for row in rows if row.module in (15, 17)} == {(15, "0")}


# A Monday at 0:00 by the school's clock.
MONDAY = datetime(2024, 3, 4, 5, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
MONTH = 30 * DAY


def call_lists(
    students: list[oracle.Student],
    checkins: list[oracle.CheckIn],
    now: datetime,
    days: tuple[int, ...] = (7, 10, 14, 21),
) -> list[oracle.Row]:
    """Give the rows of `does_the_call_list_work`."""
    settings = oracle.Settings()
    visits = oracle.visits_by_student(oracle.existing_checkins(students, checkins, now))
    histories = [(times, [oracle.local(each, settings).date() for each in times]) for times in visits.values()]
    today = oracle.local(now, settings).date()
    lists = [(f"{each} days or more", each, None) for each in days]
    lists += [(f"{each} x the median gap or more", None, each) for each in (2, 3)]
    weeks = {}
    for monday in (today - ago * DAY for ago in range(182, 0, -1)):
        starts_at = datetime.combine(monday, time(5), tzinfo=UTC)
        if monday.weekday() == 0 and 30 * DAY <= now - starts_at <= 180 * DAY:
            weeks[monday] = {label: [] for label, _, _ in lists}
            for times, dates in histories:
                came = bisect_left(times, starts_at)
                last = times[came - 1] if came else None
                if last is None or starts_at - last > MONTH:
                    continue
                is_lost = not any(each <= starts_at + MONTH for each in times[came:])
                came_on = sorted(set(dates[:came]))
                gaps = [(later - earlier).days for earlier, later in zip(came_on, came_on[1:], strict=False)]
                for label, days_away, gaps_away in lists:
                    least = days_away or (gaps_away * Fraction(median(gaps)) if gaps else None)
                    listed = least is not None and oracle.elapsed_days(last, starts_at) >= least
                    weeks[monday][label].append((is_lost, listed))
    weeks = {monday: called for monday, called in weeks.items() if any(called.values())}
    rows = []
    for week, together in [(None, list(weeks.values())), *((monday, [called]) for monday, called in weeks.items())]:
        for label, _, _ in lists if weeks else []:
            pairs = [pair for called in together for pair in called[label]]
            lost, listed = (sum(pair[which] for pair in pairs) for which in (0, 1))
            both = sum(all(pair) for pair in pairs)
            average = [oracle.rounded(Fraction(number, len(together)), 1) for number in (len(pairs), lost, listed)]
            shares = [oracle.rounded(Fraction(100 * both, whole), 1) if whole else None for whole in (listed, lost)]
            rows.append((week, label, *average, *shares))
    return rows


@pytest.fixture
def called(connection: psycopg.Connection, queries: dict[str, str]) -> Any:
    """Give a function that reads the call lists of one student's check-ins, as of an instant long past."""

    def read(*checkins: datetime, now: datetime = MONDAY + MONTH) -> dict[date | None, dict[str, Any]]:
        connection.execute("delete from student_attendance")
        connection.execute(
            "insert into student_attendance select min(student_id), unnest(%s::timestamptz[]) from students",
            [list(checkins)],
        )
        query = queries["does_the_call_list_work"]
        assert "now()" in query
        rows = connection.execute(query.replace("now()", f"'{now.isoformat()}'::timestamptz")).fetchall()
        assert rows == call_lists(*oracle.read_school(connection)[:2], now)
        weeks = {}
        for row in rows:
            weeks.setdefault(row.week_start, {})[row.away_for] = row
        return weeks

    return read


def test_the_call_lists_find_those_who_were_lost(connection, queries):
    students, checkins, _, now = oracle.read_school(connection)
    expected = call_lists(students, checkins, now)
    assert len({row[0] for row in expected}) in (22, 23)  # the Mondays and all together
    assert all(0 < row[5] < 100 and 0 < row[6] < 100 for row in expected[:6])
    assert connection.execute(queries["does_the_call_list_work"]).fetchall() == expected


@pytest.mark.parametrize("days", [7, 10, 14, 21])
def test_a_call_list_begins_with_its_days_exactly(called, days):
    label = f"{days} days or more"
    for last, listed in ((MONDAY - days * DAY, 1), (MONDAY - days * DAY + INSTANT, 0)):
        assert called(last)[MONDAY.date()][label].listed == listed


@pytest.mark.parametrize("gaps", [2, 3])
def test_a_call_list_by_rhythm_begins_with_its_gaps_exactly(called, gaps):
    """Gaps of 3, 4, 5 and 8 days: the median is 4.5."""
    label = f"{gaps} x the median gap or more"
    last = MONDAY - gaps * DAY * 9 / 2
    for shift, listed in ((timedelta(0), 1), (INSTANT, 0)):
        history = [last + shift - ago * DAY for ago in (20, 17, 13, 8, 0)]
        assert called(*history)[MONDAY.date()][label].listed == listed


def test_a_rhythm_is_that_of_the_days_before_the_week(called):
    """Two check-ins a day are one visit; gaps that end after the week's start are not known yet."""
    label = "2 x the median gap or more"
    last = MONDAY - 6 * DAY
    daily = [MONDAY + ago * DAY for ago in range(1, 9)]
    assert called(last - 4 * DAY, last, *daily)[MONDAY.date()][label].listed == 0
    assert called(last - 3 * DAY, last, *daily)[MONDAY.date()][label].listed == 1
    twice = [last - ago * DAY + hours for ago in (4, 0) for hours in (timedelta(0), timedelta(hours=2))]
    assert called(*twice)[MONDAY.date()][label].listed == 0
    assert called(last - DAY)[MONDAY.date()][label].listed == 0  # no gap at all


@pytest.mark.parametrize(
    ("back", "lost"), [(MONTH, 0), (MONTH + INSTANT, 1), (timedelta(0), 0), (-INSTANT, 1)], ids=str
)
def test_who_does_not_come_in_the_thirty_days_after_is_lost(called, back, lost):
    assert called(MONDAY - DAY, MONDAY + back, now=MONDAY + 40 * DAY)[MONDAY.date()]["7 days or more"].lost == lost


def test_who_was_away_for_longer_than_thirty_days_was_lost_before(called):
    assert called(MONDAY - MONTH)[MONDAY.date()]["21 days or more"].students == 1
    assert MONDAY.date() not in called(MONDAY - MONTH - INSTANT)


def test_a_week_is_judged_from_thirty_days_to_half_a_year_later(called):
    for now, judged in (
        (MONDAY + MONTH - INSTANT, False),
        (MONDAY + MONTH, True),
        (MONDAY + 180 * DAY, True),
        (MONDAY + 180 * DAY + INSTANT, False),
    ):
        assert (MONDAY.date() in called(MONDAY - DAY, now=now)) is judged


def test_who_is_not_active_today_counts_in_the_call_lists(called, connection):
    connection.execute(NOBODY_IS_ACTIVE)
    assert called(MONDAY - DAY)[MONDAY.date()]["7 days or more"].students == 1


def test_the_call_lists_follow_the_schools_clock(called, connection):
    for zone in ("America/Guayaquil", "Pacific/Kiritimati"):
        connection.execute(f"set local time zone '{zone}'")
        assert list(called(MONDAY - DAY)) == [None, MONDAY.date()]


def test_the_schools_own_mark_is_among_the_call_lists(connection, other_queries):
    students, checkins, _, now = oracle.read_school(connection)
    rows = connection.execute(other_queries["does_the_call_list_work"]).fetchall()
    assert rows == call_lists(students, checkins, now, days=(5, 7, 10, 14, 21))


def test_a_school_without_history_has_no_call_lists(called):
    assert called() == {}
