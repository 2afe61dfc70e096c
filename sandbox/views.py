"""The panel's views, for what we develop with: read from the project itself, without a database."""

from functools import cache
from typing import TYPE_CHECKING

from engagement_panel.dbt import PROJECT, run_dbt
from engagement_panel.manifest import View
from engagement_panel.manifest import panel_views as views_of
from sandbox.profiles import write_profile

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

SCHEMA = "mgmt"
FOLDER = PROJECT / ".sandbox" / "manifest"  # kept: what dbt has parsed once takes it a moment


@cache
def manifest() -> "Manifest":
    """Have dbt parse the project as it is deployed to schema `mgmt`.

    Raises:
        RuntimeError: dbt cannot parse it.
    """
    write_profile(FOLDER, "host=none user=none dbname=none", [SCHEMA])
    parse = run_dbt("parse", "--log-level", "none", profiles=FOLDER, target=SCHEMA, artifacts=FOLDER)
    if not parse.success:
        raise RuntimeError(f"dbt cannot parse the project: {parse.exception}")
    manifest: Manifest = parse.result
    return manifest


def panel_views() -> dict[str, View]:
    """Give the panel's views by name."""
    return views_of(manifest())
