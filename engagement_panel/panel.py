"""The six views, read as of one instant."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from engagement_panel.target import CannotRunError, connect, render

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
    """The rows of the six views, each in the view's order, and the instant they are of by the school's clock."""

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
    """Read the panel in one transaction, which writes nothing.

    Args:
        target: of the dbt profile; None for the profile's own default.

    Raises:
        CannotRunError: the database cannot be reached, lacks a view, or does not let us read one.
    """
    references = ", ".join(f"'{name}': ref('{view}') | string" for name, view in VIEWS.items())
    timezone, relations = render(target, f"[var('engagement_timezone'), {{{references}}}]")
    with connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        try:
            cursor.execute("select current_database() as database, now() at time zone %s as local_time", [timezone])
            instant = cursor.fetchone()
            views = {name: _rows(cursor, relation) for name, relation in relations.items()}
        except psycopg.errors.InsufficientPrivilege as error:
            raise CannotRunError(
                f"Role {connection.info.user}: {error.diag.message_primary}."
                " Name the role in the var deployment_readers and run `dbt run`, or take another target."
            ) from error
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
            raise CannotRunError(
                f"Database {connection.info.dbname}: {error.diag.message_primary}. Run `dbt build` on it first."
            ) from error
    return Panel(timezone=timezone, **instant, **views)


def _rows(cursor: psycopg.Cursor[Row], relation: str) -> list[Row]:
    return cursor.execute(sql.SQL("select * from {}").format(sql.SQL(relation))).fetchall()
