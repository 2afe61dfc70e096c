"""Readers without rest and a writer, for whom no deployment shows: no read fails, none gives too little."""

from collections.abc import Iterator

import pytest
from deployment import READER, STUDENTS, Panel, finish, no_reader_notices, on_each_server
from psycopg.errors import FeatureNotSupported

from sandbox.load import ROSTER

pytest_plugins = ["deployment"]

NO_TESTS = ("--exclude-resource-type", "test")


class Deployments:
    """Deployments on a panel under load, beside them a reader who has prepared `select *` of the roster."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self._connect()

    def deploy(self, *arguments: str, exit_code: int = 0, changes_columns: bool = False) -> None:
        """Deploy, and read again what was prepared: that fails if, and only if, the columns have changed."""
        self.panel.run(*arguments).exited_with(exit_code)
        if changes_columns:  # PostgreSQL spares that nobody
            with pytest.raises(FeatureNotSupported, match="cached plan must not change result type"):
                self._read()
            self._connect()
        else:
            self._read()

    def _connect(self) -> None:
        self._reader = self.panel.connect(READER)
        self._reader.prepare_threshold = 0
        self._read()

    def _read(self) -> None:
        rows = self._reader.execute("select * from mgmt.engagement_inactive_roster_v").fetchall()
        assert len(rows) == STUDENTS


@pytest.fixture
def deployments(panel: Panel) -> Iterator[Deployments]:
    """Put the panel under load, and see at the end that no reader missed anything."""
    with no_reader_notices(panel):
        yield Deployments(panel)


def test_what_changes_no_columns_does_not_show(deployments):
    deployments.deploy("build", *NO_TESTS)
    deployments.deploy("run", "--full-refresh")
    deployments.deploy("seed", "--full-refresh")

    deployments.panel.project.select_from("models/staging/stg_engagement__students", "*, 42 as shoe_size")
    runs = [deployments.panel.start("build", *NO_TESTS, "--full-refresh", "--threads", "8") for _ in range(2)]
    for run in runs:
        finish(run).succeeded()


@on_each_server
def test_what_changes_columns_shows_to_select_star_alone(deployments):
    project = deployments.panel.project
    project.append_column(ROSTER, "note", "'call'::text", "text")
    deployments.deploy("run", changes_columns=True)
    project.restore()
    deployments.deploy("run", exit_code=1)
    deployments.deploy("run", "--full-refresh", changes_columns=True)

    project.rename_column(ROSTER, "level", "course")
    deployments.deploy("run", exit_code=1)
    deployments.deploy("run", "--full-refresh", changes_columns=True)
