"""The conventions in dbt-bouncer.yml: what breaks one is noticed. That they are kept, `make lint` sees."""

import re
from typing import NamedTuple

import pytest
from copies import broken_conventions, copy_project

DEPLOYMENT = "macros/deployment"
PANEL = "models/panel/student_insights"
ROSTER = "engagement_inactive_roster_v"


class Break(NamedTuple):
    """Something taken from a file, and the check that is to notice on what; a file of which nothing is left goes."""

    check: str
    on: str
    file: str
    before: str | None = None
    after: str = ""


BREAKS = [
    Break(
        "check_model_description_populated",
        "int_engagement__checkins_30d",
        "models/intermediate/int_engagement__checkins_30d.yml",
        "One row per check-in of the last 30 x 24 hours, both ends included. Source of the session counts and the "
        "dayparts.",
    ),
    Break(
        "check_model_column_description_populated",
        "int_engagement__latest_checkins",
        "models/intermediate/int_engagement__latest_checkins.yml",
        "Who came.",
        '""',
    ),
    Break(
        "check_source_columns_described",
        "learning_at_risk_learners",
        "models/staging/_sources.yml",
        "Whether the learner makes no progress. Null counts as no.",
        '""',
    ),
    Break(
        "check_seed_columns_described", "dayparts", "seeds/dayparts.yml", "First local hour of the part, 0 to 23.", '""'
    ),
    Break(
        "check_macro_description_populated",
        "days_ago",
        "macros/time/time.yml",
        "The instant `number` times 24 hours before now.",
        '""',
    ),
    Break(
        "check_macro_arguments_listed",
        "local_date",
        "macros/time/time.yml",
        "instant.\n    arguments: *instant\n  - name: instant_of",
        "instant.\n  - name: instant_of",
    ),
    Break(
        "check_singular_test_described",
        "bins_add_up_to_active_students",
        "tests/consistency/consistency.yml",
        "The histogram leaves nobody out and counts nobody twice.",
        '""',
    ),
    Break("check_model_has_unit_tests", ROSTER, f"{PANEL}/{ROSTER}.unit_tests.yml"),
    Break(
        "check_model_has_contracts_enforced",
        ROSTER,
        f"{PANEL}/{ROSTER}.yml",
        "    config:\n",
        "    config:\n      contract: {enforced: false}\n",
    ),
    Break("check_model_has_unique_test", ROSTER, f"{PANEL}/{ROSTER}.yml", "[unique, not_null]", "[not_null]"),
    Break(
        "check_lineage_permitted_upstream_models",
        ROSTER,
        f"{PANEL}/{ROSTER}.sql",
        "ref('int_engagement__latest_checkins')",
        "ref('engagement_student_activity_v')",
    ),
    Break(
        "check_lineage_source_cannot_be_used",
        ROSTER,
        f"{PANEL}/{ROSTER}.sql",
        "ref('stg_engagement__students')",
        "source('engagement_students', 'students')",
    ),
    Break(
        "check_view_keeps_its_order",
        "engagement_dau_90d_v",
        "models/panel/time_distribution/engagement_dau_90d_v.sql",
        "{{- keep_order() }}",
    ),
    Break(
        "check_deployment_knows_no_panel",
        "_readers",
        f"{DEPLOYMENT}/grants.sql",
        "var('deployment_",
        "var('engagement_",
    ),
    Break("check_deployment_knows_no_panel", "_turn_key", f"{DEPLOYMENT}/turns.sql", "1684173940", "{{ days_ago(1) }}"),
    Break(
        "check_deployment_knows_no_panel",
        "_begin",
        f"{DEPLOYMENT}/attempts.sql",
        "rollback; begin",
        "lock dayparts; begin",
    ),
    Break("check_deployment_knows_no_panel", "_role_name", f"{DEPLOYMENT}/rebuild.sql", "'public'", "'mgmt_internal'"),
    Break(
        "check_deployment_calls_are_qualified",
        "_text_array",
        f"{DEPLOYMENT}/literals.sql",
        "engagement_panel._literal(",
        "_literal(",
    ),
    Break(
        "check_deployment_is_private",
        "source_column",
        "macros/sources/source_column.sql",
        "{%- endmacro",
        "{{ engagement_panel._literal('') }}\n{%- endmacro",
    ),
]


@pytest.fixture(scope="module")
def noticed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give what dbt-bouncer says of a copy of the project with everything broken at once."""
    folder = copy_project(tmp_path_factory.mktemp("broken"))
    for broken in BREAKS:
        file = folder / broken.file
        if broken.before is None:
            file.unlink()
            continue
        content = file.read_text()
        assert broken.before in content, f"{broken.file} no longer reads so"
        file.write_text(content.replace(broken.before, broken.after, 1))

    return broken_conventions(folder)


@pytest.mark.parametrize("broken", BREAKS, ids=[f"{broken.check} {broken.on}" for broken in BREAKS])
def test_a_broken_convention_is_noticed(noticed, broken):
    assert re.search(rf"{broken.check}:\d+:{broken.on}\b", noticed), noticed
