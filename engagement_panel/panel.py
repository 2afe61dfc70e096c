"""The views, all read at one instant."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg2 import errors

from engagement_panel.target import CannotRunError, read_only, render

VIEWS = {
    "active": "engagement_active_counts_v",
    "inactive": "engagement_inactive_counts_v",
    "wau_mau": "engagement_wau_mau_v",
    "mean_gaps": "engagement_avg_days_between_visits_v",
    "median_gap": "engagement_median_days_between_visits_v",
    "weeks": "engagement_weekly_active_90d_v",
    "week_over_week": "engagement_decline_index_v",
    "rolling_month": "engagement_mau_rolling_90d_v",
    "minutes_by_daypart": "engagement_hour_split_v",
    "heatmap": "engagement_hourly_heatmap_90d_v",
    "days": "engagement_dau_90d_v",
    "frequency": "engagement_session_frequency_30d_v",
    "dayparts": "engagement_daypart_retention_v",
    "returned": "engagement_recent_reactivated_14d_v",
    "at_dual_risk": "engagement_dual_risk_students_v",
}

# A check-in before the year 1 is a time that Python cannot hold.
COUNTED_ROSTER = """
    select inactivity_bucket, count(*) as students, count(*) - count(last_checkin_time) as never_came
    from {} group by inactivity_bucket
""".replace("\n", " ")

# As Jinja.
DEFINITION = f"""{{
    'timezone': setting('engagement_timezone'),
    'has_checkouts': setting('engagement_attendance_checkout_time_column') is not none,
    'buckets': inactivity_buckets(),
    'call_from_days': setting('engagement_call_from_days'),
    'high_from_sessions': setting('engagement_high_from_sessions'),
    'high_from_score': setting('engagement_high_from_score'),
    'ambassador_from_score': setting('engagement_ambassador_from_score'),
    'list_length': setting('engagement_list_length'),
    'queries': {{
        {"".join(f"'{name}': panel_query('{view}')," for name, view in VIEWS.items())}
        'roster': panel_query('engagement_inactive_roster_v', '{COUNTED_ROSTER}'),
        'to_call': panel_query('engagement_student_activity_v') and call_list(),
        'highly_engaged': panel_query('engagement_student_activity_v') and high_engagement_list(),
    }},
}}"""

Row = dict[str, Any]


@dataclass(frozen=True)
class Panel:
    """What the views hold at one instant, the school's local time; each list is complete and in its order.

    `rows` lacks what comes from a view that the school keeps as its own.
    """

    definition: dict[str, Any]
    database: str
    local_time: datetime
    rows: dict[str, list[Row]]

    @property
    def students_in(self) -> dict[str, int]:
        """How many students are in each bucket, the gravest first."""
        counts = {row["inactivity_bucket"]: row["students"] for row in self.rows["roster"]}
        return {each["bucket"]: counts.get(each["bucket"], 0) for each in self.definition["buckets"]}

    @property
    def shows_minutes(self) -> bool:
        """Whether there can be minutes: the school records check-outs."""
        return bool(self.definition["has_checkouts"])

    def only(self, name: str) -> Row | None:
        """Return the row of a view of one row; None if it is not there."""
        return self.rows[name][0] if name in self.rows else None

    @property
    def weekday_minutes(self) -> dict[int, Any]:
        """The minutes of the 90 days by ISO weekday."""
        minutes = dict.fromkeys(range(1, 8), 0)
        for row in self.rows["days"]:
            minutes[row["d"].isoweekday()] += row["total_minutes"]
        return minutes

    @property
    def opening_hours(self) -> range:
        """The hours of the day from the first to the last with minutes, on any weekday; none without minutes."""
        hours = [row["hour_local"] for row in self.rows["heatmap"] if row["minutes"]]
        return range(min(hours), max(hours) + 1) if hours else range(0)

    @property
    def minutes_at(self) -> dict[tuple[int, int], int]:
        """The minutes by ISO weekday and hour."""
        return {(row["iso_weekday"], row["hour_local"]): row["minutes"] for row in self.rows["heatmap"]}


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
    rows = {name: _rows(cursor, query) for name, query in definition["queries"].items() if query}
    return Panel(definition, database, local_time, rows)


def _rows(cursor: Any, query: str) -> list[Row]:
    cursor.execute(query)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, values, strict=True)) for values in cursor]
