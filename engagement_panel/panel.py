"""The views, all read at one instant."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg2 import errors

from engagement_panel.target import CannotRunError, read_only, render

# As Jinja. The roster comes counted: a check-in before the year 1 is a time that Python cannot hold.
DEFINITION = """{
    'timezone': setting('engagement_timezone'),
    'buckets': inactivity_buckets(),
    'call_from_days': setting('engagement_call_from_days'),
    'high_from_sessions': setting('engagement_high_from_sessions'),
    'high_from_score': setting('engagement_high_from_score'),
    'ambassador_from_score': setting('engagement_ambassador_from_score'),
    'list_length': setting('engagement_list_length'),
    'queries': {
        'roster':
            'select inactivity_bucket, count(*) as students, count(*) - count(last_checkin_time) as never_came from '
            ~ ref('engagement_inactive_roster_v') ~ ' group by inactivity_bucket',
        'frequency': 'select * from ' ~ ref('engagement_session_frequency_30d_v'),
        'dayparts': 'select * from ' ~ ref('engagement_daypart_retention_v'),
        'to_call': call_list(),
        'highly_engaged': high_engagement_list(),
        'returned': 'select * from ' ~ ref('engagement_recent_reactivated_14d_v'),
        'at_dual_risk': 'select * from ' ~ ref('engagement_dual_risk_students_v'),
    },
}"""

Row = dict[str, Any]


@dataclass(frozen=True)
class Panel:
    """What the views hold at one instant, the school's local time; each list is complete and in its order."""

    definition: dict[str, Any]
    database: str
    local_time: datetime
    roster: list[Row]
    frequency: list[Row]
    dayparts: list[Row]
    to_call: list[Row]
    highly_engaged: list[Row]
    returned: list[Row]
    at_dual_risk: list[Row]

    @property
    def students_in(self) -> dict[str, int]:
        """How many students are in each bucket, the gravest first."""
        counts = {row["inactivity_bucket"]: row["students"] for row in self.roster}
        return {each["bucket"]: counts.get(each["bucket"], 0) for each in self.definition["buckets"]}


def read(target: str | None) -> Panel:
    """Read the panel in one read-only transaction.

    Args:
        target: of the dbt profile; None for the profile's default.

    Raises:
        CannotRunError: the database cannot be reached, lacks a view, or refuses to let us read one.
    """
    definition = render(target, DEFINITION)
    with read_only() as cursor:
        cursor.execute("select current_database(), current_user")
        ((database, role),) = cursor.fetchall()
        try:
            return read_from(cursor, definition)
        except errors.InsufficientPrivilege as error:
            raise CannotRunError(
                f"Role {role}: {error.diag.message_primary}."
                " Name the role in the var deployment_readers and run `dbt run`, or use another target."
            ) from error
        except (errors.UndefinedTable, errors.InvalidSchemaName) as error:
            raise CannotRunError(
                f"Database {database}: {error.diag.message_primary}. Run `dbt build` on it first."
            ) from error


def read_from(cursor: Any, definition: dict[str, Any]) -> Panel:
    """Read the panel by a cursor of either driver, in its transaction.

    Args:
        cursor: of psycopg2 or psycopg, with rows as tuples.
        definition: what `DEFINITION` renders to.
    """
    cursor.execute("select current_database(), now() at time zone %s", [definition["timezone"]])
    ((database, local_time),) = cursor.fetchall()
    lists = {name: _rows(cursor, query) for name, query in definition["queries"].items()}
    return Panel(definition=definition, database=database, local_time=local_time, **lists)


def _rows(cursor: Any, query: str) -> list[Row]:
    cursor.execute(query)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, values, strict=True)) for values in cursor]
