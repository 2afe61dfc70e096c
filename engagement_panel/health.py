"""The health of the panel: do check-ins still arrive, are the rows sound, and are the views fast?"""

from datetime import timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ElementTree, SubElement

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from engagement_panel.check import Check
from engagement_panel.target import CannotRunError, one_line, run_dbt
from engagement_panel.timing import time_panel

FEED = "source:engagement_attendance"
SOURCE_TESTS = "path:tests/source_quality"
HOUR = timedelta(hours=1)
COLORS = {"pass": "green", "warn": "yellow", "fail": "bold red", "error": "bold red"}
ROWS = " The rows behind a warning of the sources: `.venv/bin/dbt show{target} -s NAME`."
WAYS_ON = {
    "pass": "",
    "warn": ROWS,
    "fail": ROWS,
    "error": " Is the panel deployed (`dbt build{target}`), and may this role read it all?",
}
WELL, NOT_WELL, COULD_NOT_RUN = 0, 1, 2

FEED_ADVICE = """\
What: check-ins have stopped arriving; the panel looks at the past, and soon shows every student as away.
When it matters: always, unless the school was closed for longer than engagement_checkin_silence_hours says is usual.
To resolve: look at what writes the check-ins, then at the device at the door; if all is well, raise the var."""

console = Console(highlight=False)


def check_health(target: str | None, store_failures: bool, strict: bool, junit: Path | None) -> int:
    """Check the sources and the time that the views take, and print the outcome.

    Args:
        target: of the dbt profile; None for the profile's default.
        store_failures: keep failing rows as tables, named after the tests, in the panel's internal schema.
        strict: count a warning as a failure. Off by default, because few schools are ever without a warning, and an
            alarm that never ends hides the next one.
        junit: file for the outcome as JUnit XML.

    Returns:
        The exit code: 0 all well, 1 a failure, 2 a check could not run.

    Raises:
        CannotRunError: no check could run.
        OSError: the JUnit file cannot be written.
    """
    with console.status("Looking at the sources …"):
        freshness = run_dbt("source", "freshness", "--select", FEED, target=target)
        storing = ["--store-failures"] if store_failures else []
        tests = run_dbt("test", "--select", SOURCE_TESTS, *storing, target=target)
    checks = [_feed(result) for result in _of_kind(freshness, "source")]
    checks += [_source_test(result) for result in _of_kind(tests, "test")]
    with console.status("Reading the panel …"):
        checks += time_panel(target)
    _print(checks, target)
    alarms = {"fail", "warn"} if strict else {"fail"}
    if junit:
        _write_junit(checks, alarms, junit)
    states = {check.state for check in checks}
    return COULD_NOT_RUN if "error" in states else NOT_WELL if states & alarms else WELL


def _of_kind(results: list[Any], kind: str) -> list[Any]:
    """Return a run's results for sources or tests; raise the error of a failed hook."""
    for result in results:
        if result.node.resource_type == "operation" and result.status != "success":
            raise CannotRunError(one_line(result.message))
    return [result for result in results if result.node.resource_type == kind]


def _feed(result: Any) -> Check:
    state = {"error": "fail", "runtime error": "error"}.get(result.status, str(result.status))
    if state == "error":
        finding = _reason(result.message)
    elif result.max_loaded_at.year == 1:  # what dbt returns for an empty table
        finding = "no check-in has ever arrived"
    else:
        usual = result.node.freshness.error_after.count
        finding = f"the last check-in is {timedelta(seconds=result.age) / HOUR:.1f} hours old; up to {usual} are usual"
    return Check("checkins_arrive", state, finding, FEED_ADVICE, result.execution_time)


def _source_test(result: Any) -> Check:
    """The advice is the comment at the head of the test."""
    state = "error" if result.status == "skipped" else str(result.status)
    if state == "error":
        finding = _reason(result.message)
    else:
        finding = "" if state == "pass" else f"{result.failures} row{'s' * (result.failures > 1)}"
    comment = takewhile(lambda line: line.startswith("--"), result.node.raw_code.splitlines())
    advice = "\n".join(line.removeprefix("-- ") for line in comment)
    return Check(result.node.name, state, finding, advice, result.execution_time)


def _reason(message: str) -> str:
    """Return the server's own words; the first line of dbt's message names the node."""
    return (message.splitlines()[1:] or [message])[0].strip()


def _print(checks: list[Check], target: str | None) -> None:
    """Print the checks, the worst last, and how to go on at that target."""
    checks = sorted(checks, key=lambda check: list(COLORS).index(check.state))
    for check in checks:
        _print_line(check.state, f"[bold]{check.name}[/]  {escape(check.finding)}".rstrip())
        if check.state in ("warn", "fail"):
            console.print(Padding(escape(check.advice), (0, 0, 0, 7), expand=False), style="dim")
    worst = checks[-1].state
    well = sum(check.state == "pass" for check in checks)
    way_on = WAYS_ON[worst].format(target=f" --target {target}" if target else "")
    _print_line(worst, f"{well} of {len(checks)} checks are well.{way_on}")


def _print_line(state: str, line: str) -> None:
    console.print(f"[{COLORS[state]}]{state.upper():5}[/]  {line}", soft_wrap=True)


def _write_junit(checks: list[Check], alarms: set[str], file: Path) -> None:
    failures = sum(check.state in alarms for check in checks)
    errors = sum(check.state == "error" for check in checks)
    counts = {"tests": str(len(checks)), "failures": str(failures), "errors": str(errors)}
    suites = Element("testsuites")
    suite = SubElement(suites, "testsuite", {"name": "source health"} | counts)
    for check in checks:
        about = {"classname": "source_health", "name": check.name, "time": f"{check.seconds:.3f}"}
        case = SubElement(suite, "testcase", about)
        if check.state == "error":
            SubElement(case, "error", {"message": check.finding})
        elif check.state in alarms:
            SubElement(case, "failure", {"message": check.finding, "type": check.state}).text = check.advice
        elif check.state == "warn":
            SubElement(case, "system-out").text = f"{check.finding}\n{check.advice}"
    file.parent.mkdir(parents=True, exist_ok=True)
    ElementTree(suites).write(file, encoding="utf-8", xml_declaration=True)
