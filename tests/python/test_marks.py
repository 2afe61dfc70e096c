"""The marks of the lists: set once, they move every list, and no bucket."""

import csv
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from copies import copy_project
from support import commands_of, execute, panel_definition, printed, run_command, run_dbt

from engagement_panel import panel
from sandbox.profiles import write_profile
from sandbox.views import manifest

# Days are halves, so that nobody is near a mark for as long as the tests take.
SCHOOL = """
insert into students values
    (1, 'Seis', 'A1'), (2, 'Ocho', 'A1'), (3, 'Doce', 'A1'), (4, 'Veinte', 'A1'), (5, 'Treinta', 'A1'),
    (6, 'Nunca', 'A1'),
    (11, 'Mucho', 'B1'), (12, 'Menos', 'B1'), (13, 'Poco', 'B1'), (14, 'Apenas', 'B1');
insert into student_attendance
select student_id, now() - days * interval '24 hours'
from (values (1, 6.5), (2, 8.5), (3, 12.5), (4, 20.5), (5, 30.5)) as away (student_id, days)
union all
select student_id, now() - interval '1 hour' - n * interval '1 minute'
from (values (11, 10), (12, 7), (13, 5), (14, 3)) as here (student_id, sessions), generate_series(1, sessions) as n;
"""
# Scores of a target of 30: Mucho 33, Menos 23, Poco 16, Apenas 10, all a little less. Poco lacks a session.
MARKS = {
    "engagement_call_from_days": 10,
    "engagement_high_from_sessions": 6,
    "engagement_high_from_score": 12.5,
    "engagement_ambassador_from_score": 30,
    "engagement_list_length": 2,
    "engagement_timezone": "Asia/Tokyo",
}
TO_CALL = ["Treinta", "Veinte", "Doce"]
ENGAGED = [("Mucho", "embajador potencial"), ("Menos", "high engagement")]


@pytest.fixture(scope="module")
def database(make_database: Any, deployed_template: str) -> str:
    uri = make_database("school", template=deployed_template)
    execute(uri, SCHOOL)
    return uri


@pytest.fixture(scope="module")
def profile(database: str, workspace: Path) -> Path:
    return write_profile(workspace / "marks", database)


@pytest.fixture(scope="module")
def project(workspace: Path) -> Path:
    """Give a copy of the project with other marks; the views are those that the original deployed."""
    return copy_project(workspace / "other marks", **MARKS)


def test_a_standing_begins_at_its_marks(project, profile, database):
    standings = {
        ("5", "100"): "neither",
        ("6", "12.49"): "neither",
        ("6", "12.50"): "high engagement",
        ("6", "29.99"): "high engagement",
        ("6", "30.00"): "embajador potencial",
    }
    columns = ", ".join(f"{{{{ engagement_standing{marks} }}}}" for marks in standings)
    run = run_dbt(profile, "compile", "--quiet", "--inline", f"select {columns}", project=project).succeeded()
    assert execute(database, run.results[0].node.compiled_code) == [tuple(standings.values())]


def test_the_analyses_move(project, profile, database):
    run = run_dbt(profile, "compile", "--quiet", "--select", "path:analyses", project=project)
    queries = {result.node.name: result.node.compiled_code for result in run.results}
    called, engaged = (execute(database, queries[name]) for name in ("call_today", "high_engagement_and_ambassadors"))
    assert [row[:3] for row in called] == [(1, 5, "Treinta"), (2, 4, "Veinte")]
    assert [(row[2], row[4]) for row in engaged] == ENGAGED


def test_the_report_and_its_files_move(project, profile):
    with commands_of(project):
        run_command(profile, "report").succeeded()

    def names(file: str) -> list[str]:
        lines = (project / "report" / file).read_text(encoding="utf-8-sig").splitlines()
        return [row[0] for row in csv.reader(lines[1:], delimiter=";")]

    assert names("por_llamar.csv") == TO_CALL
    assert names("alto_compromiso.csv") == [name for name, _ in ENGAGED]
    html = (project / "report" / "panel.html").read_text(encoding="utf-8")
    assert "Asia/Tokyo" in html
    assert "Alumnos activos con 10 días o más sin venir" in html
    assert (
        "con 6 visitas o más en 30 días y un puntaje de constancia de 12,5 o más, de 100; desde 30, embajadores" in html
    )
    shown = re.findall(r'<th scope="row">(\w+)</th><td>', html)
    assert [name for name in shown if name in TO_CALL] == TO_CALL[:2]
    assert re.findall(r"Los primeros \d+ de \d+", html) == ["Los primeros 2 de 3"], "the engaged are all shown"
    # The buckets stay: Ocho is from 7 days on, though nobody is called for it.
    for label, students in (("De 30 a 179", 1), ("De 14 a 29", 1), ("De 7 a 13", 2), ("Menos de 7", 6)):
        assert f'<th scope="row">{label}</th><td>{students}</td>' in html


def test_the_demo_moves(project, profile, database):
    definition = panel_definition(profile, project=project)
    with psycopg.connect(database) as connection:
        read = panel.read_from(connection.cursor(), definition)
    assert "Whom to call: 10 days away or more (3)" in printed(read)
    assert "High engagement, the most consistent first (2)" in printed(read)


def test_the_descriptions_move(project):
    nodes = [*manifest(project).nodes.values()]
    said = {node.name: node.description for node in [*nodes, *manifest(project).exposures.values()]}
    assert "The 2 active students" in said["module_12_at_risk_students"]
    assert "absent for 10 days or more" in said["module_12_at_risk_students"]
    assert (
        "6 sessions or more in 30 days and a score of 12.5 or more; from 30 on"
        in said["module_14_high_engagement_students"]
    )
    assert "away for 10 days or more, the 2 who" in said["call_today"]
    assert "`engagement_call_from_days` (10) days or more" in " ".join(said["does_the_call_list_work"].split())
    assert "a score of 12.5 or more, the 2 best; from a score of 30 on" in said["high_engagement_and_ambassadors"]
    (score,) = (
        node.columns["consistency_score"].description
        for node in nodes
        if node.name == "engagement_student_activity_v" and node.resource_type == "model"
    )
    assert "12.5 is high engagement, 30 a potential ambassador" in score


def test_lists_have_one_order_and_hold_who_is_on_their_mark(make_database, deployed_template, workspace):
    """High engagement goes by score, then sessions, name and id: six are held at 100."""
    uri = make_database("order of the engaged", template=deployed_template)
    profile = write_profile(workspace / "order of the engaged", uri)
    definition = panel_definition(profile)
    with psycopg.connect(uri) as connection:
        connection.execute(
            """
            insert into students values
                (1, 'Zoe'), (2, 'Ana'), (3, 'Ana'), (4, null), (5, 'Bea'), (6, 'Aaron'), (7, 'Siete'), (8, 'Casi'),
                (9, 'Justa'), (10, 'Falta'), (11, 'Constante'), (12, 'Zeta'), (13, 'Alfa');
            insert into student_attendance values
                (7, now() - interval '168 hours'), (12, now() - interval '168 hours'),
                (13, now() - interval '168 hours'), (8, now() - interval '167:59:59.999999'),
                (11, now() - interval '168 hours'), (11, now() - interval '169 hours');
            insert into student_attendance
            select student_id, now()
            from
                (values (1, 40), (2, 35), (3, 35), (4, 35), (5, 35), (6, 31), (9, 18), (10, 17))
                as here (student_id, sessions),
                generate_series(1, sessions)
            """
        )
        read = panel.read_from(connection.cursor(), definition)
    scores = [(row["student_id"], row["consistency_score"]) for row in read.rows["highly_engaged"]]
    assert scores == [(1, 100), (2, 100), (3, 100), (5, 100), (4, 100), (6, 100), (9, 60)]
    assert [row["student_id"] for row in read.rows["to_call"]] == [11, 13, 7, 12]
