"""The columns of the panel's views as PostgreSQL reports them, against what their yml promises the dashboard."""

import psycopg
import pytest

from sandbox.views import panel_views

VIEWS = panel_views()


@pytest.mark.parametrize("view", VIEWS)
def test_columns_are_those_of_the_contract(panel_connection: psycopg.Connection, view: str):
    columns = panel_connection.execute(
        """
        select attname, format_type(atttypid, atttypmod)
        from pg_attribute
        where attrelid = %s::regclass and attnum > 0
        order by attnum
        """,
        [VIEWS[view].relation],
    ).fetchall()
    assert columns == [*VIEWS[view].columns.items()]


def test_the_panel_is_its_views_and_nothing_else_of_ours(panel_connection: psycopg.Connection):
    relations = panel_connection.execute(
        "select relname, relkind from pg_class where relnamespace = 'mgmt'::regnamespace"
    ).fetchall()
    ours = {(view, "v") for view in VIEWS}
    assert ours <= {*relations}
    assert {*relations} - ours <= {("learning_at_risk_learners_v", "v"), ("engagement_dau_90d_v", "v")}
