"""Write the panel as a page (report), check its health (health), or see what a deployment would change (preview)."""

import argparse
import sys
from pathlib import Path

import psycopg2
from rich.console import Console

from engagement_panel.dbt import PROJECT
from engagement_panel.health import COULD_NOT_RUN, check_health
from engagement_panel.preview import preview
from engagement_panel.report import write_report
from engagement_panel.target import CannotRunError


def main() -> None:
    """If the command cannot run, exit with one line that says why."""
    parser = argparse.ArgumentParser(prog="python -m engagement_panel", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="write the panel as of now as a page, with its lists as CSV")
    report.add_argument("--output", type=Path, default=PROJECT / "report", metavar="FOLDER", help="default: report")
    health = commands.add_parser(
        "health",
        help="check the sources that the panel reads, and whether its views are fast",
        description="Check the sources that the panel reads, and whether its views are fast. "
        "Exit code: 0 well, 1 no check-ins arrive, 2 not checked.",
    )
    health.add_argument("--junit", type=Path, metavar="FILE", help="write the outcome as JUnit XML, too")
    health.add_argument("--strict", action="store_true", help="exit with 1 on a warning, too")
    health.add_argument(
        "--store-failures", action="store_true", help="keep the failing rows as tables of the panel's internal schema"
    )
    changes = commands.add_parser(
        "preview",
        help="show what a deployment of this checkout would change for readers, and change nothing",
        description="Show what `dbt build` would change for readers, and change nothing. "
        "Exit code: 0 nothing, 1 something changes or would be refused, 2 could not look.",
    )
    changes.add_argument("--vars", metavar="YAML", help="values of vars, as for dbt")
    changes.add_argument("--names", action="store_true", help="show names of people, too")
    for command in (report, health, changes):
        command.add_argument("--target", help="target of the dbt profile; default: the profile's own")
    arguments = parser.parse_args()
    try:
        if arguments.command == "report":
            with Console(stderr=True).status("Reading the panel …"):
                page = write_report(arguments.target, arguments.output)
            print(page)
        elif arguments.command == "preview":
            sys.exit(preview(arguments.target, arguments.vars, arguments.names))
        else:
            sys.exit(check_health(arguments.target, arguments.store_failures, arguments.strict, arguments.junit))
    except (CannotRunError, OSError, psycopg2.Error) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        sys.exit(COULD_NOT_RUN)


if __name__ == "__main__":
    main()
