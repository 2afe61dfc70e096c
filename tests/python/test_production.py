"""Production alone: without what we develop with, on a server elsewhere, over TCP and with a password."""

import ast
import contextlib
import html
import io
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution, packages_distributions
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql
from support import PROJECT, execute, run_command, run_dbt, write_program

import sandbox.server
from engagement_panel import dbt
from sandbox import school

PASSWORD = """ a$HOME & b; c `d` "e" 'f' \\g %h #i ñ"""
DEVELOPMENT = ("sandbox", ".*", "target", "logs", "report", "__pycache__")
UNIT_TESTS = "*.unit_tests.yml"  # of which a deployment runs the same anywhere, for half of its time

# What the school's administrator grants.
ROLES = sql.SQL("""
alter role postgres password {password};
create role panel_deployer login password {password};
create role panel_reader login password {password};
create role "Panel Owners";
grant "Panel Owners" to panel_reader;
alter database school set datestyle = 'SQL, DMY';
alter database school set client_encoding = 'LATIN1';
grant create, temporary on database school to panel_deployer;
grant usage on schema public to panel_deployer;
grant select on public.students, public.student_attendance to panel_deployer;
alter schema mgmt owner to panel_deployer;
grant select on mgmt.learning_at_risk_learners_v to panel_deployer;
insert into public.students values (5000, 'Zoë ＝ Ñusta', '＝A1'), (5001, 'Ana', 'A1');
insert into public.student_attendance values
    (5000, now() - interval '2000 days', null), (5001, now() - interval '1 hour', null);
""").format(password=sql.Literal(PASSWORD))


@pytest.fixture(scope="module")
def server(workspace: Path) -> Iterator[dict[str, Any]]:
    """Give the connection parameters of a school's superuser, on a server that has no socket we know and no TLS."""
    data = workspace / "elsewhere"
    sandbox.server.start(data)
    try:
        execute(sandbox.server.uri(data), "create database school encoding 'UTF8' template template0")
        with psycopg.connect(sandbox.server.uri(data, "school")) as connection:
            school.create(connection)
            connection.execute(ROLES)
    finally:
        sandbox.server.stop(data)
    (data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def pg_ctl(*arguments: str) -> None:
        owner = data.stat().st_uid
        command = [sandbox.server.program("pg_ctl"), "--wait", "--pgdata", data, *arguments]
        others = {"user": owner, "extra_groups": []} if os.geteuid() == 0 else {}
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=data, **others)

    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c fsync=off"
    pg_ctl("--log", str(data / "log"), "--options", options, "start")
    yield {"host": "127.0.0.1", "port": port, "user": "postgres", "password": PASSWORD, "dbname": "school"}
    pg_ctl("--mode=immediate", "stop")


@pytest.fixture(scope="module")
def installed(workspace: Path) -> Path:
    """Give the project as a school installs it: without what we develop with, and requirements.lock alone in .venv."""
    project = workspace / "school copy"
    shutil.copytree(PROJECT, project, ignore=_development)
    site_packages = project / ".venv" / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", project / ".venv"], check=True)
    for name in _locked("requirements.lock"):
        for file in distribution(name).files or ():
            top = file.parts[0]
            if top != ".." and not (site_packages / top).exists():
                (site_packages / top).symlink_to(Path(str(distribution(name).locate_file(top))))
    programs = project / ".venv" / "bin"
    write_program(programs / "dbt", f"exec '{programs}/python' -c 'from dbt.cli.main import cli; cli()' \"$@\"")
    shutil.copy(project / "profiles.yml.example", project / "profiles.yml")
    return project


def _development(folder: str, names: list[str]) -> set[str]:
    ignored = shutil.ignore_patterns(*DEVELOPMENT, UNIT_TESTS)(folder, names)
    return ignored | ({"python"} & {*names} if Path(folder) == PROJECT / "tests" else set())


def _locked(lock: str) -> list[str]:
    """Give the names that a lock installs on this machine's Python."""
    lines = [line for line in (PROJECT / lock).read_text().splitlines() if "==" in line]
    names = {re.split("==", line)[0] for line in lines if "win32" not in line}
    return sorted(names)


@pytest.fixture(scope="module")
def password_file(workspace: Path, server: dict[str, Any]) -> Path:
    """Give the file of docs/schedule.md: each value in single quotes."""
    file = workspace / "engagement_panel.env"
    values = {**server, "user": "panel_deployer"}
    quoted = {name: str(value).replace("'", "'\\''") for name, value in values.items()}
    lines = [f"ENGAGEMENT_PANEL_{name.upper()}='{value}'" for name, value in quoted.items()]
    file.write_text("\n".join([*lines, "ENGAGEMENT_PANEL_SSLMODE='disable'", ""]))
    return file


def run(project: Path, *command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a project with little environment."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(project), "LANG": "C.UTF-8"}
    return subprocess.run(command, cwd=project, env=environment | variables, capture_output=True, text=True)


def run_scheduled(project: Path, password_file: Path) -> subprocess.CompletedProcess[str]:
    """Run what cron and systemd run, with our folder and password file for those of docs/schedule.md."""
    page = (PROJECT / "docs" / "schedule.md").read_text()
    (cron,) = re.findall(r"^(?:[\d*]+ ){5}(.+)$", page, re.MULTILINE)
    (systemd,) = re.findall("^ExecStart=(.+)$", page, re.MULTILINE)
    assert cron == systemd
    command = cron.replace("/srv/engagement_panel", shlex.quote(str(project)))
    command = command.replace("/etc/engagement_panel.env", shlex.quote(str(password_file)))
    return run(Path("/"), "/bin/sh", "-c", command)


@pytest.fixture(scope="module")
def deployment(installed: Path, password_file: Path) -> subprocess.CompletedProcess[str]:
    """Give what the first scheduled run came to."""
    return run_scheduled(installed, password_file)


def test_a_scheduled_run_deploys_and_checks_with_production_alone(deployment, server):
    assert deployment.returncode == 0, deployment.stdout + deployment.stderr
    assert "checkins_arrive" in deployment.stdout
    assert PASSWORD not in deployment.stdout + deployment.stderr
    with psycopg.connect(**server) as connection:
        views = connection.execute("select distinct viewowner from pg_views where viewname ~ '^engagement_.*_v$'")
        assert ("panel_deployer",) in views.fetchall()


@pytest.mark.usefixtures("deployment")
def test_the_report_needs_production_alone(installed, password_file):
    variables = f"set -a; . {shlex.quote(str(password_file))}; "
    command = "exec .venv/bin/python -m engagement_panel report --target prod"
    outcome = run(installed, "/bin/sh", "-c", variables + command)
    assert outcome.returncode == 0, outcome.stderr
    page = (installed / "report" / "panel.html").read_text()
    assert "Zoë ＝ Ñusta" in page, "the database's client_encoding has no such letter"


@pytest.mark.parametrize(("deployed", "checked", "expected"), [(0, 0, 0), (1, 0, 1), (0, 1, 1), (0, 2, 2), (2, 1, 2)])
def test_a_scheduled_run_always_checks_and_fails_if_either_command_fails(
    deployed, checked, expected, password_file, tmp_path
):
    """In a project whose programs only say that they ran, with which password, and exit as told."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(PROJECT / "scripts" / "deploy_and_check.sh", tmp_path / "scripts")
    for name, exit_code in (("dbt", deployed), ("python", checked)):
        script = f'echo "{name} $*: $ENGAGEMENT_PANEL_PASSWORD"\nexit {exit_code}'
        write_program(tmp_path / ".venv" / "bin" / name, script)
    outcome = run_scheduled(tmp_path, password_file)
    assert outcome.returncode == expected
    assert outcome.stdout.splitlines() == [
        f"dbt --quiet build --target prod: {PASSWORD}",
        f"python -m engagement_panel health --target prod: {PASSWORD}",
    ]


def test_without_its_password_file_a_scheduled_run_says_so(installed, tmp_path):
    outcome = run_scheduled(installed, tmp_path / "missing file.env")
    assert outcome.returncode == 2
    assert "missing file.env" in outcome.stderr
    assert outcome.stdout == ""


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """Give a folder with the example of a profile as the profile; only, it connects once, for retries take seconds."""
    example = (PROJECT / "profiles.yml.example").read_text()
    assert "retries: 3" in example
    (tmp_path / "profiles.yml").write_text(example.replace("retries: 3", "retries: 0"))
    return tmp_path


def test_the_example_profile_takes_production_from_the_environment_and_asks_for_tls(server, example, monkeypatch):
    for name, value in server.items():
        monkeypatch.setenv(f"ENGAGEMENT_PANEL_{name.upper()}", str(value))
    monkeypatch.setenv("ENGAGEMENT_PANEL_SCHEMA", "escuela")
    for unset, settings in (
        ("SSLMODE", ("schema: escuela", "sslmode: require", "server does not support SSL")),
        ("SCHEMA", ("schema: mgmt",)),
        ("PORT", ("port: 5432",)),
        ("HOST", ("ENGAGEMENT_PANEL_HOST",)),
    ):
        monkeypatch.delenv(f"ENGAGEMENT_PANEL_{unset}", raising=False)
        with contextlib.redirect_stdout(io.StringIO()) as told:
            assert not dbt.run_dbt("debug", "--log-path", str(example), profiles=example, target="prod").success
        for setting in settings:
            assert setting in told.getvalue()


def test_no_command_reaches_the_school_unless_it_names_the_target(example):
    outcome = run_command(example, "health").exited_with(2)
    assert "does not have a target named 'none'" in outcome.errors


# Fields of the profile beside the ones that must be given; None takes one of those away.
FIELDS: dict[str, dict[str, Any]] = {
    "none": {},
    "off": {"keepalives_idle": 0, "application_name": "", "search_path": "", "sslmode": "", "autocommit": True},
    "all": {
        "user": "panel_reader",
        "role": '"Panel Owners"',
        "password": None,
        "pass": PASSWORD,
        "keepalives_idle": 60,
        "application_name": "el panel",
        "search_path": "mgmt, public",
        "sslmode": "prefer",
        "connect_timeout": 5,
        "retries": 2,
    },
}
# Replaces a view, so that the report shows what its session is.
SESSION = """
concat_ws(' | ', session_user, current_user, current_setting('application_name'), current_setting('search_path'))
"""


@pytest.fixture(scope="module")
def revealing(server: dict[str, Any], deployment: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Give the server with a view that reveals its reader's session."""
    with psycopg.connect(**server) as connection:
        connection.execute(
            f"""
            create or replace view mgmt.engagement_session_frequency_30d_v as
            select {SESSION} collate "default" as bin_label, 1 as student_count;
            grant usage on schema mgmt to "Panel Owners";
            grant select on all tables in schema mgmt to "Panel Owners"
            """
        )
    return server


def write_target(folder: Path, server: dict[str, Any], fields: dict[str, Any]) -> Path:
    """Write a profile with those fields beside the ones that must be given."""
    target = {"type": "postgres", "schema": "mgmt", "threads": 1} | server | {"user": "panel_deployer"} | fields
    target = {name: value for name, value in target.items() if value is not None}
    folder.mkdir(parents=True, exist_ok=True)
    profile = {"engagement_panel": {"target": "it", "outputs": {"it": target}}}
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile, allow_unicode=True))
    return folder


@pytest.mark.parametrize("fields", FIELDS)
def test_the_report_connects_as_dbt_does(revealing, fields, workspace):
    profile = write_target(workspace / f"fields {fields}", revealing, FIELDS[fields])
    shown = run_dbt(profile, "show", "--quiet", "--output", "json", "--inline", f"select {SESSION} as session")
    session = json.loads(shown.output)["show"][0]["session"]
    run_command(profile, "report", "--output", str(profile / "written")).succeeded()
    page = (profile / "written" / "panel.html").read_text()
    assert session in html.unescape(page)
    assert ("Panel Owners" in session) == (fields == "all")


def test_a_wrong_password_is_told_in_one_line(revealing, workspace):
    profile = write_target(workspace / "wrong password", revealing, {"password": "guessed"})
    for command in ("report", "health"):
        outcome = run_command(profile, command)
        assert (outcome.exit_code, outcome.output) == (2, "")
        assert 'password authentication failed for user "panel_deployer"' in outcome.errors
        assert outcome.errors.count("\n") == 1


def imports(file: Path) -> set[str]:
    """Give the top-level packages that a module imports, anywhere in it."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in names} - {*sys.stdlib_module_names}


def test_production_imports_nothing_of_development():
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
    allowed = {re.split("[=[]", requirement)[0] for requirement in declared} | {"dbt-adapters", "dbt-common"}
    providers = packages_distributions()
    for file in (PROJECT / "engagement_panel").rglob("*.py"):
        for package in imports(file) - {"engagement_panel"}:
            assert allowed & {name.lower() for name in providers.get(package, [])}, f"{file.name} imports {package}"
