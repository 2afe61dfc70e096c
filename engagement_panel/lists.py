"""The lists of students that a manager acts on, by the dashboard's own rules."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from engagement_panel import spanish
from engagement_panel.panel import Panel, Row


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
    """Students with what the page shows of them; the name is that of the list's file."""

    name: str
    title: str
    explanation: str
    columns: list[Column]
    rows: list[Row]


STUDENT = [Column("full_name", "Nombre", spanish.name), Column("student_id", "N.º"), Column("level", "Nivel")]
DAYS_AWAY = Column("days_since_last_checkin", "Días sin venir", spanish.whole)


def student_lists(panel: Panel) -> list[StudentList]:
    """Give the lists of a panel, each complete; one whose view the school keeps as its own is left out."""
    return list(_lists(panel, panel.definition))


def _lists(panel: Panel, marks: dict[str, Any]) -> Iterator[StudentList]:
    if "to_call" in panel.rows:
        yield StudentList(
            "por_llamar",
            "Por llamar",
            f"Alumnos activos con {marks['call_from_days']} días o más sin venir; primero quien lleva más tiempo"
            " ausente.",
            [*STUDENT, DAYS_AWAY, Column("avg_days_between_visits", "Días entre visitas", spanish.one_decimal)],
            panel.rows["to_call"],
        )
    if "highly_engaged" in panel.rows:
        yield StudentList(
            "alto_compromiso",
            "Alto compromiso",
            f"Alumnos activos con {marks['high_from_sessions']} visitas o más en 30 días y un puntaje de constancia de"
            f" {spanish.number(marks['high_from_score'])} o más, de 100; desde"
            f" {spanish.number(marks['ambassador_from_score'])}, embajadores potenciales.",
            [
                *STUDENT,
                Column("sessions_30d", "Visitas en 30 días", spanish.whole),
                Column("consistency_score", "Puntaje", spanish.whole),
                Column("standing", "Distinción"),
            ],
            [row | {"standing": spanish.STANDINGS[row["standing"]]} for row in panel.rows["highly_engaged"]],
        )
    if "returned" in panel.rows:
        yield StudentList(
            "regresos",
            "Regresos",
            "Alumnos activos que volvieron en los últimos 14 días tras 14 días o más de ausencia; primero el más"
            " reciente.",
            [
                *STUDENT[:2],
                Column("return_date", "Volvió el", spanish.day),
                Column("days_inactive_before_return", "Días de ausencia", spanish.whole),
            ],
            panel.rows["returned"],
        )
    if "at_dual_risk" in panel.rows:
        issues = spanish.LEARNING_ISSUES
        yield StudentList(
            "doble_riesgo",
            "Doble riesgo",
            "Alumnos activos con 14 días o más sin venir que, además, preocupan en su aprendizaje.",
            [*STUDENT, DAYS_AWAY, Column("learning_issue", "Aprendizaje")],
            [row | {"learning_issue": issues[row["learning_issue"]]} for row in panel.rows["at_dual_risk"]],
        )
