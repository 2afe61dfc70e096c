"""The columns of the seventeen views as PostgreSQL reports them, against what the dashboard was promised."""

import psycopg
import pytest

NAMES = [("student_id", "integer"), ("full_name", "text")]
STUDENT = [*NAMES, ("level", "text")]
CONTRACT = {
    "engagement_active_counts_v": [
        ("active_7d", "integer"),
        ("active_14d", "integer"),
        ("active_30d", "integer"),
        ("active_6mo", "integer"),
    ],
    "engagement_inactive_counts_v": [
        ("inactive_7d_count", "integer"),
        ("inactive_14d_count", "integer"),
        ("dormant_30d_count", "integer"),
        ("inactive_180d_count", "integer"),
    ],
    "engagement_wau_mau_v": [("wau", "integer"), ("mau", "integer"), ("wau_mau_ratio", "numeric")],
    "engagement_avg_days_between_visits_v": [
        ("scope", "text"),
        ("level", "text"),
        ("avg_days_between_visits", "numeric"),
    ],
    "engagement_median_days_between_visits_v": [("median_days_between_visits", "numeric")],
    "engagement_weekly_active_90d_v": [
        ("week_start", "date"),
        ("max_daily_actives", "integer"),
        ("total_minutes", "integer"),
        ("sessions", "integer"),
        ("sum_active_students", "integer"),
    ],
    "engagement_decline_index_v": [
        ("active_students_7d", "integer"),
        ("active_students_prev7d", "integer"),
        ("active_students_wow_change", "numeric"),
        ("total_minutes_7d", "integer"),
        ("total_minutes_prev7d", "integer"),
        ("total_minutes_wow_change", "numeric"),
    ],
    "engagement_mau_rolling_90d_v": [("snapshot_date", "date"), ("mau_rolling_30d", "integer")],
    "engagement_hour_split_v": [("daypart", "text"), ("total_minutes", "numeric")],
    "engagement_hourly_heatmap_90d_v": [("iso_weekday", "integer"), ("hour_local", "integer"), ("minutes", "integer")],
    "engagement_dau_90d_v": [("d", "date"), ("active_students", "integer"), ("total_minutes", "numeric")],
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


def test_the_panel_is_seventeen_views_and_nothing_else_of_ours(panel_connection: psycopg.Connection):
    relations = panel_connection.execute(
        "select relname, relkind from pg_class where relnamespace = 'mgmt'::regnamespace"
    ).fetchall()
    school = {("learning_at_risk_learners_v", "v")}
    assert set(relations) - school == {(view, "v") for view in CONTRACT}
