"""The page's key figures and charts, and what the terminal prints, from rows on paper."""

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
        {"iso_weekday": day, "hour_local": hour, "minutes": {(1, 9): 60, (7, 20): 7}.get((day, hour), 0)}
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
    assert spanish.moment(datetime(2026, 3, 16, 15, 30)) == "lunes 16 de marzo de 2026, 15:30"


def test_the_charts_hold_the_rows(panel):
    rows = {name: figure.rows for name, figure in figures(panel).items() if name != "horas"}
    assert rows == {
        "semanas": [[f"9{SPACE}mar", "80"], [f"16{SPACE}mar", "20"]],
        "minutos": [[f"9{SPACE}mar", "9.000"], [f"16{SPACE}mar", "600"]],
        "mes": [[f"15{SPACE}mar", "110"], [f"16{SPACE}mar", "80"]],
        "minutos-franja": [["Mañana, 8 a 12", "60"], ["Tarde, 12 a 17", "0"], ["Noche, 17 a 20", "15"]],
        "dias": [["lun", "60"], ["mar", "0"], ["mié", "0"], ["jue", "0"], ["vie", "0"], ["sáb", "0"], ["dom", "15"]],
        "tramos": [["7 o más", "40"], ["De 3 a 6", "1.410"], ["Menos de 3", "90"]],
        "niveles": [["Nivel A1", "3,2"], ["Nivel ", "2,0"]],
    }
    assert "(5)" in figures(panel)["tramos"].note


def test_the_heatmap_shows_the_opening_hours(panel):
    heatmap = figures(panel)["horas"]
    assert heatmap.headings == ["Día", *(f"{hour}:00" for hour in range(9, 21))]
    assert [row[0] for row in heatmap.rows] == ["lun", "mar", "mié", "jue", "vie", "sáb", "dom"]
    assert heatmap.rows[0][1:] == ["60", *["0"] * 11]
    assert heatmap.rows[6][1:] == [*["0"] * 11, "7"]


def test_the_present_week_is_paler_than_those_that_are_over(panel):
    for name in ("semanas", "minutos"):
        bars = [bar.get("class") for bar in ElementTree.fromstring(figures(panel)[name].picture).iter("rect")]
        assert bars == ["bar", "bar unfinished"]
        assert "aún no termina" in figures(panel)[name].note


def test_a_school_without_checkouts_is_told_so(panel):
    without = replace(panel, definition=DEFINITION | {"has_checkouts": False})
    assert not [figure for figure in key_figures(without) if "inutos" in figure.title]
    assert {section.name: section.note for section in sections(without)}["horarios"] == NO_CHECKOUTS
    assert not {"minutos", "horas", "minutos-franja", "dias"} & figures(without).keys()


def lines(panel: Panel) -> list[str]:
    """Give the lines that the terminal shows."""
    return [line.rstrip() for line in printed(panel).splitlines() if line.strip()]


def test_the_terminal_shows_figures_trends_and_hours(panel):
    title, *shown = lines(panel)
    assert " The engagement panel of 1540 students " in title
    assert shown[:14] == [
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
        "Mon   ██",
        "Tue",
    ]
    assert shown[18] == f"Sun  {' ' * 34}░░"
    bars = {line.split()[0]: line.split()[1:] for line in shown[19:]}
    assert bars["away"] == ["40", "Mon", "█" * 14, "60"]
    assert bars["soon"][:2] == ["█" * 14, "1,410"]
    assert bars["morning_08_12"][:2] == ["█" * 14, "60"]
    assert bars["evening_17_20"][:2] == ["████", "15"]


def test_a_week_like_the_one_before_is_no_change_on_the_page_and_in_the_terminal(panel):
    week = ROWS["week_over_week"][0] | {"active_students_prev7d": 1180, "active_students_wow_change": Decimal("0.0000")}
    same = replace(panel, rows=ROWS | {"week_over_week": [week]})
    assert key_figures(same)[0].note == f"={SPACE}0,0{SPACE}% frente a los 7 días anteriores"
    assert any("students: 1,180 after 1,180 (+0.0 %); " in line for line in lines(same))


def test_the_terminal_says_why_there_are_no_minutes(panel):
    empty = replace(panel, rows=ROWS | {"heatmap": [row | {"minutes": 0} for row in ROWS["heatmap"]]})
    assert "No minutes: nobody checked out." in lines(empty)
    empty = replace(empty, definition=DEFINITION | {"has_checkouts": False})
    assert "No minutes: no check-outs are recorded." in lines(empty)


def test_the_terminal_shows_the_head_of_a_list_and_counts_it_all(panel):
    called = [
        {
            "student_id": n,
            "full_name": f"Ana {n}",
            "level": "A1",
            "avg_days_between_visits": Decimal("2.50") if n < 4 else None,
            "days_since_last_checkin": Decimal(30 - n),
        }
        for n in range(1, 7)
    ]
    *_, title, headings, first, second, third, fourth, last = lines(replace(panel, rows=ROWS | {"to_call": called}))
    assert title == "Whom to call: 7 days away or more (6)"
    assert headings.split("  ")[0] == "Id" and headings.endswith("Level  Usual gap, days  Days away")
    assert (first.split(), last.split()) == (
        ["1", "Ana", "1", "A1", "2.50", "29"],
        ["5", "Ana", "5", "A1", "–", "25"],
    )
    assert first.index("2.50") + 4 == last.index("–") + 1 == headings.index("days  Days") + 4, (
        "numbers stand at the right"
    )
