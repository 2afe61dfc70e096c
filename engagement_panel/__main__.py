"""Write the panel as a page (report), or check the sources' health (health), on any target of the dbt profile."""

import argparse
import sys
from pathlib import Path

import psycopg2
from rich.console import Console

from engagement_panel.dbt import PROJECT
from engagement_panel.health import COULD_NOT_RUN, check_health
from engagement_panel.report import write_report
from engagement_panel.target import CannotRunError


def main() -> None:
    """Run the command that the arguments name; where it cannot run, exit with one line that tells why."""
    parser = argparse.ArgumentParser(prog="python -m engagement_panel", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="write the panel as of now as a page, with its lists as CSV")
    report.add_argument("--output", type=Path, default=PROJECT / "report", metavar="FOLDER", help="default: report")
    health = commands.add_parser(
        "health",
        help="check the sources that the panel reads",
        description="Check the sources that the panel reads. Exit code: 0 well, 1 no check-ins arrive, 2 not checked.",
    )
    health.add_argument("--junit", type=Path, metavar="FILE", help="write the outcome as JUnit XML, too")
    health.add_argument("--strict", action="store_true", help="exit with 1 on a warning, too")
    health.add_argument(
        "--store-failures", action="store_true", help="keep the failing rows as tables of the panel's internal schema"
    )
    for command in (report, health):
        command.add_argument("--target", help="target of the dbt profile; default: the profile's own")
    arguments = parser.parse_args()
    try:
        if arguments.command == "report":
            with Console(stderr=True).status("Reading the panel …"):
                page = write_report(arguments.target, arguments.output)
            print(page)
        else:
            sys.exit(check_health(arguments.target, arguments.store_failures, arguments.strict, arguments.junit))
    except (CannotRunError, OSError, psycopg2.Error) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        sys.exit(COULD_NOT_RUN)


if __name__ == "__main__":
    main()
