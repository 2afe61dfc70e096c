"""The preview: what it says that a deployment would change is what a deployment then does, and it changes nothing."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import pytest
import yaml
from deployment import (
    OF_RUNS,
    PANEL,
    READER,
    STUDENTS,
    VARS,
    WAITS_FOR_THE_ROSTER,
    Panel,
    no_reader_notices,
    on_each_server,
    wait_until,
)
from support import Outcome, commands_of, run_command

from engagement_panel.difference import Version, compare
from sandbox.load import ROSTER, fork

pytest_plugins = ["deployment"]

STUDENTS_STEP = "models/staging/stg_engagement__students"
CHECKINS_STEP = "models/staging/stg_engagement__checkins"
ROSTER_NAME = "engagement_inactive_roster_v"
ACTIVITY_NAME = "engagement_student_activity_v"
VIEWS = {name.removeprefix("mgmt.") for name in PANEL}
LINE = re.compile(r"(SAME|NEW|CHANGES|REFUSED|STEP) +(\w+)  (.+)")

LOCKS = """
select distinct pg_locks.locktype, mode
from pg_locks
left join pg_class on relation = pg_class.oid
where
    pid = {} and granted
    and (locktype = 'advisory' or relnamespace::regnamespace::text in ('public', 'mgmt', 'mgmt_internal'))
"""
LEFT_BEHIND = "select relname from pg_class where relpersistence = 't' or relname = 'contracted'"


def preview(panel: Panel, *arguments: str, **variables: object) -> Outcome:
    """Run the preview of the panel's copy of the project."""
    with commands_of(panel.project.path):
        return run_command(panel.profile(), "preview", "--vars", json.dumps(VARS | variables), *arguments)


def lines(outcome: Outcome) -> dict[str, tuple[str, str]]:
    """Give the word and the finding that it printed of each view and step; its last line counts the views."""
    assert outcome.errors == ""
    said = outcome.output.splitlines()
    told = {found[2]: (found[1], found[3]) for line in said if (found := LINE.fullmatch(line))}
    words = [word for name, (word, _) in told.items() if name.endswith("_v")]
    assert words == sorted(words, key=["SAME", "NEW", "CHANGES", "REFUSED"].index), "what is worst stands last"
    assert said[-1] == f"{words.count('SAME')} of {len(words)} views stay the same for their readers."
    return told


@contextmanager
def as_it_was(panel: Panel) -> Iterator[None]:
    """See that what happens within leaves the database as it was, to the rows of pg_class."""
    before = panel.snapshot()
    yield
    wait_until(lambda: not panel.execute(OF_RUNS), "the end of the preview's session")
    assert panel.execute(LEFT_BEHIND) == []
    assert panel.snapshot() == before


def change_rows(panel: Panel, model: str, select_list: str, condition: str = "true") -> None:
    """Let a model give other rows of the same columns."""
    columns = panel.project.columns(model)
    sql = ", ".join(columns).replace("level", select_list)
    panel.project.write(
        f"{model}.sql", f"select {sql} from (\n{panel.project.read(f'{model}.sql')}\n) as rows where {condition}"
    )


@on_each_server
def test_an_unchanged_checkout_says_same_of_every_view(panel):
    with as_it_was(panel):
        found = preview(panel)
    assert lines(found) == {view: ("SAME", "unchanged") for view in VIEWS}


def test_a_setting_of_the_role_is_no_change(panel):
    for setting in ("quote_all_identifiers = on", "statement_timeout = '2s'", "transaction_timeout = '2s'"):
        panel.execute(f"alter role deployer set {setting}")
    found = preview(panel).exited_with(0)
    assert lines(found) == {view: ("SAME", "unchanged") for view in VIEWS}
    change_rows(panel, ROSTER, "level", "pg_sleep(0.05) is not null")  # more than two seconds for the sixty students
    assert lines(preview(panel).exited_with(0))[ROSTER_NAME] == ("SAME", "replaced")


def test_a_changed_score_target_names_rows_and_column_and_nobody(panel):
    with as_it_was(panel):
        found = preview(panel, engagement_consistency_sessions_target=12).exited_with(1)
    word, finding = lines(found).pop(ACTIVITY_NAME)
    assert word == "CHANGES"
    assert re.fullmatch(r"replaced; (\d+) rows change \(consistency_score in \1\)", finding), finding
    assert {line for view, line in lines(found).items() if view != ACTIVITY_NAME} == {("SAME", "unchanged")}
    examples = re.findall(r"^ {9}student_id (\d+): consistency_score ([\d.]+) -> ([\d.]+)$", found.output, re.MULTILINE)
    assert len(examples) == 3
    assert re.findall(r"and ([\d,]+) more", found.output) == [str(int(re.search(r"\d+", finding)[0]) - 3)]
    assert all(float(before) < float(after) for _, before, after in examples)


def test_rows_are_counted_by_what_becomes_of_them_and_names_are_shown_if_asked(panel):
    panel.execute("update students set full_name = 'Alumna ' || student_id where student_id <= 9")  # some have no name
    names = dict(panel.execute("select student_id, full_name from students where student_id <= 9"))
    columns = ", ".join(panel.project.columns(ROSTER))
    changed = columns.replace("level", "case when student_id in (1, 2) then '[/Z9]' else level end as level").replace(
        "full_name", "case when student_id = 3 then 'Ana Cambiada' else full_name end as full_name"
    )
    appeared = columns.replace("student_id", "4242").replace("full_name", "'Eva Nueva'")
    roster = f"({panel.project.read(f'{ROSTER}.sql')}) as roster"
    panel.project.write(
        f"{ROSTER}.sql",
        f"select {changed} from {roster} where student_id <> 4 union all select {appeared} from {roster} "
        "where student_id = 4",
    )
    silent, talking = preview(panel), preview(panel, "--names")
    for found in (silent, talking):
        assert lines(found)[ROSTER_NAME] == (
            "CHANGES",
            "replaced; 3 rows change (level in 2, full_name in 1); 1 row appears; 1 row vanishes",
        )
    people = {*names.values(), "Ana Cambiada", "Eva Nueva"}
    assert not any(name in silent.output for name in people if name)
    assert "student_id 3: full_name (see --names)" in silent.output
    assert not re.search(r"and [\d,]+ more", silent.output)
    assert silent.output.count(" -> [/Z9]\n") == 2
    assert f"student_id 3, full_name {names[3]}: full_name {names[3]} -> Ana Cambiada" in talking.output
    assert "appears: student_id 4242, full_name Eva Nueva" in talking.output
    assert f"vanishes: student_id 4, full_name {names[4]}" in talking.output


def test_rows_without_a_key_appear_and_vanish_and_a_key_may_be_of_several_columns(panel):
    description = panel.project.read(f"{ROSTER}.yml")
    panel.project.write(f"{ROSTER}.yml", description.replace("data_tests: [unique, not_null]", "", 1))
    change_rows(panel, ROSTER, "case when student_id = 1 then 'Z9' else level end as level")
    assert lines(preview(panel))[ROSTER_NAME] == ("CHANGES", "replaced; 1 row appears; 1 row vanishes")
    key = "{dbt_utils.unique_combination_of_columns: {arguments: {combination_of_columns: [student_id, full_name]}}}"
    description = panel.project.read(f"{ROSTER}.yml").replace(
        "    columns:\n", f"    data_tests: [{key}]\n    columns:\n"
    )
    panel.project.write(f"{ROSTER}.yml", description)
    assert lines(preview(panel))[ROSTER_NAME] == ("CHANGES", "replaced; 1 row changes (level in 1)")


def test_the_one_row_of_a_view_changes_whatever_its_key():
    old, new = (Version(["wau", "mau", "ratio", "week"], [(value,) * 4]) for value in "56")
    difference = compare(old, new, key=["wau"])
    assert difference.summary() == "1 row changes (wau in 1, mau in 1, ratio in 1, week in 1)"
    assert difference.examples(with_names=False) == ["wau 5 -> 6, mau 5 -> 6, ratio 5 -> 6, week 5 -> 6"]


def test_an_empty_text_is_no_null():
    old, new = Version(["id", "level"], [("1", None), ("2", "")]), Version(["id", "level"], [("1", ""), ("2", None)])
    assert compare(old, new, key=["id"]).examples(with_names=False) == ["id 1: level null -> ", "id 2: level  -> null"]


def test_a_row_that_comes_twice_appears():
    old, new = Version(["student_id"], [("1",), ("2",)]), Version(["student_id"], [("1",), ("2",), ("2",)])
    assert compare(old, new, key=["student_id"]).summary() == "1 row appears"


def test_another_order_is_a_change(panel):
    roster = panel.project.read(f"{ROSTER}.sql")
    panel.project.write(f"{ROSTER}.sql", f"select * from ({roster}) as roster order by student_id")
    assert lines(preview(panel))[ROSTER_NAME] == ("CHANGES", "replaced; the rows come in another order")


def test_both_versions_are_of_one_instant(panel):
    change_rows(panel, ROSTER, "now()::text as level")
    panel.deploy("run")
    change_rows(panel, ROSTER, "level || '' as level")
    found = preview(panel).exited_with(0)
    assert lines(found)[ROSTER_NAME] == ("SAME", "replaced")


def edit_what_may_be_edited(panel: Panel) -> None:
    panel.project.select_from(STUDENTS_STEP, "*, 42 as shoe_size")
    panel.project.select_from("models/intermediate/int_engagement__sessions_30d", "*")
    panel.project.append_column(ROSTER, "note", "'call'::text", "text")


def edit_each_otherwise(panel: Panel) -> None:
    panel.project.rename_column(ROSTER, "level", "course")
    panel.project.append_column(panel.model_of(ACTIVITY_NAME), "note", "'call'::text", "text")
    breaks_its_contract, of_another_role, a_table, *_ = sorted(VIEWS - {ROSTER_NAME, ACTIVITY_NAME})
    panel.project.select_from(panel.model_of(breaks_its_contract), "*, 1 as undeclared")
    panel.project.append_column(panel.model_of(of_another_role), "note", "'call'::text", "text")
    panel.execute(f"""
        grant usage on schema mgmt, mgmt_internal to school;
        grant select on all tables in schema mgmt_internal to school;
        alter view mgmt.{of_another_role} owner to school;
        grant select on mgmt.{of_another_role} to deployer;
        drop view mgmt.{a_table};
        create table mgmt.{a_table} (student_id integer);
        alter table mgmt.{a_table} owner to deployer;
    """)


def retype_a_column_of_a_step(panel: Panel) -> None:
    panel.project.select_from(STUDENTS_STEP, "student_id, full_name, level::varchar(20) as level, is_active")


def take_create_away(panel: Panel) -> None:
    panel.execute("alter schema mgmt owner to school; revoke create on schema mgmt from deployer")
    panel.execute("grant usage on schema mgmt to deployer")
    panel.project.select_from(STUDENTS_STEP, "*")
    panel.project.select_from(ROSTER, "*")


@pytest.mark.parametrize(
    "edit", [edit_what_may_be_edited, edit_each_otherwise, retype_a_column_of_a_step, take_create_away]
)
def test_the_deployment_does_what_the_preview_says(panel, edit):
    edit(panel)
    with as_it_was(panel):
        found = preview(panel)
    said = lines(found)
    run = panel.run("build", "--exclude-resource-type", "test", "--exclude-resource-type", "seed")
    done = {result.node.name: result for result in run.results if result.node.resource_type == "model"}
    for name, result in done.items():
        word, finding = said.get(name, ("STEP", "unchanged"))
        if result.status == "success":
            assert (name, finding.split(";")[0]) == (name, result.message)
        else:
            assert (name, word) == (name, "REFUSED")
        if result.status == "error":
            reason = finding.partition(" Its new version: ")[0]
            assert reason in result.message
    assert said.keys() <= done.keys()
    refused = run.exit_code != 0
    assert refused == any(word == "REFUSED" for word, _ in said.values())
    assert found.exit_code == (1 if refused or any(word in ("NEW", "CHANGES") for word, _ in said.values()) else 0)


def test_a_refusal_names_the_columns_and_what_would_differ(panel):
    panel.project.rename_column(ROSTER, "level", "course")
    panel.project.select_from(STUDENTS_STEP, "full_name, student_id, level, is_active")  # which is refused, too
    found = preview(panel).exited_with(1)
    word, finding = lines(found)[ROSTER_NAME]
    assert word == "REFUSED"
    assert "level text -> course text" in finding
    assert finding.endswith("Its new version: a new column: course; a column less: level.")


def test_a_step_is_refused_that_no_view_reads(panel):
    panel.project.write("models/intermediate/int_engagement__alone.sql", "select 1 as one")
    panel.deploy("run", "-s", "int_engagement__alone")
    panel.project.write("models/intermediate/int_engagement__alone.sql", "select 1 as another")
    found = preview(panel).exited_with(1)
    assert {name for name, (word, _) in lines(found).items() if word == "REFUSED"} == {"int_engagement__alone"}


def test_a_new_model_is_new(panel):
    panel.project.write(
        "models/panel/student_insights/engagement_levels_v.sql",
        "select level, count(*) as students from {{ ref('stg_engagement__students') }} group by level",
    )
    panel.project.write(
        "models/panel/student_insights/engagement_levels_v.yml",
        "models: [{name: engagement_levels_v, columns:"
        " [{name: level, data_type: text}, {name: students, data_type: bigint}]}]",
    )
    (levels,) = panel.execute("select count(distinct coalesce(level, '')) from students")[0]
    with as_it_was(panel):
        found = preview(panel).exited_with(1)
    assert lines(found)["engagement_levels_v"] == ("NEW", f"created; {levels} rows")
    assert {line for view, line in lines(found).items() if view in VIEWS} == {("SAME", "unchanged")}


@on_each_server
def test_on_a_school_without_the_panel_everything_is_new(panel):
    panel.execute(f"drop view {', '.join(PANEL)}; drop schema mgmt_internal cascade")
    panel.execute("delete from learning.at_risk_learners")
    with as_it_was(panel):
        refused = preview(panel).failed()
    assert {word for word, _ in lines(refused).values()} == {"REFUSED"}
    told = "there is no schema mgmt_internal, and role deployer may not create one. Grant it create on database"
    assert f"{told} {panel.database}." in refused.output

    panel.execute(f"grant create on database {panel.database} to deployer")
    with as_it_was(panel):
        found = preview(panel).exited_with(1)
    assert {view: line for view, line in lines(found).items() if view in VIEWS}.keys() == VIEWS
    assert lines(found)[ROSTER_NAME] == ("NEW", f"created; {STUDENTS} rows")
    assert ("NEW", "created; 0 rows") in lines(found).values()  # of those at dual risk
    assert {word for word, _ in lines(found).values()} == {"NEW", "STEP"}


def test_a_schema_in_capitals_that_is_there_need_not_be_made(panel):
    panel.execute('create schema "Dev" authorization deployer; create schema "Dev_internal" authorization deployer')
    found = lines(preview(panel, "--target", "Dev"))
    assert {word for word, _ in found.values()} == {"NEW", "STEP"}
    options = ("--target", "Dev", "--profiles-dir", str(panel.profile()), "--exclude-resource-type", "test")
    panel.run_dbt(panel.database, "build", *options, vars=VARS, project=panel.project.path).succeeded()
    assert panel.execute(f"select has_schema_privilege('{READER}', 'Dev', 'usage')") == [(True,)]
    assert lines(preview(panel, "--target", "Dev")) == {view: ("SAME", "unchanged") for view in VIEWS}
    panel.execute("""
        set role deployer;
        create view "Dev_internal".left_over as select * from "Dev_internal".stg_engagement__students
    """)
    run = panel.run_dbt(panel.database, "build", *options, vars=VARS, project=panel.project.path)
    assert 'drop view "Dev_internal".left_over;' in run.output


def test_a_step_that_changes_shows_in_the_views_that_read_it(panel):
    step = panel.project.read(f"{STUDENTS_STEP}.sql")
    panel.project.write(f"{STUDENTS_STEP}.sql", f"select * from ({step}) as students where student_id <> 4")
    found = lines(preview(panel))
    assert found["stg_engagement__students"] == ("STEP", "replaced")
    assert found[ROSTER_NAME] == ("CHANGES", "unchanged; 1 row vanishes")

    panel.project.restore()
    step = panel.project.read(f"{CHECKINS_STEP}.sql")
    panel.project.write(f"{CHECKINS_STEP}.sql", f"select * from ({step}) as checkins where false")
    found = lines(preview(panel))
    assert [name for name, (word, _) in found.items() if word == "STEP"] == ["stg_engagement__checkins"]
    word, finding = found["engagement_daypart_retention_v"]  # which reads it by other steps
    assert (word, finding.partition(";")[0]) == ("CHANGES", "unchanged")


def test_a_seed_that_changes_shows_in_what_reads_it(panel):
    seed = panel.project.read("seeds/dayparts.csv")
    description = yaml.safe_load(panel.project.read("seeds/dayparts.yml"))
    description["seeds"][0]["config"]["delimiter"] = ";"  # as a Spanish Excel saves it
    panel.project.write("seeds/dayparts.yml", yaml.safe_dump(description))
    panel.project.write(
        "seeds/dayparts.csv", seed.replace("evening_17_20,17,20", "evening_17_20,17,21").replace(",", ";")
    )
    with as_it_was(panel):
        found = preview(panel)
    assert lines(found)["dayparts"] == ("STEP", "replaced; 1 row changes (hour_below in 1)")
    assert "daypart evening_17_20: hour_below 20 -> 21" in found.output


def test_a_seed_with_a_column_that_its_table_lacks_would_be_refused(panel):
    header, *rows = panel.project.read("seeds/dayparts.csv").splitlines()
    panel.project.write("seeds/dayparts.csv", "\n".join([f"{header},note", *(f"{row},x" for row in rows)]))
    described = yaml.safe_load(panel.project.read("seeds/dayparts.yml"))
    described["seeds"][0]["config"]["column_types"]["note"] = "text"
    described["seeds"][0]["columns"].append({"name": "note", "description": "A note."})
    panel.project.write("seeds/dayparts.yml", yaml.safe_dump(described))
    found = preview(panel)
    assert lines(found)["dayparts"] == ("REFUSED", "its table has no column note. Add it by hand first.")
    assert lines(found)["engagement_daypart_retention_v"] == (
        "REFUSED",
        "it would be skipped, because it reads dayparts.",
    )
    run = panel.run("build", "--exclude-resource-type", "test", "--select", "+engagement_daypart_retention_v")
    assert {result.node.name: result.status for result in run.results if result.status != "success"} == {
        "dayparts": "error",
        "engagement_daypart_retention_v": "skipped",
    }


def test_what_is_killed_halfway_held_no_lock_but_a_readers_and_leaves_nothing(panel):
    with as_it_was(panel), panel.connect() as admin, admin.transaction(force_rollback=True):
        admin.execute(f"alter view mgmt.{ROSTER_NAME} set (security_barrier)")
        process = fork(preview, panel)
        try:
            wait_until(lambda: panel.execute(WAITS_FOR_THE_ROSTER) or not process.is_alive(), "it waits for the roster")
            ((pid,),) = panel.execute(WAITS_FOR_THE_ROSTER)
            assert panel.execute(LOCKS.format(pid)) == [("relation", "AccessShareLock")]
        finally:
            process.kill()
            process.join()


def test_readers_and_a_writer_notice_nothing_and_do_not_show(panel):
    panel.project.select_from(STUDENTS_STEP, "*")
    with no_reader_notices(panel):
        for _ in range(5):  # one is done before each view has been read a hundred times
            found = preview(panel).exited_with(0)
    assert {word for view, (word, _) in lines(found).items() if view in VIEWS} == {"SAME"}, found.output


@pytest.mark.filterwarnings("error::RuntimeWarning")  # a person would see it beside the one line
def test_what_cannot_be_looked_at_is_told_in_one_line(panel):
    def told(**variables: object) -> str:
        found = preview(panel, **variables).exited_with(2)
        assert (found.output, found.errors.count("\n")) == ("", 1)
        return found.errors

    problems = told(engagement_timezon="UTC", deployment_readers=["nobody there"])
    assert "engagement_timezon: there is no such var." in problems and "nobody there" in problems
    panel.execute("revoke select on student_attendance from deployer")
    assert "public.student_attendance" in told()
    panel.execute("grant select on student_attendance to deployer")

    with mock.patch("engagement_panel.preview.LOCK_WAIT", "10ms"), panel.connect() as other:
        other.execute(f"begin; alter view mgmt.{ROSTER_NAME} set (security_barrier)")
        assert told().startswith(f"{ROSTER_NAME}: something that it reads is locked for longer than 10ms. Run again")
    dayparts = panel.project.read("seeds/dayparts.csv")
    for header in ("daypart,hour_from,hour_until", "daypart,hour_below,hour_from"):
        panel.project.write("seeds/dayparts.csv", dayparts.replace("daypart,hour_from,hour_below", header))
        columns = f"seeds/dayparts.csv: has the columns {header.replace(',', ', ')}; its description has "
        assert told() == f"{columns}daypart, hour_from, hour_below.\n"
    panel.project.write("seeds/dayparts.csv", dayparts)
    change_rows(panel, ROSTER, "(1 / (student_id - student_id))::text as level")
    assert told() == f"{ROSTER_NAME}: division by zero\n"
    panel.project.restore()
    change_rows(panel, ROSTER, "no_such_column as level")
    assert told() == f'{ROSTER_NAME}: column "no_such_column" does not exist\n'
    panel.project.write(f"{ROSTER}.sql", "{{ exceptions.raise_compiler_error('not yet') }}")
    assert "not yet" in told()
