"""Write the tables of README.md and models/overview.md that the project itself can fill.

A table stands between `<!-- table: NAME -->` and `<!-- end of table -->`; what is written there by hand is lost.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from engagement_panel.dbt import PROJECT
from engagement_panel.manifest import panel_views
from sandbox.views import manifest

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

FILES = (PROJECT / "README.md", PROJECT / "models" / "overview.md")
TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL)
VAR = re.compile(r"^  (\w+): (.*?)  # (.+)$", re.MULTILINE)


def main() -> None:
    """Write all tables, or with --check only say which are out of date."""
    parser = argparse.ArgumentParser(prog="python -m scripts.write_tables", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a table is out of date")
    if parser.parse_args().check:
        sys.exit(not are_up_to_date(manifest()))
    for file, text in _with_tables(manifest()):
        file.write_text(text)


def are_up_to_date(manifest: "Manifest") -> bool:
    """Say whether the files hold the tables of a manifest, and name the one that does not."""
    stale = [file for file, text in _with_tables(manifest) if file.read_text() != text]
    for file in stale:
        print(f"{file.relative_to(PROJECT)}: a table is out of date. Run `.venv/bin/python -m scripts.write_tables`.")
    return not stale


def _with_tables(manifest: "Manifest") -> Iterable[tuple[Path, str]]:
    for file in FILES:
        yield (
            file,
            TABLE.sub(lambda found: found[1] + "\n" + TABLES[found[2]](manifest) + "\n" + found[3], file.read_text()),
        )


def views(manifest: "Manifest") -> str:
    """Give each view with its modules and its question."""
    modules: dict[str, list[int]] = {}
    for exposure in _exposures(manifest):
        for unique_id in exposure.depends_on.nodes:
            modules.setdefault(unique_id.rpartition(".")[2], []).append(_module(exposure))
    asked = {view.name: view.fact("question", "en") for view in panel_views(manifest).values()}
    return _table(
        ["module", "view", "what it answers"],
        [
            [", ".join(map(str, numbers)), f"`{view}`", asked[view]]
            for view, numbers in modules.items()
            if view in asked
        ],
    )


def modules(manifest: "Manifest") -> str:
    """Give each module with what it reads."""
    return _table(
        ["Module", "Reads", "What it shows, and who acts on it"],
        [
            [
                exposure.label.removeprefix("Module ").replace(" ·", ""),
                ", ".join(map(_link, exposure.depends_on.nodes)) or "–",
                exposure.description,
            ]
            for exposure in _exposures(manifest)
        ],
    )


def groups(manifest: "Manifest") -> str:
    """Give each group with its owner."""
    return _table(
        ["Group", "Its models", "Owner"],
        [
            [group.name, str(group.description), str(group.owner.name)]
            for group in sorted(manifest.groups.values(), key=lambda group: group.name)
        ],
    )


def variables(manifest: "Manifest") -> str:
    """Give each var with its default and the comment behind it."""
    text = (PROJECT / "dbt_project.yml").read_text()
    said = {name: comment for name, _, comment in VAR.findall(text.partition("\nvars:\n")[2])}
    defaults = yaml.safe_load(text)["vars"]
    if silent := [name for name in defaults if name not in said]:
        sys.exit(f"dbt_project.yml: say in a comment on the same line what these vars are: {', '.join(silent)}.")
    return _table(
        ["Var", "Default", "What it says"],
        [
            [f"`{name}`", f"`{default if isinstance(default, str) else json.dumps(default)}`", said[name]]
            for name, default in defaults.items()
        ],
    )


def analyses(manifest: "Manifest") -> str:
    """Give each analysis with the question that its description opens with."""
    return _table(
        ["Analysis", "Question"],
        [
            [_link(node.unique_id), node.description.partition("?")[0] + "?"]
            for node in sorted(manifest.nodes.values(), key=lambda node: node.name)
            if str(node.resource_type) == "analysis"
        ],
    )


TABLES: dict[str, Callable[["Manifest"], str]] = {
    table.__name__: table for table in (views, modules, groups, variables, analyses)
}


def _exposures(manifest: "Manifest") -> list[Any]:
    return sorted(manifest.exposures.values(), key=lambda exposure: (_module(exposure), exposure.name))


def _module(exposure: Any) -> int:
    return int(exposure.name.split("_")[1])


def _link(unique_id: str) -> str:
    kind, _, name = unique_id.partition(".")
    return f"[{name.rpartition('.')[2]}](#!/{kind}/{unique_id})"


def _table(headings: list[str], rows: Iterable[list[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(' '.join(cell.split()) for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
