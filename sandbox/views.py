"""The panel's views, for what we develop with: read from the project itself, without a database."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from engagement_panel.dbt import PROJECT, run_dbt
from engagement_panel.manifest import View
from engagement_panel.manifest import panel_views as views_of
from sandbox.profiles import write_profile

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

SCHEMA = "mgmt"


@cache
def manifest(project: Path = PROJECT) -> "Manifest":
    """Have dbt parse the project, or a copy of it, as it is deployed to schema `mgmt`.

    Raises:
        RuntimeError: dbt cannot parse it.
    """
    folder = project / ".sandbox" / "manifest"  # kept: what dbt has parsed once takes it a moment
    write_profile(folder, "host=none user=none dbname=none", [SCHEMA])
    quiet = ("--log-level", "none")
    parse = run_dbt("parse", *quiet, project=project, profiles=folder, target=SCHEMA, artifacts=folder)
    if not parse.success:
        raise RuntimeError(f"dbt cannot parse the project: {parse.exception}")
    manifest: Manifest = parse.result
    return manifest


def panel_views() -> dict[str, View]:
    """Give the panel's views by name."""
    return views_of(manifest())
