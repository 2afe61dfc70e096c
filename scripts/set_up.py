"""Build .venv from both locks and install dbt_utils, each only if something changed since last time.

Uses the standard library only, and runs with the Python that `find_python.sh` chose.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

LOCKS = ("requirements.lock", "requirements-dev.lock")  # what a school runs, and what we develop it with
HUB_TIMEOUT_SECONDS = 60


def build_venv(project: Path) -> None:
    """Build .venv with what the locks pin.

    Raises:
        SystemExit: pip failed; the message has its last lines.
    """
    locks, venv = [project / lock for lock in LOCKS], project / ".venv"
    stamp = venv / "built-from"
    # A virtual environment holds absolute paths: another Python or another folder needs another.
    wanted = _digest(*(lock.read_bytes() for lock in locks), str(project).encode(), sys.version.encode())
    if _is_current(stamp, wanted):
        return
    print(f"Building .venv with Python {sys.version.split()[0]} (about a minute) …", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", venv], capture_output=True, text=True)
    if made.returncode:
        sys.exit(f"{made.stdout}{made.stderr}Set-up failed: {sys.executable} could not make {venv}.")
    _install(locks, venv)
    stamp.write_text(wanted)


def install_dbt_utils(project: Path) -> None:
    """Install packages.yml with `dbt deps`, or the stand-in if dbt's hub cannot be reached.

    Raises:
        SystemExit: dbt deps failed for another reason; the message has its output.
    """
    stand_in, installed = project / "stand_in" / "dbt_utils", project / "dbt_packages" / "dbt_utils"
    stamp = project / ".venv" / "dbt-utils-installed-from"
    declared = [project / name for name in ("packages.yml", "package-lock.yml")]
    sources = [*declared, *sorted(path for path in stand_in.rglob("*") if path.is_file())]
    wanted = _digest(*(path.read_bytes() for path in sources))
    if installed.exists() and _is_current(stamp, wanted):
        return
    print("Installing dbt_utils (dbt deps) …", flush=True)
    if not _dbt_deps(project):
        print("  dbt's package hub cannot be reached: using stand_in/dbt_utils (`dbt deps` replaces it later).")
        shutil.rmtree(installed, ignore_errors=True)
        shutil.copytree(stand_in, installed)
    stamp.write_text(wanted)


def _digest(*contents: bytes) -> str:
    return hashlib.sha256(b"\0".join(contents)).hexdigest()


def _is_current(stamp: Path, wanted: str) -> bool:
    return stamp.exists() and stamp.read_text() == wanted


def _install(locks: list[Path], venv: Path) -> None:
    """Install what the locks pin, and show progress: on one line in a terminal, otherwise every 20 packages."""
    total = len({line for lock in locks for line in lock.read_text().splitlines() if "==" in line})
    command = [str(venv / "bin" / "python"), "-m", "pip", "install", "--no-deps", "--require-hashes"]
    command += ["--disable-pip-version-check", *(f"--requirement={lock}" for lock in locks)]
    output = []
    fetched = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout
        for line in pip.stdout:
            output.append(line)
            if line.startswith(("Collecting ", "Processing ")):  # "Processing": from a folder of wheels
                fetched += 1
                if sys.stdout.isatty():
                    print(f"\r  fetching packages: {fetched} of about {total}", end="", flush=True)
                elif fetched % 20 == 0:
                    print(f"  fetching packages: {fetched} of about {total}", flush=True)
            elif line.startswith("Installing collected packages"):
                print(f"\r  installing {fetched} packages …{' ' * 20}".rstrip(" "), flush=True)
    if pip.returncode:
        sys.exit(f"\n{''.join(output[-10:])}Set-up failed: pip could not install {' and '.join(LOCKS)}.")


def _dbt_deps(project: Path) -> bool:
    """Run `dbt deps`, and return whether it reached the hub."""
    try:
        deps = subprocess.run(
            [project / ".venv" / "bin" / "dbt", "deps"],
            cwd=project,
            capture_output=True,
            text=True,
            timeout=HUB_TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:  # a firewall that drops packets
        return False
    if deps.returncode and "External connection exception" in deps.stdout:
        return False
    if deps.returncode:
        sys.exit(f"{deps.stdout}{deps.stderr}Set-up failed: dbt deps could not install packages.yml.")
    return True


if __name__ == "__main__":
    here = Path(__file__).resolve().parent.parent
    build_venv(here)
    install_dbt_utils(here)
