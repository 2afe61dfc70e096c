"""The sandbox: its server, its sample school, and the demo from start to end."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import oracle
import psutil
import psycopg
import pytest
from copies import copy_project, run_python
from rich.status import Status
from support import PROJECT, execute, panel_definition, printed

from engagement_panel import panel
from sandbox import __main__ as demo
from sandbox import school, server
from sandbox.profiles import write_profile
from sandbox.views import panel_views

DAY = timedelta(days=1)
NOW = datetime(2026, 3, 17, 14, 30, tzinfo=UTC)
# Nights, mornings and evenings of every weekday and season, the days of the new year among them.
NOWS = [datetime(2025, 12, 28, 3, 0, tzinfo=UTC) + n * timedelta(days=50, hours=5) for n in range(7)]


def visits_by_student(rows: school.School, now: datetime) -> oracle.Visits:
    """Give the check-ins that count, by student, each student's in order."""
    return oracle.visits_by_student(oracle.existing_checkins(rows.students, rows.checkins, now))


@pytest.fixture(scope="module")
def sample() -> school.School:
    """Give the school as of `NOW`."""
    return school.generate(NOW)


def test_a_seed_and_a_moment_make_one_school(sample):
    assert school.generate(NOW) == sample
    assert school.generate(NOW, seed=2) != sample
    assert school.generate(NOW + DAY) != sample


@pytest.mark.parametrize("now", NOWS, ids=str)
def test_every_list_of_the_panel_has_someone_in_it_whenever_the_demo_runs(now):
    rows = school.generate(now)
    visits = visits_by_student(rows, now)
    roster = oracle.inactive_roster(rows.students, visits, now)
    buckets = Counter(bucket for *_, last, _, bucket in roster if last)
    assert len(buckets) == 5 and all(students >= 15 for students in buckets.values()), buckets
    assert any(last is None for *_, last, _, _ in roster), "nobody who never came"

    bins = oracle.session_frequency(rows.students, visits, now)
    assert all(students for _, students in bins), bins
    assert any(sum(time >= now - 30 * DAY for time in times) >= 18 for times in visits.values())

    assert 10 <= len(oracle.recent_reactivated(rows.students, visits, now, oracle.Settings())) <= 70

    learners = [oracle.Learner(*learner) for learner in rows.at_risk_learners]
    assert 10 <= len(oracle.dual_risk_students(rows.students, visits, learners, now)) <= 35


def test_people_have_habits(sample):
    visits = visits_by_student(sample, NOW)
    times = [time.astimezone(school.LOCAL_TIME) for times in visits.values() for time in times]
    assert NOW - 731 * DAY < min(times) < NOW - 700 * DAY
    assert max(times) > NOW - DAY

    by_weekday = Counter(time.weekday() for time in times)
    assert by_weekday[6] < by_weekday[5] < min(by_weekday[day] for day in range(5)) / 2
    assert not any((time.month, time.day) in school.HOLIDAYS for time in times)
    today = NOW.astimezone(school.LOCAL_TIME).date()
    assert not any((today - time.date()).days in school.CLOSED_DAYS_AGO for time in times)

    hours = defaultdict(list)
    for student_id, student_times in visits.items():
        hours[student_id] = [time.astimezone(school.LOCAL_TIME).hour for time in student_times]
    faithful = [
        max(Counter("morning" if hour < 12 else "afternoon" if hour < 17 else "evening" for hour in own).values())
        / len(own)
        for own in hours.values()
        if len(own) >= 20
    ]
    assert sum(faithful) / len(faithful) > 0.75, "no morning and evening people"


def lengths(checkins: Iterable[school.Checkin]) -> list[timedelta]:
    """Give how long the sessions that have an end lasted."""
    return [c.checkout_time - c.checkin_time for c in checkins if c.checkin_time and c.checkout_time]


def test_most_people_check_out_and_some_forget(sample):
    checkins = [checkin for checkin in sample.checkins if checkin.checkin_time]
    by_the_job = [checkin for checkin in checkins if checkin.auto_checkout]
    by_hand = [checkin for checkin in checkins if not checkin.auto_checkout]
    usual = sum(timedelta(hours=1) <= length <= timedelta(hours=3) for length in lengths(by_hand))
    overnight = sum(length > timedelta(hours=12) for length in lengths(by_hand))
    assert usual / len(checkins) > 0.7
    assert 0.005 < overnight / len(checkins) < 0.03
    assert 0.03 < sum(checkin.checkout_time is None for checkin in checkins) / len(checkins) < 0.1
    assert 0.05 < len(by_the_job) / len(checkins) < 0.12
    assert {checkin.checkout_time.astimezone(school.LOCAL_TIME).time() for checkin in by_the_job} == {time(20, 15)}
    assert max(checkin.checkout_time for checkin in checkins if checkin.checkout_time) <= NOW


def test_some_rows_are_dirty(sample):
    known = {student.student_id for student in sample.students}
    assert sum(bool(checkin.checkin_time and checkin.checkin_time > NOW) for checkin in sample.checkins) == 3
    assert sum(checkin.student_id not in known for checkin in sample.checkins) == 6
    assert sum(checkin.checkin_time is None for checkin in sample.checkins) == 4
    assert sum(n - 1 for n in Counter(c for c in sample.checkins if c.checkin_time).values()) >= 10
    assert sum(length < timedelta(0) for length in lengths(sample.checkins)) == 1
    assert {None, "A1", "A2", "B1", "B2", "C1"} == {student.level for student in sample.students}
    assert any(student.full_name is None for student in sample.students)
    assert any(student.full_name and "'" in student.full_name for student in sample.students)
    listed = Counter(learner.student_id for learner in sample.at_risk_learners)
    assert listed.keys() - known == {school.UNKNOWN_STUDENT_ID}
    assert max(listed.values()) > 1


def test_loading_replaces_all_rows_under_the_views(panel_connection, sample):
    tables = ("public.students", "public.student_attendance", "learning.at_risk_learners")
    for rows in (sample, school.School(*(table[:9] for table in sample))):
        school.create(panel_connection)
        school.load(panel_connection, rows)
        loaded = [panel_connection.execute(f"select count(*) from {table}").fetchone()[0] for table in tables]
        assert loaded == [len(rows.students), len(rows.checkins), len(rows.at_risk_learners)]


def test_the_printed_panel_tells_what_the_views_hold(make_database, sample_template, workspace):
    uri = make_database("school", sample_template)
    definition = panel_definition(write_profile(workspace / "printed panel", uri))
    with psycopg.connect(uri) as connection:
        shown = printed(panel.read_from(connection.cursor(), definition))
        assert max(map(len, shown.splitlines())) <= 100
        for label, count in connection.execute("select * from mgmt.engagement_session_frequency_30d_v"):
            assert any(line.split()[-1] == str(count) for line in shown.splitlines() if f" {label} " in line)
        roster = connection.execute("select days_since_last_checkin from mgmt.engagement_inactive_roster_v")
        assert str(roster.fetchone()[0]) in shown
        returns = connection.execute("select * from mgmt.engagement_recent_reactivated_14d_v").rowcount
        assert f"Back in the last 14 days ({returns})" in shown
        connection.execute("delete from students")
        empty = printed(panel.read_from(connection.cursor(), definition))
    assert "Whom to call: 7 days away or more (0)" in empty


@pytest.mark.parametrize(
    ("user", "project", "is_inside"),
    [(1000, "/home/ana/panel", True), (1000, "/home/ana/my panel", False), (0, "/home/ana/panel", False)],
)
def test_the_data_lies_in_the_project_if_its_server_can_be_started_there(monkeypatch, user, project, is_inside):
    monkeypatch.setattr("os.geteuid", lambda: user)
    assert server.data_folder(Path(project)).is_relative_to(project) == is_inside


@pytest.fixture
def data_folder(workspace: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Give a folder for a server of the test's own."""
    folder = workspace / request.node.name[:32]
    yield folder
    server.stop(folder)
    shutil.rmtree(folder, ignore_errors=True)


def test_the_server_outlives_the_process_that_started_it(data_folder):
    script = "import sys, pathlib; from sandbox import server; print(server.start(pathlib.Path(sys.argv[1])))"
    uri = subprocess.check_output([sys.executable, "-c", script, data_folder], cwd=PROJECT, text=True).strip()
    assert server.is_running(data_folder)
    assert server.start(data_folder) == uri
    assert execute(uri, "select 1") == [(1,)]
    assert server.stop(data_folder)
    assert not server.is_running(data_folder)
    assert not server.stop(data_folder)


def test_the_server_starts_after_a_crash_though_its_number_is_now_another_process(data_folder):
    server.start(data_folder)
    pid_file = data_folder / "postmaster.pid"
    left_behind = pid_file.read_text().splitlines()
    server.stop(data_folder)
    pid_file.write_text("\n".join([str(os.getpid()), *left_behind[1:]]))
    assert not server.is_running(data_folder)
    assert not server.stop(data_folder)
    assert execute(server.start(data_folder), "select 1") == [(1,)]


def test_the_server_starts_where_the_locale_is_not_installed(data_folder, monkeypatch):
    monkeypatch.setenv("LC_ALL", "tlh_QO.UTF-8")
    server.start(data_folder)
    assert os.environ["LC_ALL"] == "tlh_QO.UTF-8"


def test_postgresql_16_can_be_asked_for(data_folder):
    with psycopg.connect(server.start(data_folder, version=16)) as connection:
        assert connection.info.server_version // 10_000 == 16
    with pytest.raises(RuntimeError, match="expecting version 18 but found version 16"):
        server.stop(data_folder)
        server.start(data_folder)


@pytest.fixture
def project_copy(workspace: Path) -> Iterator[Path]:
    """Give a copy of the project, so that a demo of it touches no sandbox of the user's; it borrows our .venv."""
    copy = copy_project(workspace)
    yield copy
    run_sandbox(copy, "clean")
    shutil.rmtree(copy)


def run_sandbox(project: Path, *command: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command of the sandbox in that project, with what is typed into it."""
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *command],
        cwd=project,
        input=typed,
        capture_output=True,
        text=True,
        # What a user may have set for the school's own database must not lead the demo there.
        env=os.environ
        | {"DBT_TARGET": "prod", "DBT_PROFILES_DIR": "/nowhere", "DBT_TARGET_PATH": "/nowhere"}
        | {"TTY_COMPATIBLE": "1", "TERM": "xterm", "NO_COLOR": "1"},  # what a person sees, progress included
    )


def test_the_demo_from_start_to_end(project_copy, run_dbt, monkeypatch):
    assert run_sandbox(project_copy, "stop").stdout == "The sandbox was not running.\n"
    not_running = run_sandbox(project_copy, "psql")
    assert (not_running.returncode, not_running.stderr) == (1, "The sandbox is not running: `make demo` starts it.\n")

    run = run_sandbox(project_copy, "demo")
    assert run.returncode == 0, run.stdout + run.stderr
    count = "copy (select count(*) from mgmt.engagement_inactive_roster_v) to stdout"
    students = run_sandbox(project_copy, "psql", typed=count).stdout.strip()
    assert f"The engagement panel of {students} students" in run.stdout
    for view in panel_views():
        assert f"{view}: created" in run.stdout
    assert not re.search("Running with dbt|Compiled inline node", run.stdout)
    (exported,) = re.findall(r"export DBT_PROFILES_DIR=(\S+)", run.stdout)
    assert (project_copy / exported / "profiles.yml").exists()
    warnings = "checkins_of_nobody checkins_without_a_time checkouts_at_one_minute double_checkins future_checkins"
    (said,) = re.findall(r"(\d+) tests passed; warnings: ((?:\w+, )*\w+)", " ".join(run.stdout.split()))
    assert sorted(said[1].split(", ")) == [*warnings.split(), "learners_who_are_nobody"]
    tests = run_dbt("school", "ls", "--quiet", "--resource-types", "test", "unit_test").output.splitlines()
    assert int(said[0]) == len(tests) - len(said[1].split(", "))
    *_, (done, total) = re.findall(r"dbt build: (\d+) of (\d+)", run.stdout)
    assert done == total, "the status line counts to the end, and no further"
    monkeypatch.setattr(demo, "DATA_FOLDER", server.data_folder(project_copy))
    demo._load_school(server.uri(demo.DATA_FOLDER, "school"))  # as the next demo does

    (asking,) = (line for line in (PROJECT / "README.md").read_text().splitlines() if "-s call_today |" in line)
    assert asking in run.stdout

    assert re.search(r"^Ask the database +\S+ '\S+/school\?", run.stdout, re.MULTILINE)

    report = run_python(project_copy, "-m", "engagement_panel", "report")
    assert report.returncode == 0, "it finds the demo's profile by itself"

    assert run_sandbox(project_copy, "stop").stdout == "The sandbox is stopped.\n"
    server.start(demo.DATA_FOLDER)
    running = psutil.Process(int((demo.DATA_FOLDER / "postmaster.pid").read_text().split()[0]))
    generated = [project_copy / name for name in (".sandbox", "target", "logs")]
    assert all(folder.exists() for folder in generated)
    assert run_sandbox(project_copy, "clean").returncode == 0
    assert not any(folder.exists() for folder in (*generated, demo.DATA_FOLDER))
    with contextlib.suppress(psutil.NoSuchProcess):
        assert running.status() == psutil.STATUS_ZOMBIE


def test_who_has_no_psql_of_his_own_asks_with_the_servers(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert os.access(demo._psql(), os.X_OK)


def test_a_demo_that_cannot_build_the_panel_fails_and_says_why(make_database, workspace, monkeypatch, capsys):
    monkeypatch.setattr(demo, "DBT_FOLDER", workspace / "failing demo")
    with pytest.raises(SystemExit, match="^dbt build failed: see above. The whole log: .*/failing demo/logs/dbt.log"):
        demo._build_panel(make_database("school"), Status(""))
    assert "public.students: there is no such relation." in capsys.readouterr().out


def test_the_sample_school_is_loaded_into_an_empty_database_and_over_no_other(make_database):
    uri = make_database("loaded")

    assert run_sandbox(PROJECT, "load", f"{uri}_not").stderr.startswith("The sandbox failed: ")
    assert run_sandbox(PROJECT, "load", uri).returncode == 0
    counted = "select count(*) from public.students"
    ((loaded,),) = execute(uri, counted)
    assert loaded > 100
    execute(uri, "insert into students values (0, 'Real'); alter table student_attendance rename to visits")
    refused = run_sandbox(PROJECT, "load", uri)
    assert refused.returncode == 1
    assert refused.stderr.startswith("The database has a table public.students already.")
    assert execute(uri, counted) == [(loaded + 1,)]
