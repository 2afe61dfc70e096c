"""The panel's views, as dbt's manifest describes them: the one list of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest


class MissingFactError(Exception):
    """A view's yml does not say something that is asked of it; the message names the view and the key."""


@dataclass(frozen=True)
class View:
    """A view of the panel: its place in the database, and what its yml says of it."""

    name: str
    schema: str
    description: str
    columns: Mapping[str, str]  # their types, in the contract's order
    meta: Mapping[str, Any]

    @property
    def relation(self) -> str:
        """Its name in SQL."""
        return f'"{self.schema}"."{self.name}"'

    def fact(self, *keys: str) -> Any:
        """Give what `config.meta` says under a key, or under one key within another.

        Raises:
            MissingFactError: the yml says nothing there; an explicit null is a fact.
        """
        value: Any = self.meta
        for depth, key in enumerate(keys, 1):
            if not isinstance(value, Mapping) or key not in value:
                raise MissingFactError(f"{self.name}: config.meta has no {'.'.join(keys[:depth])}. Add it to its yml.")
            value = value[key]
        return value


def panel_views(manifest: "Manifest") -> dict[str, View]:
    """Give the panel's views by name, ordered by name.

    Args:
        manifest: what `run_dbt("parse", ...)` gives as its result.
    """
    views = [
        View(
            node.alias,
            node.schema,
            node.description,
            {column.name: column.data_type or "" for column in node.columns.values()},
            node.config.meta,
        )
        for node in manifest.nodes.values()
        if str(node.resource_type) == "model" and node.config.meta.get("for_readers")
    ]
    return {view.name: view for view in sorted(views, key=lambda view: view.name)}
