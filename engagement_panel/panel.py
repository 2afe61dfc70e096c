"""The views, all read at one instant."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg2 import errors
from psycopg2.extensions import cursor as Cursor

from engagement_panel.target import CannotRunError, read_only, render

VIEWS = {
    "roster": "engagement_inactive_roster_v",
    "activity": "engagement_student_activity_v",
    "returns": "engagement_recent_reactivated_14d_v",
    "frequency": "engagement_session_frequency_30d_v",
    "dayparts": "engagement_daypart_retention_v",
    "dual_risk": "engagement_dual_risk_students_v",
}

Row = dict[str, Any]


@dataclass(frozen=True)
class Panel:
    """The rows of each view, in the view's order, and the instant of reading in the school's local time."""

    database: str
    timezone: str
    local_time: datetime
    roster: list[Row]
    activity: list[Row]
    returns: list[Row]
    frequency: list[Row]
    dayparts: list[Row]
    dual_risk: list[Row]


def read(target: str | None) -> Panel:
    """Read the panel in one read-only transaction.

    Args:
        target: of the dbt profile; None for the profile's default.

    Raises:
        CannotRunError: the database cannot be reached, lacks a view, or refuses to let us read one.
    """
    references = ", ".join(f"'{name}': ref('{view}') | string" for name, view in VIEWS.items())
    timezone, relations = render(target, f"[var('engagement_timezone'), {{{references}}}]")
    with read_only() as cursor:
        cursor.execute("select current_database(), current_user, now() at time zone %s", [timezone])
        ((database, role, local_time),) = cursor.fetchall()
        try:
            views = {name: _rows(cursor, relation) for name, relation in relations.items()}
        except errors.InsufficientPrivilege as error:
            raise CannotRunError(
                f"Role {role}: {error.diag.message_primary}."
                " Name the role in the var deployment_readers and run `dbt run`, or use another target."
            ) from error
        except (errors.UndefinedTable, errors.InvalidSchemaName) as error:
            raise CannotRunError(
                f"Database {database}: {error.diag.message_primary}. Run `dbt build` on it first."
            ) from error
    return Panel(database=database, timezone=timezone, local_time=local_time, **views)


def _rows(cursor: Cursor, relation: str) -> list[Row]:
    cursor.execute(f"select * from {relation}")
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, values, strict=True)) for values in cursor]
