"""The tools: what bench and soak measure and tell, what readers under load count, when make, soak and lint are red."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from random import Random
from types import SimpleNamespace
from unittest import mock

import psycopg
import pytest
import yaml
from copies import copy_project
from support import PROJECT, execute, write_program

from sandbox import docs, soak
from sandbox.bench import __main__ as bench
from sandbox.bench import experiments, report
from sandbox.bench.experiments import ACTIVITY, SIZES, Bench, create_plain_views
from sandbox.bench.large_school import Size
from sandbox.bench.measure import checkins_looked_at, explain
from sandbox.load import FOREIGN_VIEW, ROSTER, ProjectCopy, Question, Tally, questions, under_load
from sandbox.views import SCHEMA, manifest, panel_views
from scripts import lint_dbt, mutate

VIEWS = panel_views()
QUESTIONS = {question.view.removeprefix(f"{SCHEMA}."): question for question in questions()}


@pytest.fixture(scope="module")
def sample(make_database, sample_template: str) -> str:
    """Give the URI of the sample school with the panel, the plain views and others' view on top."""
    uri = make_database("tools", sample_template)
    with psycopg.connect(uri) as connection:
        create_plain_views(connection, VIEWS)
        connection.execute(FOREIGN_VIEW)
    return uri


@pytest.mark.parametrize("view", VIEWS)
def test_the_plain_sql_runs(sample, view):
    assert execute(sample, f"select * from plain.{view}")


@pytest.mark.parametrize("view", VIEWS)
def test_the_bench_can_look_a_row_up(sample, view):
    column, value = (VIEWS[view].fact("bench", "look_up", key) for key in ("column", "value"))
    for schema in (SCHEMA, "plain"):
        execute(sample, f"select * from {schema}.{view} where {column} = {value}")


@pytest.mark.parametrize("view", QUESTIONS)
def test_a_reader_under_load_knows_a_complete_answer(sample, view):
    question = QUESTIONS[view]
    with psycopg.connect(sample) as connection:
        rows = connection.execute(question.sql).fetchall()
        connection.execute("delete from student_attendance where checkin_time > now() - interval '8 days'")
        later = connection.execute(question.sql).fetchall()
        connection.rollback()
    assert rows and question.is_complete(rows, [*rows])
    assert question.rows == "at_least" or question.is_complete(rows, later), "days without a visit change no answer"
    assert not question.is_complete(rows, rows[1:])
    assert not question.is_complete(rows, [])
    assert question.rows == "at_least" or not question.is_complete(rows, [*rows, rows[-1]])
    if question.rows != "as_many":
        last_column_lost = [*rows[:-1], (*rows[-1][:-1], "another")]
        assert not question.is_complete(rows, last_column_lost)


def test_reads_that_fail_or_miss_rows_are_counted(make_database, sample):
    uri = make_database("under load", template="tools")
    with psycopg.connect(uri, autocommit=True) as connection, under_load(uri, "postgres", questions()) as tallies:
        connection.execute("begin; lock table students; select pg_sleep(0.5); commit")
        connection.execute("delete from students where student_id > 10")
        connection.execute(f"alter view {SCHEMA}.engagement_daypart_retention_v rename to hidden")
        connection.execute("select pg_sleep(1)")
    by_view = {tally.view: tally for tally in tallies}
    assert by_view.keys() == {question.view for question in questions()}
    assert by_view[f"{SCHEMA}.engagement_daypart_retention_v"].failed
    assert by_view[f"{SCHEMA}.engagement_inactive_roster_v"].partial
    assert by_view["reports.call_list"].partial
    assert max(tally.longest_ms for tally in tallies) > 100, "readers waited at the lock"
    assert not by_view[f"{SCHEMA}.engagement_session_frequency_30d_v"].failed


def test_readers_read_in_each_level_of_isolation_while_a_writer_writes(sample):
    lately = "select count(*) from student_attendance where checkin_time > now() - interval '10 seconds'"
    ((before,),) = execute(sample, lately)
    level = Question("pg_settings", ["setting"], "in_order", "name = 'transaction_isolation'")
    with under_load(sample, "postgres", [level]) as tallies:
        execute(sample, "select pg_sleep(1)")
    assert tallies[0].partial
    assert execute(sample, lately)[0][0] >= before + 10


def test_the_bench_counts_what_every_loop_of_a_node_reads(sample):
    scanned = "(select count(*) from student_attendance where student_id + 0 * n > 100)"
    with psycopg.connect(sample) as connection:
        plan = explain(connection, f"select {scanned} from generate_series(1, 3) as n").plan
        ((checkins,),) = connection.execute("select count(*) from student_attendance").fetchall()
    assert checkins_looked_at(plan) == 3 * checkins


def test_the_bench_leaves_out_the_index_that_it_names(sample):
    for columns, index in experiments.INDEXES.items():
        assert execute(sample, f"select pg_get_indexdef('{index}'::regclass)")[0][0].endswith(f" {columns}")


def test_a_goal_is_met_by_less_time_and_a_higher_ratio():
    for view, facts in VIEWS.items():
        goal_ms, goal_ratio = facts.fact("bench", "goal_ms", "2M"), facts.fact("bench", "goal_ratio")
        for faster, verdict in ((0.9, "met"), (1.1, "**not met**")):
            own, plain = (goal_ms or 1) * faster, (goal_ms or 1) * (goal_ratio or 1)
            costs = {
                "mgmt": {"median": own, "p95": 2 * own, "rows": 7, "buffers": 8, "checkins": 9},
                "plain": {"median": plain},
            }
            size = {"views": {view: costs}, "all at once": costs, "checkins": 1, "students": 1, "years": 1}
            table = report.size_table("2M", size, VIEWS)
            assert f"| {view} | {plain:.1f} | {own:.1f} | {2 * own:.1f} | " in table
            assert table.count(" | 7 | 8 | 9 |\n") == 1
            assert f"{goal_ms}: {verdict}" in table or goal_ms is None
            assert f"{goal_ratio}: {verdict}" in table or goal_ratio is None
            assert goal_ratio is None or f"{goal_ratio}: " not in report.size_table("200k", size, VIEWS)


RAN = {
    "machine": dict.fromkeys(("cpu", "cores", "memory_gb", "system", "load", "taken"), 1),
    "server": {"version": "18"},
}


def test_two_benches_are_compared_in_what_both_have():
    def measured(**medians: float) -> report.Results:
        views = {view: {"mgmt": {"median": median}} for view, median in medians.items()}
        return RAN | {"sizes": {"2M": {"views": views, "all at once": {"mgmt": {"median": sum(medians.values())}}}}}

    told = report.comparison(measured(kept=4, gone=6), measured(kept=6, new=9))
    assert told.splitlines()[-2:] == ["| 2M | kept | 4.0 | 6.0 | 1.50 |", "| 2M | all at once | 10.0 | 15.0 | 1.50 |"]


@pytest.mark.parametrize(
    ("median", "growth", "cliff"),
    [(13, "1.30 | 1.3: met | 3.0", "3.0 (30.0, 10.0)"), (14, "1.40 | 1.3: **not met** | 4.0", "**3.1 (31.0, 10.0)**")],
)
def test_growth_and_poor_conditions_are_held_against_their_goals(median, growth, cliff):
    view = "engagement_session_frequency_30d_v"
    history = [
        {"years": years, "checkins": years * 10**6, "views": {view: {"mgmt": {"median": each}}}}
        for years, each in ((1, 10), (2, median))
    ]
    poor = {"statistics": "none", "missing": ["by_time"], "setting": "jit = on", "around": "nothing", "view": view}
    poor |= {"mgmt": {"median": median + 17}, "plain": {"median": 10}}
    told = report.tables(RAN | {"sizes": {}, "history": history, "cliffs": {"2M": [poor]}}, VIEWS).splitlines()
    assert f"| {view} | 10.0 | {median}.0 | {growth} |" in told
    assert f"| statistics none, without by_time, jit = on | {cliff} |" in told


def test_a_small_bench_prints_and_keeps_what_it_measures_and_leaves_no_school(
    server, make_database, deployed_template, monkeypatch, capsys, tmp_path
):
    with psycopg.connect(make_database("benched", deployed_template)) as connection:
        create_plain_views(connection, VIEWS)
        connection.execute(f"create schema bounded; create view bounded.{ACTIVITY} as table mgmt.{ACTIVITY}")
    some = {view: VIEWS[view] for view in (ACTIVITY, "engagement_inactive_roster_v")}
    benched = Bench(server, "benched", some, bench.console)
    monkeypatch.setattr(bench, "_bench", lambda: nullcontext(benched))
    monkeypatch.setitem(SIZES, "200k", Size(20, 500, years=2))
    monkeypatch.setattr(experiments, "HISTORY", Size(20, 500, years=10))
    monkeypatch.setattr("sys.argv", f"bench --sizes 200k --history --cliffs --to {tmp_path}".split())
    bench.main()
    told = Counter(line.partition(" | ")[0] for line in capsys.readouterr().out.splitlines())
    assert [told[f"| {view}"] for view in some] == [2, 2]
    assert told["| all at once"] == told[f"| {ACTIVITY}, bounded"] == 1
    assert told["| statistics none, without (checkin_time), order by …"] == 1
    assert {file.name for file in tmp_path.iterdir()} == {"bench.json", "history.svg"}
    kept = json.loads((tmp_path / "bench.json").read_text())
    assert kept["history"][0]["checkins"] < 100 and kept["history"][-1]["checkins"] > 450, "a tenth, and all"
    costs = kept["sizes"]["200k"]["views"].values()
    assert all(cost["p95"] >= cost["median"] for view in costs for cost in view.values())
    assert not execute(server, "select datname from pg_database where datname ~ '^(200k|history)'")

    monkeypatch.setattr(bench, "_bench", lambda: nullcontext(replace(benched, template="gone")))
    with pytest.raises(SystemExit, match='^The bench failed: template database "gone" does not exist$'):
        bench.main()


READ = Tally("view", reads=9)


@pytest.mark.parametrize(
    ("outcomes", "tallies", "leftovers"),
    [
        (["wrong"], [READ], 0),
        ([], [READ, replace(READ, failed={"gone": 1})], 0),
        ([], [replace(READ, partial={"1 of 2 rows": 1}), READ], 0),
        ([], [READ], 1),
    ],
    ids=["an outcome", "a read", "rows", "a relation left behind"],
)
def test_the_soak_is_not_clean_if_anything_is_wrong(outcomes, tallies, leftovers):
    clean = soak.Soak("", "", None, Path(), True, Counter(["done"]), [READ])
    assert clean.is_clean()
    assert not replace(clean, outcomes=Counter(["done", *outcomes]), tallies=tallies, leftovers=leftovers).is_clean()


@pytest.mark.parametrize("is_clean", [True, False])
def test_a_soak_that_is_not_clean_fails(monkeypatch, is_clean):
    monkeypatch.setattr(soak.Soak, "run", lambda *_: None)
    monkeypatch.setattr(soak.Soak, "is_clean", lambda of: is_clean and of.refuses_columns)
    monkeypatch.setattr("sys.argv", ["soak"])
    with nullcontext() if is_clean else pytest.raises(SystemExit, match="Readers missed something"):
        soak.main()


def test_a_small_soak_tells_what_became_of_each_deployment(server, make_database, workspace, monkeypatch, capsys):
    execute(server, f"create role {soak.READER} login")
    uri, project = make_database("soaked"), ProjectCopy(workspace / "soaked")
    soaked = soak.Soak("A small soak", uri, project, workspace / "dbt of the soaked", refuses_columns=True)
    execute(uri, "create table public.one__dbt_tmp (); create table public.another__dbt_backup ()")
    soaked.run(4, Random(990))  # two runs refuse a renamed column, two deploy another step, a seed, one is killed
    assert (soaked.leftovers, soaked.is_clean()) == (2, False)
    soaked.leftovers = 0
    assert soaked.is_clean()
    assert soaked.outcomes == {"refused, as it should be": 2, "done": 3, "killed": 1}
    assert [tally.view for tally in soaked.tallies if tally.reads] == [question.view for question in questions()]

    soaked.refuses_columns = False
    monkeypatch.setattr(soak, "CHANGES", [lambda project: project.select_from(ROSTER, "nothing")])
    monkeypatch.setattr(soak, "COMMANDS", [("run",)])
    monkeypatch.setattr(soak, "MODES", {"alone": 1})
    soaked._deploy(Random(1))
    soaked.tallies = [Tally("a view", 9, {"it is gone": 1}, {"1 of 2 rows": 2}, longest_ms=7.4)]
    capsys.readouterr()
    soaked.report()
    told = capsys.readouterr().out.splitlines()
    assert told[0].strip() == "A small soak: 7 deployments"
    assert any(re.findall(r"\w+", line) == ["a", "view", "9", "1", "2", "7"] for line in told)
    assert told[-3:] == [
        "2 refused, as it should be, 3 done, 1 killed, 1 wrong",
        "0 relations left behind",
        "  1 times: it is gone",
    ]


def test_the_documentation_is_served_to_this_machine_alone(tmp_path):
    with docs.serve(tmp_path, 0) as site:
        assert site.server_address[0] == "127.0.0.1"


def test_the_documentation_is_that_of_the_target(monkeypatch):
    monkeypatch.setattr("sys.argv", ["docs", "--target", "prod"])
    monkeypatch.setattr(docs, "generate", lambda _, target: f"the page of {target}")
    monkeypatch.setattr(docs, "serve", mock.Mock(side_effect=OSError(98, "in use")))
    with pytest.raises(SystemExit, match=r"Port 8080 .* \(in use\)\. Open the page itself: the page of prod"):
        docs.main()


def test_stock_dbt_soaks_without_our_deployment(workspace):
    project = soak._stock_project(Path(tempfile.mkdtemp(dir=workspace)))
    macros = "".join(file.read_text() for file in (project.path / "macros").rglob("*.sql"))
    for ours in ("materialization view", "macro create_csv_table", "macro drop_relation_if_exists"):
        assert ours not in macros


def test_make_alone_lists_every_target_and_each_sets_up_what_it_runs(tmp_path):
    makefile = (PROJECT / "Makefile").read_text()
    for target, before, recipe in re.findall(r"^([a-z-]+): ?(\w*) *##.*\n((?:\t.*\n)+)", makefile, re.MULTILINE):
        needs_nothing = "$(VENV)" not in recipe or "if [ -d .venv ]" in recipe
        assert (before in ("setup", "lint")) != needs_nothing, target
    (targets,) = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert re.findall("^  make ([^ ]+)", make(tmp_path)[1], re.MULTILINE) == targets.split()


def make(folder: Path, *arguments: str, **exit_codes: int) -> tuple[bool, str]:
    """Run make with programs that only say how they were called and exit as told; give whether it failed, and that."""
    for program in ("mypy", "pytest", "python", "ruff"):
        write_program(folder / program, f'echo {program} "$@"\nexit {exit_codes.get(program, 0)}')
    command = ["make", "--no-print-directory", "--old-file=setup", f"VENV={folder}", *arguments]
    run = subprocess.run(command, cwd=PROJECT, env={"PATH": os.environ["PATH"]}, stdout=subprocess.PIPE, text=True)
    return run.returncode != 0, run.stdout


@pytest.mark.parametrize("broken", [None, "ruff", "mypy", "python"])
def test_make_lint_is_red_if_any_of_its_programs_is_and_no_test_runs(tmp_path, broken):
    failed, said = make(tmp_path, "test", **{str(broken): 1})
    assert failed == (broken is not None)
    assert ("pytest" in said) == (broken is None)
    assert ("ruff format --check ." in said) == (broken != "ruff"), "no file is written"


@pytest.mark.parametrize(
    ("command", "exit_code", "failed"),
    [("preview", 0, False), ("preview", 1, False), ("preview", 2, True), ("health", 0, False), ("health", 1, True)],
)
def test_make_preview_fails_if_it_could_not_look_make_health_too_if_not_well(tmp_path, command, exit_code, failed):
    assert make(tmp_path, command, "JUNIT=health.xml", python=exit_code)[0] == failed


@pytest.mark.parametrize(
    "command", ["sandbox.docs", "engagement_panel report", "engagement_panel health", "engagement_panel preview"]
)
def test_make_hands_the_target_and_the_file_on(tmp_path, command):
    variables = [[], ["TARGET=prod"], ["JUNIT=health.xml"]]
    name = command.replace(".", " ").split()[1]
    (without,), (on_target,), (to_file,) = (make(tmp_path, name, *more)[1].splitlines() for more in variables)
    assert without == f"python -m {command}"
    assert on_target == f"{without} --target prod"
    assert to_file == without + " --junit health.xml" * (name == "health")


@pytest.mark.parametrize("broken", [None, "parse", "dbt-bouncer", "sqlfluff", "tables"])
def test_lint_is_red_if_any_of_its_parts_is(monkeypatch, tmp_path, broken):
    nowhere = nullcontext((tmp_path, "host=none user=none dbname=none"))
    monkeypatch.setattr(lint_dbt.server, "temporary", lambda: nowhere)

    def run_dbt(*arguments: str) -> SimpleNamespace:
        asked = '{"error": ["Deprecations"]}' in arguments
        return SimpleNamespace(success=not (asked and broken == "parse"), result=None)

    def run(command: tuple[Path | str, ...], **_: object) -> SimpleNamespace:
        return SimpleNamespace(returncode=int(Path(command[0]).name == broken))

    monkeypatch.setattr(lint_dbt, "run_dbt", run_dbt)
    monkeypatch.setattr(lint_dbt.subprocess, "run", run)
    monkeypatch.setattr(lint_dbt.write_tables, "are_up_to_date", lambda _: broken != "tables")
    with mock.patch.dict(os.environ), pytest.raises(SystemExit) as ended:
        lint_dbt.main()
    assert bool(ended.value.code) == (broken is not None)


def test_mutate_is_red_if_a_slip_stays_green_or_tests_are_red_before_it(monkeypatch, tmp_path, capsys):
    place = {"file": "engagement_panel/spreadsheet.py", "before": 'replace(".", ",")'}
    tests = {"pytest": "tests/python/test_spreadsheet.py", "dbt": None}
    slips = [
        place | tests | {"slip": "points to see", "after": 'replace(".", ".")'},
        place | tests | {"slip": "nothing to see", "after": 'replace(".", ",", 1)'},
        place | {"slip": "red already", "after": "", "pytest": "tests/python/test_red.py"},
    ]
    (tmp_path / "slips.yml").write_text(yaml.safe_dump(slips))

    def copy(project: Path) -> None:
        shutil.copytree(copy_project(Path(tempfile.mkdtemp(dir=tmp_path))), project)
        (project / "tests" / "python" / "test_red.py").write_text("def test_red():\n    assert False\n")

    monkeypatch.setattr(mutate, "SLIPS", tmp_path / "slips.yml")
    monkeypatch.setattr(mutate, "_copy_project", copy)
    monkeypatch.setattr(mutate, "_make_for_dbt", lambda *_: [])
    red = "The tests are red before any slip: see pytest tests/python/test_red.py."
    for asked, code in (("points", False), ("to see", True), ("red", red)):
        monkeypatch.setattr("sys.argv", ["mutate", asked])
        with pytest.raises(SystemExit) as ended:
            mutate.main()
        assert ended.value.code == code
    assert re.findall(r"(\S+) +(\w+) to see", capsys.readouterr().out) == [
        ("noticed", "points"),
        ("noticed", "points"),
        ("GREEN", "nothing"),
    ]


def test_lint_reads_the_sql_of_all_models_tests_and_analyses():
    files = [node.original_file_path for node in manifest().nodes.values()]
    assert {file.partition("/")[0] for file in files if file.endswith(".sql")} == {*lint_dbt.SQL}
