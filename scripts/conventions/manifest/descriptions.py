"""dbt-bouncer's checks of descriptions, where its own look away."""

import re
from collections.abc import Iterable
from typing import Any

from dbt_bouncer.check_framework.decorator import check, fail


@check
def check_seed_columns_described(seed: Any) -> None:
    """Each column that a seed lists has a description; loading it refuses a column that it does not list."""
    _refuse_undescribed(f"Seed `{seed.name}`", (seed.columns or {}).values())


@check
def check_source_columns_described(source: Any) -> None:
    """A source lists columns, and each has a description."""
    name = f"Source `{source.source_name}.{source.name}`"
    if not source.columns:
        fail(f"{name} lists no columns.")
    _refuse_undescribed(name, source.columns.values())


@check
def check_macro_arguments_listed(macro: Any) -> None:
    """A macro that takes arguments lists them: dbt-bouncer's own check passes one that lists none."""
    takes_arguments = re.search(r"{%-?\s*(macro|test)\s+\w+\(\s*\w", macro.macro_sql)
    if takes_arguments and not macro.arguments:
        fail(f"Macro `{macro.name}` lists no arguments.")


@check
def check_singular_test_described(test: Any) -> None:
    """A test of its own file has a description."""
    if test.original_file_path.endswith(".sql") and not test.description:
        fail(f"Test `{test.name}` has no description.")


def _refuse_undescribed(name: str, columns: Iterable[Any]) -> None:
    undescribed = [column.name for column in columns if not column.description]
    if undescribed:
        fail(f"{name} has columns without a description: {undescribed}.")
