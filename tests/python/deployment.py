"""What the tests of deployment share: a school that grants little, the panel on it, runs of dbt, and snapshots.

A test module takes the fixtures by `pytest_plugins = ["deployment"]`, after it has imported names from here, which
pytest would warn of: PYTEST_DONT_REWRITE. The deploying role is no superuser anywhere.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from copies import with_vars
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import namedtuple_row
from support import PROJECT, Outcome, RunDbt

import sandbox.server
from sandbox import school
from sandbox.load import FOREIGN_VIEW, DbtProcess, ProjectCopy, Question, questions, under_load
from sandbox.profiles import write_profile
from sandbox.views import panel_views

DATABASE = "panel_to_deploy"
STUDENTS = 60
READER = "dash-Board"
VARS = {"deployment_readers": [READER]}  # the same wherever possible: dbt parses everything anew when vars differ
# Deployment treats all views alike: with fewer, its tests take half their time. The soak deploys all.
DISABLED = sorted(
    model.stem
    for place in ("core_kpis/*.sql", "trends/*.sql", "time_distribution/*.sql", "*/engagement_recent_reactivated*.sql")
    for model in (PROJECT / "models/panel").glob(place)
)
SQL = {file.stem: file.read_text() for file in (PROJECT / "models").rglob("*.sql")}


def _with_what_they_read(models: set[str]) -> set[str]:
    """Add the models that those read, directly or through others."""
    read = {model for model in SQL if any(f"ref('{model}')" in SQL[reader] for reader in models)}
    return models if read <= models else _with_what_they_read(models | read)


DEPLOYED = _with_what_they_read({*panel_views()} - {*DISABLED})
IDLE_STEPS = SQL.keys() - DEPLOYED - {*DISABLED}  # which only disabled views read
MODELS = len(DEPLOYED)
ROSTER_VIEW = "mgmt.engagement_inactive_roster_v"
OF_RUNS = "select pid from pg_stat_activity where datname = current_database() and usename = 'deployer'"
PAUSES = f"{OF_RUNS} and query like '%pg_sleep%'"
# Databases that were copied from one have the same OIDs.
WAITS = """
select pid from pg_locks
where not granted and database = (select oid from pg_database where datname = current_database())
"""
WAITS_FOR_THE_ROSTER = f"{WAITS} and relation = '{ROSTER_VIEW}'::regclass"
LEFT_FOR_READERS = "left as it is, readers would miss rows"
TURN = "1684173940, 1"  # the advisory lock that is the turn to change the database
WAITS_FOR_A_TURN = f"{WAITS} and (classid, objid) = ({TURN})"
PARK = 42  # the advisory lock at which a test stops runs
WAITS_AT_THE_PARK = f"{WAITS} and locktype = 'advisory' and objid = {PARK}"
PATIENCE = 60  # seconds after which a test that waits for an event fails

PANEL = tuple(f"mgmt.{view}" for view in panel_views() if view not in DISABLED)

EMBEDDED, MACHINE, MORTAL = "the embedded server", "the machine's own server", "a server that may die"
SERVERS = {EMBEDDED: "server", MACHINE: "machine_server", MORTAL: "mortal_server"}  # and their fixtures
on_each_server = pytest.mark.parametrize("panel", [EMBEDDED, MACHINE], indirect=True)

ROLES = f"""
create role school;
create role deployer login;
create role panel_owners;
grant panel_owners to deployer;
create role "{READER}" login;
create role analyst login;
create role "Stranger";
create role stranger login;
create role migrator login in role school, deployer, panel_owners;
create role table_owner login in role school;
"""

# All that the school grants: the deployer makes and owns the rest. PostgreSQL copies no grants on a database with it.
ON_THE_DATABASE = """
revoke temp on database {0} from public;
grant temp on database {0} to deployer;
"""
LEAST_PRIVILEGES = """
alter table students owner to school;
alter table student_attendance owner to school;
alter schema mgmt owner to deployer;
create schema mgmt_internal authorization deployer;
grant select on students, student_attendance to deployer;
grant select on mgmt.learning_at_risk_learners_v to deployer;
create schema reports;
grant usage, create on schema mgmt, reports to panel_owners;
"""

SNAPSHOT = """
select
    format('%s.%s', nspname, relname) as name,
    pg_class.oid,
    pg_class.xmin::text as row_version,
    relkind::text as kind,
    relowner::regrole::text as owner,
    array(select unnest(reloptions) order by 1) as options,
    array(
        select format('%s: %s%s by %s', coalesce(grantee.rolname, 'public'), privilege_type,
            case when is_grantable then ' with grant option' end, grantor::regrole)
        from aclexplode(coalesce(relacl, acldefault('r', relowner)))
        left join pg_roles as grantee on grantee.oid = grantee
        order by 1
    ) as grants,
    case when relkind in ('v', 'm') then pg_get_viewdef(pg_class.oid) end as definition,
    obj_description(pg_class.oid, 'pg_class') as comment,
    array(
        select concat_ws(' ', attname, format_type(atttypid, atttypmod), nullif(attcollation, 100)::text, attacl::text,
            col_description(attrelid, attnum), (
                select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = attrelid and adnum = attnum
            ))
        from pg_attribute
        where attrelid = pg_class.oid and attnum > 0
        order by attnum
    ) as columns,
    array(
        select pg_get_ruledef(oid) from pg_rewrite where ev_class = pg_class.oid and rulename <> '_RETURN'
        union all
        select pg_get_triggerdef(oid) from pg_trigger where tgrelid = pg_class.oid
        union all
        select pg_get_expr(polqual, polrelid) from pg_policy where polrelid = pg_class.oid
        order by 1
    ) as attached
from pg_class
inner join pg_namespace on relnamespace = pg_namespace.oid
where relkind in ('r', 'v', 'm') and nspname !~ '^(pg_.*|information_schema)$'
    and relname <> 'replaced_views' -- where runs keep what they replace
"""


class Relation(NamedTuple):
    """A table or view as the catalogue has it; `row_version` changes whenever its row of pg_class is written."""

    name: str
    oid: int
    row_version: str
    kind: str
    owner: str
    options: list[str]
    grants: list[str]
    definition: str | None
    comment: str | None
    columns: list[str]
    attached: list[str]


def without(fields: str, relations: dict[str, Relation]) -> dict[str, Relation]:
    """Give the relations without those fields."""
    return {name: relation._replace(**dict.fromkeys(fields.split())) for name, relation in relations.items()}


def regardless_of_oid(relations: dict[str, Relation]) -> dict[str, Relation]:
    """Give the relations without what changes where they are dropped and made anew."""
    return without("oid row_version", relations)


@dataclass(frozen=True)
class Panel:
    """The panel deployed on a school, in a database of its own which is made anew for whoever asks for it."""

    database: str
    uri: str
    folder: Path  # dbt's profiles, targets and logs
    project: ProjectCopy
    run_dbt: RunDbt
    started: list[DbtProcess] = field(default_factory=list)

    def connect(self, user: str = "postgres") -> psycopg.Connection:
        """Connect as a role, in autocommit."""
        return psycopg.connect(self.uri, user=user, autocommit=True, row_factory=namedtuple_row)

    def execute(self, sql: str) -> list[Any]:
        """Run SQL as superuser, and give the rows of its last query."""
        with self.connect() as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def rows_at_one_instant(self, *views: str) -> list[Any]:
        """Give the rows of each view, in its order, as they are at one `now()`."""
        arrays = ", ".join(f"array(select view::text from {view} as view) as n{n}" for n, view in enumerate(views))
        return [*self.execute(f"select {arrays}")[0]]

    def run(self, *arguments: str, vars: dict[str, Any] = VARS, user: str = "deployer") -> Outcome:
        """Run a dbt command on the panel, in this process."""
        options = self._options(self.target_folder(user, vars), user)
        return self.run_dbt(self.database, *arguments, *options, vars=vars, project=self.project.path)

    def deploy(self, *arguments: str, **options: Any) -> Outcome:
        """Run a dbt command that must succeed."""
        return self.run(*arguments, **options).succeeded()

    def refused(self, *arguments: str, exit_code: int = 1, **options: Any) -> Outcome:
        """Run a dbt command that must fail and leave every table and view as it was."""
        before = self.snapshot()
        run = self.run(*arguments, **options).exited_with(exit_code)
        after = self.snapshot()
        assert after == before, [name for name in before | after if before.get(name) != after.get(name)]
        return run

    def start(self, *arguments: str, vars: dict[str, Any] = VARS, user: str = "deployer") -> DbtProcess:
        """Start a dbt command in a process of its own; it ends with the panel at the latest."""
        folder = self.folder / f"background {len(self.started)}"
        arguments += ("--no-write-json", "--log-level-file", "none", *self._options(folder, user))
        self.started.append(DbtProcess(folder / "output.txt", *arguments, project=self.project.path, variables=vars))
        return self.started[-1]

    def profile(self, user: str = "deployer") -> Path:
        """Write a profile for the project's own commands, and give its folder."""
        return write_profile(self.folder / "commands", make_conninfo(self.uri, user=user), ["mgmt", "Dev"])

    def snapshot(self, pattern: str = "") -> dict[str, Relation]:
        """Give each table and view whose name, with its schema, matches a regular expression."""
        with self.connect() as connection:
            connection.execute("set search_path = pg_catalog")  # so that every name has its schema
            relations = [Relation(*row) for row in connection.execute(SNAPSHOT)]
        return {relation.name: relation for relation in relations if re.search(pattern, relation.name)}

    def log(self) -> str:
        return (self._server_folder() / "log").read_text()

    def crash_server(self) -> None:
        """Bring the server down at once, all transactions lost, and up again."""
        folder = self._server_folder()
        os.kill(int((folder / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
        wait_until(lambda: not sandbox.server.is_running(folder), "the server is down")
        sandbox.server.start(folder)

    def model_of(self, view: str) -> str:
        """Give the file of a view's model, without its suffix."""
        (file,) = (self.project.path / "models").rglob(f"{view.removeprefix('mgmt.')}.sql")
        return str(file.relative_to(self.project.path).with_suffix(""))

    def target_folder(self, user: str = "deployer", vars: dict[str, Any] = VARS) -> Path:
        """Where dbt keeps its artifacts when it runs in this process, apart by vars: each parses once."""
        folder = self.folder / f"{user} {' '.join(vars)}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _server_folder(self) -> Path:
        return Path(conninfo_to_dict(self.uri)["host"])

    def _options(self, folder: Path, user: str) -> list[str]:
        write_profile(folder, make_conninfo(self.uri, user=user), ["mgmt", "dev"])
        return ["--profiles-dir", str(folder), "--target-path", str(folder), "--log-path", str(folder / "logs")]


MakePanel = Callable[..., Panel]


@pytest.fixture(scope="session")
def project(workspace: Path) -> ProjectCopy:
    """Give the copy of the project to change; making a panel restores it."""
    copy = ProjectCopy(workspace / "scratch_project")
    copy.write("dbt_project.yml", with_vars(copy.read("dbt_project.yml"), engagement_disabled_views=DISABLED))
    disable_idle_steps(copy)
    copy.keep()
    return copy


def disable_idle_steps(copy: ProjectCopy) -> None:
    """Leave out the steps that only disabled views read, for as long as the var disables them all."""
    shown = f"{DISABLED} | reject('in', var('engagement_disabled_views')) | list"
    for step in IDLE_STEPS:
        name = f"models/intermediate/{step}.sql"
        copy.write(name, f"{{{{ config(enabled={shown} | length > 0) }}}}\n{copy.read(name)}")


@pytest.fixture(scope="session")
def machine_server(workspace: Path) -> str:
    """Give the URI of a server of the machine's own PostgreSQL; skip where there is none."""
    data = workspace / "machine"
    data.mkdir()
    run_as_server("initdb", data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C")
    start_server(data)
    return make_conninfo(host=str(data), user="postgres", dbname="postgres")


def run_as_server(program: str, data: Path, *arguments: str) -> None:
    """Run a program of the machine's own PostgreSQL on a data folder; skip where there is none."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    if not programs:
        pytest.skip("NOT TESTED on a second version: there is no PostgreSQL in /usr/lib/postgresql")
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:  # as which it will not run
        as_user = {"user": "nobody", "extra_groups": []}
        shutil.chown(data, "nobody")
    command = [programs[-1] / program, "-D", data, *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=data, **as_user)


def start_server(data: Path) -> None:
    options = f"-k {data} -c listen_addresses= -c fsync=off"
    run_as_server("pg_ctl", data, "--wait", "--log", str(data / "log"), "--options", options, "start")


@pytest.fixture(scope="session")
def mortal_server(workspace: Path) -> str:
    """Give the URI of an embedded server that a test may bring down."""
    data = workspace / "mortal"
    return sandbox.server.start(data)


@pytest.fixture(scope="session")
def make_panel(request: pytest.FixtureRequest, workspace: Path, project: ProjectCopy, run_dbt: RunDbt) -> MakePanel:
    """Give a function that makes a database anew on a server, with the panel deployed on a small school."""
    templates: set[str] = set()

    def make(server: str = EMBEDDED, database: str = DATABASE) -> Panel:
        uri = request.getfixturevalue(SERVERS[server])
        folder = workspace / f"dbt of {database} on {server}"
        panel = Panel(database, make_conninfo(uri, dbname=database), folder, project, run_dbt)
        project.restore()
        with psycopg.connect(uri, autocommit=True) as connection:
            if server not in templates:
                connection.execute(ROLES)
                connection.execute(f"create database {database} template template0")
                connection.execute(ON_THE_DATABASE.format(database))
                _make_school(panel)
                panel.deploy("build", "--exclude-resource-type", "test")
                connection.execute(f"alter database {database} rename to deployed_panel")
                templates.add(server)
            connection.execute("alter role deployer reset all")
            connection.execute(f"drop database if exists {database} with (force)")
            connection.execute(f"create database {database} template deployed_panel")
            connection.execute(ON_THE_DATABASE.format(database))
        return panel

    return make


@pytest.fixture
def panel(request: pytest.FixtureRequest, make_panel: MakePanel) -> Iterator[Panel]:
    """Give the panel in a database of the test's own; end what the test started."""
    panel = make_panel(getattr(request, "param", EMBEDDED))
    yield panel
    for run in panel.started:
        run.kill()


@contextmanager
def no_reader_notices(panel: Panel) -> Iterator[None]:
    """See that readers of the panel, and of a view on top of it, miss nothing while the body runs."""
    panel.execute(FOREIGN_VIEW)
    panel.execute(f"""
        alter view reports.call_list owner to panel_owners;
        grant select on mgmt.engagement_inactive_roster_v to panel_owners;
        grant usage on schema reports to "{READER}";
        grant select on reports.call_list to "{READER}";
    """)
    with no_read_goes_wrong(panel, [each for each in questions() if each.view in (*PANEL, "reports.call_list")]):
        yield


@contextmanager
def no_read_goes_wrong(panel: Panel, asked: Sequence[Question]) -> Iterator[None]:
    """See that readers get complete answers to some questions while the body runs."""
    with under_load(panel.uri, READER, asked) as tallies:
        yield
    for tally in tallies:
        assert (tally.view, tally.failed, tally.partial) == (tally.view, {}, {})
        assert tally.reads > 100


def deploy_past(panel: Panel, holder: psycopg.Connection, seen: str, *arguments: str, **options: Any) -> str:
    """Deploy while a transaction is in the way; end it once a query gives rows that show so, and give what dbt says."""
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(panel.deploy, *arguments, **options)
        wait_until(lambda: panel.execute(seen), seen)
        holder.execute("commit")
        return run.result().output


def finish(run: DbtProcess) -> Outcome:
    """Wait for the end of a run, and give its exit code and output."""
    wait_until(lambda: not run.is_running(), "the end of the run")
    return Outcome(run.finish(), run.output)


def wait_until_it_says(run: DbtProcess, text: str) -> None:
    """Return once a run has said a text; fail when it ends without."""
    wait_until(lambda: text in run.output or not run.is_running(), text)
    assert text in run.output, run.output


def wait_until(condition: Callable[[], Any], what: str) -> None:
    """Return once the condition holds; fail, saying what was waited for, when it never does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.05)


def _make_school(panel: Panel) -> None:
    with psycopg.connect(panel.uri) as connection:
        school.create(connection)
        connection.execute(LEAST_PRIVILEGES)
        school.load(connection, _small_school())


@cache
def _small_school() -> school.School:
    rows = school.generate(datetime.now(UTC))
    return school.School(*([row for row in table if row.student_id <= STUDENTS] for table in rows))
