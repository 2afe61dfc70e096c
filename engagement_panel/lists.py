"""The lists of students that a manager acts on, by the dashboard's own rules."""

from collections.abc import Callable
from typing import Any, NamedTuple

from engagement_panel import spanish
from engagement_panel.panel import Panel, Row

CALL_FROM_DAYS = 7
ENGAGED_FROM_SESSIONS = 5
ENGAGED_FROM_SCORE = 60
AMBASSADOR_FROM_SCORE = 85


class Column(NamedTuple):
    """A column of a list: the row's field, its heading, and how the page writes its values."""

    field: str
    heading: str
    write: Callable[[Any], str] = spanish.text

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers."""
        return self.write in (spanish.whole, spanish.one_decimal)


class StudentList(NamedTuple):
    """Students with what the page tells of them; the name is that of the list's file."""

    name: str
    title: str
    explanation: str
    columns: list[Column]
    rows: list[Row]


STUDENT = [Column("full_name", "Nombre", spanish.name), Column("student_id", "N.º"), Column("level", "Nivel")]
DAYS_AWAY = Column("days_since_last_checkin", "Días sin venir", spanish.whole)


def student_lists(panel: Panel) -> list[StudentList]:
    """Make the four lists of a panel, each complete."""
    return [_to_call(panel), _engaged(panel), _returned(panel), _at_dual_risk(panel)]


def _to_call(panel: Panel) -> StudentList:
    return StudentList(
        "por_llamar",
        "Por llamar",
        f"Alumnos activos con {CALL_FROM_DAYS} días o más sin venir; primero quien lleva más tiempo ausente.",
        [*STUDENT, DAYS_AWAY, Column("avg_days_between_visits", "Días entre visitas", spanish.one_decimal)],
        [row for row in panel.activity if (row["days_since_last_checkin"] or 0) >= CALL_FROM_DAYS],
    )


def _engaged(panel: Panel) -> StudentList:
    rows = [
        row | {"recognition": _recognition(row["consistency_score"])}
        for row in panel.activity
        if row["sessions_30d"] >= ENGAGED_FROM_SESSIONS and row["consistency_score"] >= ENGAGED_FROM_SCORE
    ]
    return StudentList(
        "alto_compromiso",
        "Alto compromiso",
        f"Alumnos activos con {ENGAGED_FROM_SESSIONS} visitas o más en 30 días y un puntaje de constancia de"
        f" {ENGAGED_FROM_SCORE} o más, de 100; desde {AMBASSADOR_FROM_SCORE}, embajadores potenciales.",
        [
            *STUDENT,
            Column("sessions_30d", "Visitas en 30 días", spanish.whole),
            Column("consistency_score", "Puntaje", spanish.whole),
            Column("recognition", "Distinción"),
        ],
        sorted(rows, key=lambda row: (row["consistency_score"], row["sessions_30d"]), reverse=True),
    )


def _recognition(score: Any) -> str:
    return "Embajador potencial" if score >= AMBASSADOR_FROM_SCORE else ""


def _returned(panel: Panel) -> StudentList:
    return StudentList(
        "regresos",
        "Regresos",
        "Alumnos activos que volvieron en los últimos 14 días tras 14 días o más de ausencia; primero el más reciente.",
        [
            *STUDENT[:2],
            Column("return_date", "Volvió el", spanish.day),
            Column("days_inactive_before_return", "Días de ausencia", spanish.whole),
        ],
        panel.returns,
    )


def _at_dual_risk(panel: Panel) -> StudentList:
    return StudentList(
        "doble_riesgo",
        "Doble riesgo",
        "Alumnos activos con 14 días o más sin venir que, además, preocupan en su aprendizaje.",
        [*STUDENT, DAYS_AWAY, Column("learning_issue", "Aprendizaje")],
        [row | {"learning_issue": spanish.LEARNING_ISSUES[row["learning_issue"]]} for row in panel.dual_risk],
    )
