"""The page's key figures and charts, and what the terminal prints, from rows on paper."""

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from support import printed

from engagement_panel import spanish
from engagement_panel.figures import NO_CHECKOUTS, Figure, key_figures, sections
from engagement_panel.panel import Panel

SPACE = "\N{NO-BREAK SPACE}"
MONDAY = date(2026, 3, 16)
BUCKETS = [{"bucket": "away", "days": 7}, {"bucket": "soon", "days": 3}, {"bucket": "here", "days": None}]
DEFINITION = {"has_checkouts": True, "buckets": BUCKETS, "call_from_days": 7}
ROWS: dict[str, list[dict[str, Any]]] = {
    "active": [{"active_7d": 1180, "active_14d": 1240, "active_30d": 1300, "active_6mo": 1450}],
    "wau_mau": [{"wau": 1180, "mau": 1300, "wau_mau_ratio": Decimal("0.9077")}],
    "week_over_week": [
        {
            "active_students_7d": 1180,
            "active_students_prev7d": 1239,
            "active_students_wow_change": Decimal("-0.0476"),
            "total_minutes_7d": 5400,
            "total_minutes_prev7d": 0,
            "total_minutes_wow_change": None,
        }
    ],
    "mean_gaps": [
        {"scope": "GLOBAL", "level": None, "avg_days_between_visits": Decimal("2.96")},
        {"scope": "LEVEL", "level": "A1", "avg_days_between_visits": Decimal("3.25")},
        {"scope": "LEVEL", "level": "", "avg_days_between_visits": Decimal("2.00")},
    ],
    "median_gap": [{"median_days_between_visits": None}],
    "inactive": [
        {"inactive_7d_count": 40, "inactive_14d_count": 30, "dormant_30d_count": 20, "inactive_180d_count": 10}
    ],
    "weeks": [
        {"week_start": MONDAY - timedelta(7), "max_daily_actives": 80, "total_minutes": 9000},
        {"week_start": MONDAY, "max_daily_actives": 20, "total_minutes": 600},
    ],
    "rolling_month": [
        {"snapshot_date": MONDAY - timedelta(1), "mau_rolling_30d": 110},
        {"snapshot_date": MONDAY, "mau_rolling_30d": 80},
    ],
    "heatmap": [
        {"iso_weekday": day, "hour_local": hour, "minutes": {(1, 9): 60, (1, 20): 8, (7, 20): 7}.get((day, hour), 0)}
        for day in range(1, 8)
        for hour in range(24)
    ],
    "minutes_by_daypart": [
        {"daypart": "morning_08_12", "total_minutes": Decimal("60.50")},
        {"daypart": "afternoon_12_17", "total_minutes": Decimal("0.00")},
        {"daypart": "evening_17_20", "total_minutes": Decimal("15.00")},
    ],
    "days": [
        {"d": MONDAY - timedelta(7), "total_minutes": Decimal("40.00")},
        {"d": MONDAY - timedelta(1), "total_minutes": Decimal("15.00")},
        {"d": MONDAY, "total_minutes": Decimal("20.50"), "active_students": 9},
    ],
    "roster": [
        {"inactivity_bucket": "away", "students": 40, "never_came": 0},
        {"inactivity_bucket": "soon", "students": 1410, "never_came": 0},
        {"inactivity_bucket": "here", "students": 90, "never_came": 5},
    ],
    "frequency": [{"bin_label": "0", "student_count": 7}, {"bin_label": "11+", "student_count": 2}],
    "dayparts": [{"daypart": "morning_08_12", "return_rate": Decimal("0.5000")}],
}
# Each chart's title, the headings and rows of its table, and its note.
NOT_OVER = "La semana en curso, más clara, aún no termina."
CHARTS = {
    "semanas": ("Más alumnos en un día, por semana", "Semana del: Alumnos; 9 mar: 80; 16 mar: 20", NOT_OVER),
    "minutos": ("Minutos por semana", "Semana del: Minutos; 9 mar: 9.000; 16 mar: 600", NOT_OVER),
    "mes": (
        "Alumnos de los 30 días anteriores a cada día",
        "Día: Alumnos; 15 mar: 110; 16 mar: 80",
        "El día de hoy, que aún no termina, no cuenta.",
    ),
    "minutos-franja": (
        "Minutos por franja horaria en 90 días",
        "Franja: Minutos; Mañana, 8 a 12: 60; Tarde, 12 a 17: 0; Noche, 17 a 20: 15",
        "",
    ),
    "dias": (
        "Minutos por día de la semana en 90 días",
        "Día: Minutos; lun: 60; mar: 0; mié: 0; jue: 0; vie: 0; sáb: 0; dom: 15",
        "El día de hoy aún no termina.",
    ),
    "tramos": (
        "Alumnos por días sin venir",
        "Días sin venir: Alumnos; 7 o más: 40; De 3 a 6: 1.410; Menos de 3: 90",
        "Quien aún no ha venido nunca (5) cuenta entre los de menos de 7 días.",
    ),
    "frecuencia": ("Alumnos activos por visitas en los últimos 30 días", "Visitas: Alumnos; 0: 7; 11+: 2", ""),
    "franjas": (
        "Alumnos que repiten franja horaria en los últimos 30 días",
        "Franja: Repiten; Mañana, 8 a 12: 50,0 %",
        "De quienes vinieron en la franja, la parte que vino en ella dos veces o más.",
    ),
    "niveles": ("Días entre visitas, promedio por nivel", "Nivel: Días; Nivel A1: 3,2; Nivel : 2,0", ""),
}


@pytest.fixture
def panel() -> Panel:
    return Panel(DEFINITION, "school", datetime(2026, 3, 16, 12), ROWS)


def figures(panel: Panel) -> dict[str, Figure]:
    return {figure.name: figure for section in sections(panel) for figure in section.figures}


def test_the_key_figures_are_read_as_people_write_them(panel):
    assert [tuple(figure) for figure in key_figures(panel)] == [
        ("Vinieron en 7 días", "1.180", f"▼{SPACE}4,8{SPACE}% frente a los 7 días anteriores"),
        ("En 14 días", "1.240", ""),
        ("En 30 días", "1.300", ""),
        ("En 180 días", "1.450", ""),
        ("De los del mes, esta semana", f"90,8{SPACE}%", ""),
        ("Minutos en 7 días", "5.400", "sin semana anterior con que comparar"),
        ("Días entre visitas, promedio", "3,0", ""),
        ("Días entre visitas, mediana", "–", ""),
        ("Activos sin venir 7 días o más", "40", ""),
        ("Activos sin venir 14 días o más", "30", ""),
        ("Activos sin venir 30 días o más", "20", ""),
        ("Activos sin venir 180 días o más", "10", ""),
    ]


def test_without_the_active_counts_those_who_came_are_those_of_the_week(panel):
    without = replace(panel, rows={name: rows for name, rows in ROWS.items() if name != "active"})
    assert key_figures(without)[0] == key_figures(panel)[0]


def test_a_moment_is_written_in_full():
    assert spanish.moment(datetime(2025, 12, 30, 15, 30)) == "martes 30 de diciembre de 2025, 15:30"
    assert spanish.day(date(2026, 3, 6)).replace(SPACE, " ") == "vie 6 mar"


def test_the_charts_hold_the_rows(panel):
    found = {}
    for name, figure in figures(panel).items():
        table = "; ".join(": ".join(row) for row in (figure.headings, *figure.rows)).replace(SPACE, " ")
        found[name] = (figure.title, table, figure.note)
        assert ElementTree.fromstring(figure.picture).findtext("title") == figure.title
    assert {name: chart for name, chart in found.items() if name != "horas"} == CHARTS
    assert [section.title for section in sections(panel)] == ["Tendencias", "Horarios", "Alumnos"]


def test_the_heatmap_shows_the_opening_hours(panel):
    heatmap = figures(panel)["horas"]
    assert heatmap.title == "Minutos por hora de la semana en 90 días"
    assert heatmap.note == "Cuanto más oscuro, más minutos; 60 en la hora más llena."
    assert heatmap.headings == ["Día", *(f"{hour}:00" for hour in range(9, 21))]
    texts = [text.text for text in ElementTree.fromstring(heatmap.picture).iter("text")]
    assert texts[:12] == [str(hour) for hour in range(9, 21)]
    assert [row[0] for row in heatmap.rows] == ["lun", "mar", "mié", "jue", "vie", "sáb", "dom"]
    assert heatmap.rows[0][1:] == ["60", *["0"] * 10, "8"]
    assert heatmap.rows[6][1:] == [*["0"] * 11, "7"]


def test_the_present_week_is_paler_than_those_that_are_over(panel):
    for name in ("semanas", "minutos"):
        bars = [bar.get("class") for bar in ElementTree.fromstring(figures(panel)[name].picture).iter("rect")]
        assert bars == ["bar", "bar unfinished"]


def test_a_school_without_checkouts_is_told_so(panel):
    without = replace(panel, definition=DEFINITION | {"has_checkouts": False})
    assert not [figure for figure in key_figures(without) if "inutos" in figure.title]
    assert {section.name: section.note for section in sections(without)}["horarios"] == NO_CHECKOUTS
    assert not {"minutos", "horas", "minutos-franja", "dias"} & figures(without).keys()


def lines(panel: Panel) -> list[str]:
    """Give the lines that the terminal shows."""
    return [line.rstrip() for line in printed(panel).splitlines() if line.strip()]


BARS = """\
Last seen Visits in the last 30 days
away 40 0 ██████████████ 7
soon ██████████████ 1,410 11+ ████ 2
here █ 90
Minutes by weekday, in 90 days
Share who came back at that time of day Mon ██████████████ 60
morning_08_12 ██████████████ 0.5000 Tue 0
Wed 0
Minutes at that time of day, in 90 days Thu 0
morning_08_12 ██████████████ 60 Fri 0
afternoon_12_17 0 Sat 0
evening_17_20 ████ 15 Sun ████ 15
"""


def test_the_terminal_shows_figures_trends_and_hours(panel):
    title, *shown = lines(panel)
    assert " The engagement panel of 1540 students " in title
    assert shown[:12] == [
        "Came in the last          7 days: 1180, 14 days: 1240, 30 days: 1300, 180 days: 1450",
        "Week of month             1180 of 1300 (90.8 %)",
        "Active, away for          7+ days: 40, 14+ days: 30, 30+ days: 20, 180+ days: 10",
        "Days between visits       mean 2.96, median –",
        "7 days, and the 7 before  students: 1,180 after 1,239 (-4.8 %); minutes: 5,400 after 0 (–)",
        "Rolling month (students of the 30 days before each of the last 90)",
        "█▆  now 80",
        "Weeks (most students on a day; the last week is not over)",
        "  80   20…",
        "Today (not over)  9 students, 20 minutes",
        "Minutes by hour of the week in 90 days (█ up to 60)",
        "       9 10 11 12 13 14 15 16 17 18 19 20",
    ]
    assert shown[12:19] == [f"Mon   ██{' ' * 31}░░", *"Tue Wed Thu Fri Sat".split(), f"Sun  {' ' * 34}░░"]
    assert [" ".join(line.split()) for line in shown[19:]] == BARS.splitlines()


@pytest.mark.parametrize(("change", "written"), [("0.0000", "= 0,0"), ("0.0600", "▲ 6,0")])
def test_a_week_like_the_one_before_is_no_change_and_more_is_a_rise_on_the_page_and_in_the_terminal(
    panel, change, written
):
    week = ROWS["week_over_week"][0] | {"active_students_prev7d": 1113, "active_students_wow_change": Decimal(change)}
    other = replace(panel, rows=ROWS | {"week_over_week": [week]})
    assert key_figures(other)[0].note.replace(SPACE, " ") == f"{written} % frente a los 7 días anteriores"
    assert any(f"students: 1,180 after 1,113 (+{written[2:].replace(',', '.')} %); " in line for line in lines(other))


def test_the_terminal_says_why_there_are_no_minutes(panel):
    empty = replace(panel, rows=ROWS | {"heatmap": [row | {"minutes": 0} for row in ROWS["heatmap"]]})
    assert "No minutes: nobody checked out." in lines(empty)
    empty = replace(empty, definition=DEFINITION | {"has_checkouts": False})
    assert [line for line in lines(empty) if "inutes" in line] == ["No minutes: no check-outs are recorded."]


# Of each list of the terminal its title, its headings, a student's values, and what is shown of that student.
LISTS = {
    "to_call": (
        "Whom to call: 7 days away or more",
        "Id  Student  Level  Usual gap, days  Days away",
        {"level": "A1", "avg_days_between_visits": Decimal("2.50"), "days_since_last_checkin": Decimal("29.25")},
        "A1  2.50  29.25",
    ),
    "highly_engaged": (
        "High engagement, the most consistent first",
        "Id  Student  Level  Visits in 30 days  Consistency",
        {"level": None, "sessions_30d": 30, "consistency_score": Decimal("99.50")},
        "–  30  99.50",
    ),
    "returned": (
        "Back in the last 14 days",
        "Id  Student  Days away  Came back on",
        {"days_inactive_before_return": 39, "return_date": MONDAY},
        "39  2026-03-16",
    ),
    "at_dual_risk": (
        "At risk twice: away, and behind in learning",
        "Id  Student  Level  Engagement  Learning  Days away",
        {
            "level": "B1",
            "engagement_issue": "30+ días",
            "learning_issue": "Slow",
            "days_since_last_checkin": Decimal(31),
        },
        "B1  30+ días  Slow  31",
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_the_terminal_shows_the_head_of_a_list_and_counts_it_all(panel, name):
    title, headings, values, shown = LISTS[name]
    students = [{"student_id": n, "full_name": f"Ana {n}"} | values for n in range(1, 7)]
    students[1] |= dict.fromkeys(values)
    *_, found_title, heads, first, second, third, fourth, last = lines(replace(panel, rows=ROWS | {name: students}))
    assert found_title == f"{title} (6)"
    assert re.split("  +", heads.strip()) == headings.split("  ")
    assert [re.split("  +", line.strip()) for line in (first, last)] == [
        f"{n}  Ana {n}  {shown}".split("  ") for n in (1, 5)
    ]
    assert second.split() == ["2", "Ana", "2", *"–" * len(values)]
    for column, heading in zip(values, headings.split("  ")[2:], strict=True):
        edge = heads.index(heading) + (len(heading) - 1 if isinstance(values[column], int | Decimal) else 0)
        assert first[edge] != " ", "numbers end where their heading ends, words begin where it begins"
