"""The columns of the six views as PostgreSQL reports them, against what the dashboard was promised."""

import psycopg
import pytest

NAMES = [("student_id", "integer"), ("full_name", "text")]
STUDENT = [*NAMES, ("level", "text")]
CONTRACT = {
    "engagement_inactive_roster_v": [
        *STUDENT,
        ("last_checkin_time", "timestamp with time zone"),
        ("days_since_last_checkin", "numeric"),
        ("inactivity_bucket", "text"),
    ],
    "engagement_student_activity_v": [
        *STUDENT,
        ("sessions_30d", "integer"),
        ("avg_days_between_visits", "numeric"),
        ("days_since_last_checkin", "numeric"),
        ("consistency_score", "numeric"),
    ],
    "engagement_recent_reactivated_14d_v": [
        *NAMES,
        ("days_inactive_before_return", "integer"),
        ("return_date", "date"),
    ],
    "engagement_session_frequency_30d_v": [("bin_label", "text"), ("student_count", "integer")],
    "engagement_daypart_retention_v": [("daypart", "text"), ("return_rate", "numeric")],
    "engagement_dual_risk_students_v": [
        *STUDENT,
        ("engagement_issue", "text"),
        ("learning_issue", "text"),
        ("days_since_last_checkin", "numeric"),
    ],
}


@pytest.mark.parametrize("view", CONTRACT)
def test_columns_are_those_of_the_contract(panel_connection: psycopg.Connection, view: str):
    columns = panel_connection.execute(
        """
        select attname, format_type(atttypid, atttypmod)
        from pg_attribute
        where attrelid = %s::regclass and attnum > 0
        order by attnum
        """,
        [f"mgmt.{view}"],
    ).fetchall()
    assert columns == CONTRACT[view]


def test_the_panel_is_six_views_and_nothing_else_of_ours(panel_connection: psycopg.Connection):
    relations = panel_connection.execute(
        "select relname, relkind from pg_class where relnamespace = 'mgmt'::regnamespace"
    ).fetchall()
    school = {("learning_at_risk_learners_v", "v"), ("engagement_dau_90d_v", "v")}
    assert set(relations) - school == {(view, "v") for view in CONTRACT}
