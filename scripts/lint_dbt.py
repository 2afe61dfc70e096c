"""Check that dbt parses the project without meeting anything deprecated, our conventions, and the SQL's style.

sqlfluff has dbt compile each file, and dbt asks the database for its relations. Any database will do for
that: an empty server is started.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from sandbox import server
from sandbox.profiles import write_profile

PROJECT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
SQL = [folder for folder in ("models", "tests", "analyses") if (PROJECT / folder).exists()]
COMMANDS = (
    [
        *(BIN / "dbt", "--quiet", "parse", "--no-partial-parse"),
        *("--warn-error-options", '{"error": ["Deprecations"]}'),
    ],
    [BIN / "dbt-bouncer"],
    [BIN / "sqlfluff", "lint", "--disable-progress-bar", *SQL],
)


def main() -> None:
    """Run all, each whether or not the other found something."""
    with tempfile.TemporaryDirectory(prefix="panel-lint-") as folder:
        workspace = Path(folder).resolve()
        workspace.chmod(0o755)  # root's server is another user's
        try:
            write_profile(workspace, server.start(workspace / "postgres"))
            environment = os.environ | {
                "COLUMNS": "160",  # narrower, and dbt-bouncer drops its messages
                "DBT_PROFILES_DIR": folder,
                "DBT_TARGET": "mgmt",
                "DBT_TARGET_PATH": str(PROJECT / "target"),  # where dbt-bouncer looks for the manifest
                "DBT_LOG_PATH": str(workspace / "logs"),
                "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            }
            codes = [subprocess.run(command, cwd=PROJECT, env=environment).returncode for command in COMMANDS]
        finally:
            server.stop(workspace / "postgres")
    sys.exit(any(codes))


if __name__ == "__main__":
    main()
