"""dbt-bouncer's checks of what a view's yml tells our own tools: `config.meta`."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dbt_bouncer.check_framework.decorator import check, fail

SIZES = ("200k", "2M", "10M")  # of the bench


def is_text(value: Any) -> bool:
    """Some words or SQL."""
    return isinstance(value, str) and value.strip() != ""


def is_texts(value: Any) -> bool:
    """A list of words, not empty."""
    return isinstance(value, list) and bool(value) and all(map(is_text, value))


def is_number_or_null(value: Any) -> bool:
    """A number of 0 or more; null says that there is no bound or goal."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and value >= 0)


def one_of(*values: Any) -> Callable[[Any], bool]:
    """One of some values."""
    return lambda value: value in values


FACTS: Mapping[str, Callable[[Any], bool]] = {
    "for_readers": one_of(True),
    "question.en": is_text,
    "question.es": is_text,
    "indexes": lambda value: isinstance(value, list) and {*value} <= {"by_student", "by_time"},
    "days_read": is_number_or_null,
    "look_ups": one_of(None, "students", "learners", "arrivals"),
    "complete.columns": is_texts,
    "complete.rows": one_of("in_order", "each_once", "at_least", "as_many"),
    "complete.where": is_text,
    **{f"bench.goal_ms.{size}": is_number_or_null for size in SIZES},
    "bench.goal_ratio": is_number_or_null,
    "bench.look_up.column": is_text,
    "bench.look_up.value": is_text,
}


@check
def check_view_meta(model: Any) -> None:
    """A view's `config.meta` says all that our tools ask for, and nothing else."""
    said = dict(_leaves(model.config.meta))
    faults = [f"has no {key}" for key in FACTS if key not in said]
    faults += [f"has an unknown {key}" for key in said if key not in FACTS]
    faults += [
        f"has {key}: {said[key]!r}" for key, is_right in FACTS.items() if key in said and not is_right(said[key])
    ]
    named = {*(said.get("complete.columns") or []), said.get("bench.look_up.column")} - {None}
    faults += [f"names no column of the view: {name}" for name in sorted(named - {*model.columns})]
    if faults:
        fail(f"config.meta of `{model.name}` {'; '.join(faults)}.")


@check
def check_view_asks_its_question(model: Any) -> None:
    """A view's description asks the question that `config.meta` has for it."""
    question = dict(_leaves(model.config.meta)).get("question.en", "")
    if question not in " ".join(model.description.split()):
        fail(f"The description of `{model.name}` does not ask: {question}")


@check
def check_view_belongs_to_its_section(model: Any) -> None:
    """A view's group is that of its folder, a section of the dashboard."""
    section = Path(model.original_file_path).parent.name
    if model.config.group != section:
        fail(f"`{model.name}` is in {section}, and its group is {model.config.group}.")


@check
def check_view_has_tags_of_its_modules(model: Any, ctx: Any) -> None:
    """A view's tags are the modules whose exposures read it."""
    readers = {
        tag for exposure in ctx.exposures if model.unique_id in exposure.depends_on.nodes for tag in exposure.tags
    }
    if {*model.tags} != readers:
        fail(f"`{model.name}` has the tags {sorted(model.tags)}, and its exposures {sorted(readers)}.")


@check
def check_view_has_plain_sql(model: Any) -> None:
    """The bench has plain SQL to compare a view with."""
    file = Path("sandbox/bench/plain") / f"{model.name}.sql"
    if not file.exists():
        fail(f"`{model.name}` has no {file}.")


@check
def check_view_keeps_its_order(model: Any) -> None:
    """A view with an order keeps it on Citus too."""
    if "\norder by" in model.raw_code and not model.raw_code.rstrip().endswith("\n{{- keep_order() }}"):
        fail(f"`{model.name}` has an `order by` and does not end with {{{{- keep_order() }}}}.")


def _leaves(meta: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in meta.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
