"""Copies of the project to break or to add to, and what our conventions have to say of them; no database is asked."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from support import PROJECT

from sandbox.views import manifest


def copy_project(folder: Path, **values: Any) -> Path:
    """Copy the project into a folder, without what is generated in it, and with other values of vars."""
    copy = folder / "project"
    shutil.copytree(PROJECT, copy, ignore=shutil.ignore_patterns(".*", "target", "logs", "report", "__pycache__"))
    settings = copy / "dbt_project.yml"
    settings.write_text(with_vars(settings.read_text(), **values))
    return copy


def with_vars(settings: str, **values: Any) -> str:
    """Give the text of a dbt_project.yml with other values of vars."""
    for name, value in values.items():
        settings, found = re.subn(rf"^  {name}: .*?(?=  #)", f"  {name}: {json.dumps(value)}", settings, flags=re.M)
        assert found == 1, name
    return settings


def run_python(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DBT_", "PYTEST_"))}
    environment["COLUMNS"] = "500"  # so that dbt-bouncer breaks no line
    return subprocess.run([sys.executable, *arguments], cwd=project, env=environment, capture_output=True, text=True)


def broken_conventions(project: Path) -> str:
    """Give what dbt-bouncer says of a copy of the project; nothing if all is well."""
    manifest(project)
    shutil.copytree(project / ".sandbox" / "manifest" / "target", project / "target", dirs_exist_ok=True)
    bouncer = run_python(project, "-c", "from dbt_bouncer.main import app; app(['--show-all-failures'])")
    assert bouncer.returncode in (0, 1), bouncer.stderr
    return bouncer.stdout if bouncer.returncode else ""
