"""A school whose every name and type is its own, with quotation marks in names: vars alone, and the rows are right."""

import psycopg
import pytest
from support import execute

OTHER_SCHOOL = '''
create schema "l'escola ""nova""";
set search_path = "l'escola ""nova""";
create type "Nivell" as enum ('Básico', 'Medio');
create table "alumnes d'ara" (
    "codi d'alumne" bigint,
    "nom ""complet""" varchar(60),
    "nivell d'ara" "Nivell",
    "l'estat" varchar(20),
    "arxivat d'ahir" timestamptz
);
create table "registre d'entrades" (
    "codi d'alumne" bigint, "hora d'entrada ""real""" timestamptz, "hora de ""sortida"" d'avui" timestamptz,
    "esborrat d'ahir" timestamptz
);
create index on "registre d'entrades" ("codi d'alumne", "hora d'entrada ""real""");
create table "en risc d'abandonar" ("codi d'alumne" smallint, "s'encalla" boolean, "va ""lent""" boolean);
create table "els ""encallats""" ("codi d'alumne" bigint);

insert into "alumnes d'ara" values
    (1, 'Zoë "Ñusta" O''Brien, Jr.', 'Básico', 'activo', null),
    (2, 'Congelada', 'Medio', 'congelado', null),
    (3, 'Archivado', 'Medio', 'activo', '2020-01-01'),
    (1, 'Archivada', 'Medio', 'activo', '2020-01-01'),
    (4, null, null, 'activo', null),
    (2147483647, 'Sin estado', 'Medio', null, null);
insert into "registre d'entrades" values
    (1, now() - interval '20 days', null, null),
    (1, now() - interval '480 hours', null, null),
    (1, now() - interval '1 hour', null, now()),
    (1, now() + interval '1 hour', null, now()),
    (2, now() - interval '10 days', null, null),
    (3, now() - interval '40 days', null, null),
    (4, now() - interval '200 days', null, null),
    (4, now() + interval '1 hour', null, null);
insert into "en risc d'abandonar" values (1, null, true), (2, true, true), (3, true, true), (4, false, true);
insert into "els ""encallats""" values (4), (77);
'''
VARS = {
    "engagement_students_schema": 'l\'escola "nova"',
    "engagement_students_table": "alumnes d'ara",
    "engagement_students_id_column": "codi d'alumne",
    "engagement_students_full_name_column": 'nom "complet"',
    "engagement_students_level_column": "nivell d'ara",
    "engagement_students_condition": '"arxivat d\'ahir" is null',
    "engagement_students_active_condition": "\"l'estat\" = 'activo'",
    "engagement_attendance_schema": 'l\'escola "nova"',
    "engagement_attendance_table": "registre d'entrades",
    "engagement_attendance_student_id_column": "codi d'alumne",
    "engagement_attendance_checkin_time_column": 'hora d\'entrada "real"',
    "engagement_attendance_condition": '"esborrat d\'ahir" is null or false -- seva',
    "engagement_attendance_checkout_time_column": None,
    "engagement_attendance_checkout_condition": "no_such_column is null",
    "learning_at_risk_schema": 'l\'escola "nova"',
    "learning_at_risk_table": "en risc d'abandonar",
    "learning_at_risk_student_id_column": "codi d'alumne",
    "learning_at_risk_stuck_column": "s'encalla",
    "learning_at_risk_slow_column": None,
    "learning_stuck_students_enabled": True,
    "learning_stuck_students_schema": 'l\'escola "nova"',
    "learning_stuck_students_table": 'els "encallats"',
    "learning_stuck_students_student_id_column": "codi d'alumne",
}
WITH_ALL_COLUMNS = VARS | {
    "engagement_attendance_checkout_condition": "true",
    "engagement_attendance_checkout_time_column": 'hora de "sortida" d\'avui',
    "learning_at_risk_slow_column": 'va "lent"',
}
DUAL_RISK = "engagement_dual_risk_students_v"


@pytest.fixture(scope="module")
def other_school(make_database, run_dbt):
    """Give a connection to a copy of the school, which stays as it was deployed."""
    execute(make_database("other_school"), OTHER_SCHOOL)
    build = run_dbt("other_school", "build", vars=VARS).succeeded()
    warned = {result.node.name: result.failures for result in build.results if result.status == "warn"}
    assert {"future_checkins": 1, "learners_who_are_nobody": 1}.items() <= warned.items()
    assert not warned.keys() & {"students_listed_twice", "checkins_of_nobody", "sessions_left_open"}
    assert "This school records no check-outs (engagement_attendance_checkout_time_column is null)" in build.output
    with psycopg.connect(make_database("other_school_copy", "other_school")) as connection:
        yield connection


def rows(connection: psycopg.Connection, columns: str, view: str) -> list[tuple]:
    return connection.execute(f"select {columns} from mgmt.{view}").fetchall()


def test_roster_holds_whom_the_school_counts(other_school):
    columns = "student_id, full_name, level, inactivity_bucket"
    assert rows(other_school, columns, "engagement_inactive_roster_v") == [
        (4, None, None, "long_term_inactive_180d"),
        (1, 'Zoë "Ñusta" O\'Brien, Jr.', "Básico", "inactive_14d"),
        (2, "Congelada", "Medio", "inactive_7d"),
        (2147483647, "Sin estado", "Medio", "active_recent"),
    ]


def test_activity_holds_whom_the_school_calls_active(other_school):
    columns = "student_id, sessions_30d, avg_days_between_visits is null"
    assert rows(other_school, columns, "engagement_student_activity_v") == [(4, 0, True), (1, 2, False)]


def test_dual_risk_joins_both_learning_lists(other_school):
    columns = "student_id, engagement_issue, learning_issue"
    assert rows(other_school, columns, DUAL_RISK) == [(4, "180+ días", "Stalled"), (1, "14+ días", "At risk")]


@pytest.mark.usefixtures("other_school")
def test_columns_that_a_school_may_lack_may_have_any_name_too(make_database, run_dbt):
    uri = make_database("other_columns", "other_school")
    read = ("-s", "stg_engagement__checkins", "stg_engagement__learners_at_risk", "int_engagement__sessions")
    run = run_dbt("other_columns", "run", *read, vars=WITH_ALL_COLUMNS).succeeded()
    assert execute(uri, f"select student_id, learning_issue from mgmt.{DUAL_RISK}") == [(4, "Stalled"), (1, "Slow")]
    assert "no check-outs" not in run.output
    without_stuck = WITH_ALL_COLUMNS | {"learning_at_risk_stuck_column": None}
    run_dbt("other_columns", "run", *read, vars=without_stuck).succeeded()
    assert execute(uri, f"select student_id, learning_issue from mgmt.{DUAL_RISK}") == [(4, "Stalled"), (1, "Slow")]
    run_dbt("other_columns", "compile", vars=WITH_ALL_COLUMNS).succeeded()


@pytest.mark.usefixtures("other_school")
def test_analyses_run_without_a_column_that_a_school_may_lack(make_database, run_dbt):
    uri = make_database("other_analyses", "other_school")
    for lacks in ("learning_at_risk_slow_column", "learning_at_risk_stuck_column"):
        variables = WITH_ALL_COLUMNS | {lacks: None}
        run = run_dbt("other_analyses", "compile", "--select", "path:analyses", vars=variables).succeeded()
        for result in run.results:
            execute(uri, result.node.compiled_code)


@pytest.mark.usefixtures("other_school")
def test_a_missing_index_is_named_with_the_schools_names(run_dbt):
    indexes = run_dbt("other_school", "run-operation", "engagement_indexes", vars=VARS)
    wanted = 'create index concurrently on "l\'escola ""nova"""."registre d\'entrades" ("hora d\'entrada ""real""");'
    assert wanted in indexes.output
    assert indexes.output.count("create index") == 1


@pytest.mark.usefixtures("other_school")
def test_a_check_in_that_was_deleted_makes_no_feed_fresh(run_dbt):
    run = run_dbt("other_school", "source", "freshness", vars=VARS).failed()
    assert [result.status for result in run.results if result.node.resource_type == "source"] == ["error"]
