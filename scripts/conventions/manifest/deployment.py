"""dbt-bouncer's checks of macros/deployment: it knows nothing of the panel, and the panel calls none of its parts."""

import re
from typing import Any

from dbt_bouncer.check_framework.decorator import check, fail

FOLDER = "macros/deployment/"
HOOKS = ("__before_deployment", "__disabled_views")  # what it asks the project that uses it
VAR = re.compile(r"\bvar\(\s*['\"](?!deployment_)(\w+)")


@check
def check_deployment_knows_no_panel(macro: Any, ctx: Any) -> None:
    """A macro of the folder names no var, macro, model, seed, source or schema of the project."""
    manifest = ctx.manifest_obj.manifest
    nodes = [node for node in manifest.nodes.values() if node.resource_type in ("model", "seed")]
    names = {name for node in nodes for name in (node.name, node.schema_)}
    names |= {name for source in manifest.sources.values() for name in (source.name, source.source_name)}
    used = {*VAR.findall(macro.macro_sql)} | (names & {*re.findall(r"\w+", macro.macro_sql)})
    used |= {each.name for each in _called(macro, ctx) if not _is_in_folder(each) and not each.name.endswith(HOOKS)}
    if used:
        fail(f"`{macro.name}` names {', '.join(sorted(used))} of the project: the folder is to be of use without it.")


@check
def check_deployment_calls_are_qualified(macro: Any, ctx: Any) -> None:
    """A macro of the folder calls the others by the project's name: a model of another project finds no others."""
    own = "|".join(each.name for each in ctx.macros if _is_in_folder(each))
    bare = {*re.findall(rf"(?<![\w.])({own})\(", re.sub(r"{%-?\s*macro\s+\w+", "", macro.macro_sql))}
    if bare:
        fail(f"`{macro.name}` calls {', '.join(sorted(bare))} without the project's name.")


@check
def check_deployment_is_private(macro: Any, ctx: Any) -> None:
    """No macro outside the folder calls one of it that begins with an underscore."""
    private = sorted(each.name for each in _called(macro, ctx) if _is_in_folder(each) and each.name.startswith("_"))
    if private:
        fail(f"`{macro.name}` calls {', '.join(private)}, which {FOLDER} keeps for itself.")


def _called(macro: Any, ctx: Any) -> list[Any]:
    return [each for each in ctx.macros if each.unique_id in macro.depends_on.macros]


def _is_in_folder(macro: Any) -> bool:
    return macro.original_file_path.startswith(FOLDER)
