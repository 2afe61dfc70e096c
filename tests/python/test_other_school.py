"""A school whose every name and type is its own: vars alone, and the rows are right."""

import psycopg
import pytest

OTHER_SCHOOL = """
create schema academia;
create type academia."Nivel" as enum ('Básico', 'Medio');
create table academia."Alumnos" (
    id bigint,
    "Nombre" varchar(60),
    nivel academia."Nivel",
    estado varchar(20),
    archivado_en timestamptz
);
create table academia.visitas (alumno bigint, entrada timestamptz, borrado_en timestamptz);
create table academia.riesgo (alumno_id smallint, detenido boolean);
create table academia.detenidos (alumno_id bigint);

insert into academia."Alumnos" values
    (1, 'Zoë "Ñusta" O''Brien, Jr.', 'Básico', 'activo', null),
    (2, 'Congelada', 'Medio', 'congelado', null),
    (3, 'Archivado', 'Medio', 'activo', '2020-01-01'),
    (1, 'Archivada', 'Medio', 'activo', '2020-01-01'),
    (4, null, null, 'activo', null),
    (2147483647, 'Sin estado', 'Medio', null, null);
insert into academia.visitas values
    (1, now() - interval '20 days', null),
    (1, now() - interval '480 hours', null),
    (1, now() - interval '1 hour', now()),
    (2, now() - interval '40 days', null),
    (3, now() - interval '40 days', null),
    (4, now() - interval '200 days', null),
    (4, now() + interval '1 hour', null);
insert into academia.riesgo values (1, null), (2, true), (3, true), (4, false);
insert into academia.detenidos values (4), (77);
"""
VARS = {
    "engagement_students_schema": "academia",
    "engagement_students_table": "Alumnos",
    "engagement_students_id_column": "id",
    "engagement_students_full_name_column": "Nombre",
    "engagement_students_level_column": "nivel",
    "engagement_students_condition": "archivado_en is null",
    "engagement_students_active_condition": "estado = 'activo'",
    "engagement_attendance_schema": "academia",
    "engagement_attendance_table": "visitas",
    "engagement_attendance_student_id_column": "alumno",
    "engagement_attendance_checkin_time_column": "entrada",
    "engagement_attendance_condition": "borrado_en is null",
    "engagement_attendance_checkout_time_column": None,
    "learning_at_risk_schema": "academia",
    "learning_at_risk_table": "riesgo",
    "learning_at_risk_student_id_column": "alumno_id",
    "learning_at_risk_stuck_column": "detenido",
    "learning_at_risk_slow_column": None,
    "learning_stuck_students_enabled": True,
    "learning_stuck_students_schema": "academia",
    "learning_stuck_students_table": "detenidos",
    "learning_stuck_students_student_id_column": "alumno_id",
}
NAME = 'Zoë "Ñusta" O\'Brien, Jr.'


@pytest.fixture(scope="module")
def other_school(make_database, run_dbt):
    with psycopg.connect(make_database("other_school")) as connection:
        connection.execute(OTHER_SCHOOL)
    build = run_dbt("other_school", "build", vars=VARS)
    assert build.exit_code == 0, build.output
    assert "students_listed_twice" not in {result.node.name for result in build.results if result.status == "warn"}
    assert "This school records no check-outs (engagement_attendance_checkout_time_column is null)" in build.output
    with psycopg.connect(make_database("other_school_copy", template="other_school")) as connection:
        yield connection


def rows(connection: psycopg.Connection, columns: str, view: str) -> list[tuple]:
    return connection.execute(f"select {columns} from mgmt.{view}").fetchall()


def test_roster_holds_whom_the_school_counts(other_school):
    columns = "student_id, full_name, level, inactivity_bucket"
    assert rows(other_school, columns, "engagement_inactive_roster_v") == [
        (4, None, None, "long_term_inactive_180d"),
        (2, "Congelada", "Medio", "dormant_30d"),
        (1, NAME, "Básico", "inactive_14d"),
        (2147483647, "Sin estado", "Medio", "active_recent"),
    ]


def test_activity_holds_whom_the_school_calls_active(other_school):
    columns = "student_id, sessions_30d, avg_days_between_visits is null"
    assert rows(other_school, columns, "engagement_student_activity_v") == [(4, 0, True), (1, 2, False)]


def test_dual_risk_joins_both_learning_lists(other_school):
    columns = "student_id, engagement_issue, learning_issue"
    assert rows(other_school, columns, "engagement_dual_risk_students_v") == [
        (4, "180+ días", "Stalled"),
        (1, "14+ días", "At risk"),
    ]


# A school whose every name has quotation marks in it.
QUOTED_SCHOOL = '''
create schema "l'escola ""nova""";
create table "l'escola ""nova"""."alumnes d'ara" (
    "codi d'alumne" integer primary key, "nom ""complet""" text, "nivell d'ara" text
);
create table "l'escola ""nova"""."registre d'entrades" (
    "codi d'alumne" integer, "hora d'entrada ""real""" timestamptz, "hora de ""sortida"" d'avui" timestamptz
);
create index on "l'escola ""nova"""."registre d'entrades" ("codi d'alumne", "hora d'entrada ""real""");
create table "l'escola ""nova"""."en risc d'abandonar" (
    "codi d'alumne" integer, "s'encalla" boolean, "va ""lent""" boolean
);
insert into "l'escola ""nova"""."alumnes d'ara" values (1, 'Anna', 'A1'), (2, 'Bernat', null);
insert into "l'escola ""nova"""."registre d'entrades" values
    (1, now() - interval '20.5 days'), (1, now() - interval '60.5 days'), (2, now() - interval '1 hour'),
    (2, now() - interval '40.5 days');
insert into "l'escola ""nova"""."en risc d'abandonar" values (1, null, true);
'''
QUOTED_NAMES = {
    "engagement_students_schema": 'l\'escola "nova"',
    "engagement_students_table": "alumnes d'ara",
    "engagement_students_id_column": "codi d'alumne",
    "engagement_students_full_name_column": 'nom "complet"',
    "engagement_students_level_column": "nivell d'ara",
    "engagement_students_condition": '"codi d\'alumne" > 0',
    "engagement_attendance_schema": 'l\'escola "nova"',
    "engagement_attendance_table": "registre d'entrades",
    "engagement_attendance_student_id_column": "codi d'alumne",
    "engagement_attendance_checkin_time_column": 'hora d\'entrada "real"',
    "engagement_attendance_checkout_time_column": 'hora de "sortida" d\'avui',
    "learning_at_risk_schema": 'l\'escola "nova"',
    "learning_at_risk_table": "en risc d'abandonar",
    "learning_at_risk_student_id_column": "codi d'alumne",
    "learning_at_risk_stuck_column": "s'encalla",
    "learning_at_risk_slow_column": 'va "lent"',
}


def test_names_with_quotation_marks_are_names_like_any_other(make_database, run_dbt):
    uri = make_database("escola")
    with psycopg.connect(uri) as connection:
        connection.execute(QUOTED_SCHOOL)
    build = run_dbt("escola", "build", "--exclude-resource-type", "unit_test", vars=QUOTED_NAMES)
    assert build.exit_code == 0, build.output
    assert run_dbt("escola", "compile", vars=QUOTED_NAMES).exit_code == 0
    freshness = run_dbt("escola", "source", "freshness", vars=QUOTED_NAMES)
    assert freshness.exit_code == 0, freshness.output
    indexes = run_dbt("escola", "run-operation", "engagement_indexes", vars=QUOTED_NAMES)
    wanted = 'create index concurrently on "l\'escola ""nova"""."registre d\'entrades" ("hora d\'entrada ""real""");'
    assert wanted in indexes.output
    assert indexes.output.count("create index") == 1
    with psycopg.connect(uri) as connection:
        roster = rows(connection, "student_id, full_name, level, inactivity_bucket", "engagement_inactive_roster_v")
        assert roster == [(1, "Anna", "A1", "inactive_14d"), (2, "Bernat", None, "active_recent")]
        assert rows(connection, "student_id, learning_issue", "engagement_dual_risk_students_v") == [(1, "Slow")]
        assert rows(connection, "student_id", "engagement_recent_reactivated_14d_v") == [(2,)]
