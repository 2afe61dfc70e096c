"""Check what dbt finds deprecated, our conventions, the generated tables, and the style of the SQL.

sqlfluff has dbt compile each file, and dbt asks the database for its relations. Any database will do for
that: an empty server is started.
"""

import os
import subprocess
import sys
from pathlib import Path

from engagement_panel.dbt import PROJECT, run_dbt
from sandbox import server
from sandbox.profiles import write_profile
from scripts import write_tables

BIN = Path(sys.executable).parent
SQL = [folder for folder in ("models", "tests", "analyses") if (PROJECT / folder).exists()]


def main() -> None:
    """Run all, each whether or not the other found something."""
    with server.temporary() as (folder, uri):
        write_profile(folder, uri)
        os.environ |= {
            "COLUMNS": "160",  # narrower, and dbt-bouncer drops its messages
            "DBT_PROFILES_DIR": str(folder),
            "DBT_TARGET": "mgmt",
            "DBT_TARGET_PATH": str(PROJECT / "target"),  # where dbt-bouncer looks for the manifest
            "DBT_LOG_PATH": str(folder / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        deprecations = ("--warn-error-options", '{"error": ["Deprecations"]}')
        parse = run_dbt("parse", "--quiet", "--no-partial-parse", *deprecations)
        results = [
            parse.success,
            _passes(BIN / "dbt-bouncer"),
            _passes(BIN / "sqlfluff", "lint", "--disable-progress-bar", "--processes", "0", *SQL),
            parse.success and write_tables.are_up_to_date(parse.result),
        ]
    sys.exit(not all(results))


def _passes(*command: str | Path) -> bool:
    return subprocess.run(command, cwd=PROJECT).returncode == 0


if __name__ == "__main__":
    main()
