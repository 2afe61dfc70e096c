"""The conventions in dbt-bouncer.yml: what breaks one is noticed. That they are kept, `make lint` sees."""

import re
from typing import NamedTuple

import pytest
from copies import broken_conventions, copy_project

ROSTER, ACTIVITY = "engagement_inactive_roster_v", "engagement_student_activity_v"
SOURCE = "source('engagement_students', 'students')"


class Break(NamedTuple):
    """A pattern replaced in the file of that path (without one, the file goes), and the check that notices, on what."""

    check: str
    on: str
    file: str
    before: str | None = None
    after: str = ""


BREAKS = [
    Break("model_description_populated", "int_engagement__checkins_30d", "{on}.yml", "One row per check-in of .*"),
    Break("model_column_description_populated", "int_engagement__latest_checkins", "{on}.yml", "Who came.", '""'),
    Break(
        "source_columns_described", "learning_at_risk_learners", "_sources.yml", "Whether the learner makes .*", '""'
    ),
    Break("seed_columns_described", "dayparts", "{on}.yml", "First local hour of the part, .*", '""'),
    Break("macro_description_populated", "days_ago", "time.yml", "The instant `number` times 24 hours .*", '""'),
    Break("macro_arguments_listed", "local_date", "time.yml", r" +arguments: \*instant\n(?=  - name: instant_of)"),
    Break(
        "singular_test_described", "bins_add_up_to_active_students", "consistency.yml", "The histogram leaves .*", '""'
    ),
    Break("model_has_unit_tests", ROSTER, "{on}.unit_tests.yml"),
    Break(
        "model_has_contracts_enforced", ROSTER, "{on}.yml", "    config:\n", "\\g<0>      contract: {enforced: false}\n"
    ),
    Break("model_has_unique_test", ROSTER, "{on}.yml", "unique, "),
    Break("lineage_permitted_upstream_models", ROSTER, "panel/*/{on}.sql", "int_engagement__latest_checkins", ACTIVITY),
    Break("lineage_source_cannot_be_used", ROSTER, "panel/*/{on}.sql", r"ref\('stg_engagement__students'\)", SOURCE),
    Break("view_meta", ROSTER, "{on}.yml", "days_read: 0", "days_read: ninety"),
    Break("view_meta", ACTIVITY, "{on}.yml", "indexes: ", "index: by_student\n        indexes: "),
    Break("view_meta", "engagement_dau_90d_v", "{on}.yml", "look_up: {column: active_", "look_up: {column: present_"),
    Break("view_asks_its_question", ROSTER, "{on}.yml", "en: ", "en: Now, "),
    Break("view_belongs_to_its_section", ROSTER, "{on}.yml", "group: student_insights", "group: trends"),
    Break("view_keeps_its_order", "engagement_dau_90d_v", "panel/*/{on}.sql", r"{{- keep_order\(\) }}"),
    Break("deployment_knows_no_panel", "_readers", "grants.sql", r"(?<=var\(')deployment_", "engagement_"),
    Break("deployment_knows_no_panel", "_turn_key", "turns.sql", "1684173940", "{{ days_ago(1) }}"),
    Break("deployment_knows_no_panel", "_begin", "attempts.sql", "rollback; begin", "lock dayparts; begin"),
    Break("deployment_knows_no_panel", "_role_name", "rebuild.sql", "'public'", "'mgmt_internal'"),
    Break(
        "deployment_calls_are_qualified", "_text_array", "deployment/literals.sql", r"engagement_panel\.(?=_literal\()"
    ),
    Break(
        "deployment_is_private",
        "source_column",
        "{on}.sql",
        "{%- endmacro",
        r"{{ engagement_panel._literal('') }}\g<0>",
    ),
]


@pytest.fixture(scope="module")
def noticed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give what dbt-bouncer says of a copy of the project with everything broken at once."""
    folder = copy_project(tmp_path_factory.mktemp("broken"))
    for broken in BREAKS:
        (file,) = folder.rglob(broken.file.format(on=broken.on))
        if broken.before is None:
            file.unlink()
            continue
        content, found = re.subn(broken.before, broken.after, file.read_text(), count=1)
        assert found, f"{file} no longer reads so"
        file.write_text(content)

    return broken_conventions(folder)


@pytest.mark.parametrize("broken", BREAKS, ids=[f"{broken.check} {broken.on}" for broken in BREAKS])
def test_a_broken_convention_is_noticed(noticed, broken):
    assert re.search(rf"check_{broken.check}:\d+:{broken.on}\b", noticed), noticed
