"""No server outlives the command that started it for itself, not even if that command is killed."""

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from copies import copy_project
from deployment import wait_until
from support import PROJECT, execute

from sandbox import server
from sandbox.load import fork
from sandbox.watch import stop_servers


def servers(folder: Path) -> list[psutil.Process]:
    """Give the servers whose data is below a folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or [""]
        if "postgres" in command[0] and any(argument.startswith(str(folder)) for argument in command[1:]):
            found.append(process)
    return found


def is_ready(folder: Path) -> bool:
    """Whether a server whose data is below a folder takes connections."""
    return any("ready" in file.read_text() for file in folder.glob("*/postgres/postmaster.pid"))


@pytest.fixture
def folder(workspace: Path) -> Path:
    """Give a folder for whatever a command makes."""
    path = Path(tempfile.mkdtemp(dir=workspace))
    path.chmod(0o755)
    return path


def start(folder: Path, project: Path, *command: str) -> subprocess.Popen[str]:
    """Start a Python module that keeps temporary files in a folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DBT_", "PYTEST_"))}
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=project,
        env=environment | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize(
    ("command", "killed_by"),
    [
        ("sandbox.bench", signal.SIGTERM),
        ("sandbox.soak", signal.SIGTERM),
        ("scripts.lint_dbt", signal.SIGTERM),
        ("pytest tests/python/test_indexes.py", signal.SIGKILL),
    ],
)
def test_a_killed_command_leaves_no_server(folder, command, killed_by):
    with start(folder, PROJECT, *command.split()) as process:
        wait_until(lambda: is_ready(folder) or process.poll() is not None, "the server is ready")
        assert is_ready(folder), process.stdout.read()
        os.killpg(process.pid, killed_by)  # as a terminal does
    wait_until(lambda: not servers(folder), "no server is left")
    wait_until(lambda: not [*folder.glob("panel-*/postgres")], "no data is left")


def test_another_process_that_has_a_dead_servers_number_is_left_alone(folder):
    with subprocess.Popen(["sleep", "600"]) as other:
        (folder / "postmaster.pid").write_text(f"{other.pid}\n")
        stop_servers(folder, signal.SIGINT)
        assert other.poll() is None
        other.kill()


def test_a_fork_keeps_nothing_open_that_its_parent_closes():
    reading, writing = os.pipe()
    sleeper = fork(time.sleep, 600)
    os.close(writing)
    try:
        wait_until(lambda: select.select([reading], [], [], 0)[0], "the end of the pipe")
    finally:
        sleeper.kill()


def test_a_killed_demo_leaves_no_server(folder):
    project = copy_project(folder)
    data = server.data_folder(project)
    with start(folder, project, "sandbox", "demo") as process:
        assert any("Loading a sample school" in line for line in process.stdout)
        assert servers(data)
        process.terminate()
    wait_until(lambda: not servers(data), "no server is left")
    shutil.rmtree(data)


def test_a_temporary_server_is_gone_after_the_body_or_its_failure():
    with pytest.raises(ZeroDivisionError), server.temporary() as (folder, uri):
        assert execute(uri, "select 1") == [(1,)]
        assert len(servers(folder)) == 1
        _ = 1 / 0
    assert not servers(folder)
    assert not folder.exists()
