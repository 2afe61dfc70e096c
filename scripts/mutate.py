"""Break the project on purpose, one slip of scripts/slips.yml at a time, and see that the tests named there turn red.

A slip that stays green has found a promise without a test. One whose text is not in its file any more has to be
written anew. Either makes the exit code 1. With an argument, the slips whose sentence holds it are made; without one,
as many as ten minutes allow, each time others.
"""

import random
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import yaml
from rich.console import Console

from engagement_panel.dbt import PROJECT, run_dbt
from sandbox import school, server
from sandbox.profiles import write_profile

if TYPE_CHECKING:
    from collections.abc import Iterator

SLIPS = PROJECT / "scripts" / "slips.yml"
LIMIT = 600  # seconds, if no slips are named
PATIENCE = 240  # seconds for the tests of one slip

console = Console(soft_wrap=True)


@dataclass(frozen=True)
class Slip:
    """A change to a file, and the tests that notice it: nodes of pytest, or dbt's selection of unit and data tests."""

    slip: str
    file: str
    before: str
    after: str
    dbt: str | None = None
    pytest: str | None = None

    @contextmanager
    def made_in(self, project: Path) -> "Iterator[None]":
        """Make the slip in a copy of the project for the body."""
        file = project / self.file
        text = file.read_text()
        file.write_text(text.replace(self.before, self.after))
        try:
            yield
        finally:
            file.write_text(text)


def main() -> None:
    """Make the slips, print what became of each, and exit."""
    asked = " ".join(sys.argv[1:])
    slips = [Slip(**slip) for slip in yaml.safe_load(SLIPS.read_text())]
    for slip in slips:
        if (PROJECT / slip.file).read_text().count(slip.before) != 1:
            sys.exit(f"scripts/slips.yml: {slip.file} does not have the text of this slip exactly once: {slip.slip}")
    chosen = [slip for slip in slips if asked in slip.slip] if asked else random.sample(slips, len(slips))
    if not chosen:
        sys.exit(f"scripts/slips.yml: no slip's sentence holds this: {asked}")
    deadline = time.monotonic() + (LIMIT if not asked else float("inf"))
    with tempfile.TemporaryDirectory(prefix="slips-") as folder, ThreadPoolExecutor() as pool:
        of_pytest = [slip for slip in chosen if slip.pytest]
        beside = pool.submit(_make_for_pytest, of_pytest, Path(folder) / "pytest", deadline)
        found = _make_for_dbt([slip for slip in chosen if slip.dbt], Path(folder) / "dbt", deadline) + beside.result()
    console.print(f"{len(found)} of {len(chosen)} slips made, {found.count(True)} noticed")
    sys.exit(not all(found))


def _make_for_dbt(slips: list[Slip], project: Path, deadline: float) -> list[bool]:
    _copy_project(project)
    with server.temporary() as (folder, uri):
        write_profile(folder, uri)
        with psycopg.connect(uri) as connection:
            school.create(connection)
            school.load(connection, school.generate(datetime.now(UTC)))

        def run(*arguments: str) -> Any:
            return run_dbt(
                *arguments, "--quiet", "--log-level", "none", project=project, profiles=folder, artifacts=folder
            )

        if slips and not run("build").success:
            sys.exit("The tests are red before any slip: see dbt build.")

        # A model whose unit tests are red is not deployed: the next slip finds the views as they were.
        return [
            _make(slip, project, lambda slip: not run("build", "--select", slip.dbt or "").success)
            for slip in slips
            if time.monotonic() < deadline
        ]


def _make_for_pytest(slips: list[Slip], project: Path, deadline: float) -> list[bool]:
    _copy_project(project)

    def is_green(tests: str) -> bool:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *shlex.split(tests)]
        try:
            ended = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return False
        if ended.returncode not in (0, 1):
            sys.exit(f"pytest {tests} cannot run.\n{ended.stdout}{ended.stderr}")
        return ended.returncode == 0

    found, seen_green = [], set()
    for slip in slips:
        tests = slip.pytest or ""
        if time.monotonic() > deadline:
            break
        if tests not in seen_green and not is_green(tests):
            sys.exit(f"The tests are red before any slip: see pytest {tests}.")
        seen_green.add(tests)
        found.append(_make(slip, project, lambda slip: not is_green(slip.pytest or "")))
    return found


def _make(slip: Slip, project: Path, is_noticed: Callable[[Slip], bool]) -> bool:
    with slip.made_in(project):
        noticed = is_noticed(slip)
    console.print(f"{'[green]noticed[/]' if noticed else '[red]STAYS GREEN[/]'}  {slip.slip}")
    return noticed


def _copy_project(project: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, project / name)
    shutil.copytree(PROJECT / "dbt_packages", project / "dbt_packages")


if __name__ == "__main__":
    main()
