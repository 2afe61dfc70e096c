"""The panel as one static page in Spanish, and its lists as CSV files beside it."""

import csv
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from engagement_panel import charts, panel, spanish
from engagement_panel.lists import StudentList, student_lists

PAGE = "panel.html"
SHOWN_ROWS = 50  # of each list; its file has them all

# A spreadsheet takes a text that starts with one of these for a formula; Asian keyboards have the full-width ones.
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")


def write_report(target: str | None, folder: Path) -> Path:
    """Read the panel, write the page and the lists to a folder, and return the page.

    Args:
        target: of the dbt profile; None for the profile's default.
        folder: created if missing, readable by its owner only, because it holds names of people.

    Raises:
        CannotRunError: the panel cannot be read; nothing was written.
        OSError: the folder is not writable.
    """
    read = panel.read(target)
    lists = student_lists(read)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for student_list in lists:
        # With a byte order mark: without it, Excel assumes another encoding.
        with (folder / f"{student_list.name}.csv").open("w", encoding="utf-8-sig", newline="") as file:
            write_csv(file, student_list)
    page = folder / PAGE
    page.write_text(render_page(read, lists), encoding="utf-8")
    return page


def render_page(read: panel.Panel, lists: list[StudentList]) -> str:
    """Return the page's HTML; values are escaped."""
    environment = Environment(
        loader=PackageLoader("engagement_panel"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    students_in = Counter(row["inactivity_bucket"] for row in read.roster)
    dayparts = {row["daypart"]: row["return_rate"] for row in read.dayparts}
    return environment.get_template("panel.html.j2").render(
        panel=read,
        lists=lists,
        shown_rows=SHOWN_ROWS,
        spanish=spanish,
        charts=charts,
        buckets={label: students_in[bucket] for bucket, label in spanish.BUCKETS.items()},
        never_came=sum(row["last_checkin_time"] is None for row in read.roster),
        bins={row["bin_label"]: row["student_count"] for row in read.frequency},
        dayparts={label: dayparts[daypart] for daypart, label in spanish.DAYPARTS.items()},
    )


def write_csv(file: Any, student_list: StudentList) -> None:
    """Write a whole list for a Spanish spreadsheet: semicolons between columns, decimal commas.

    Args:
        file: open for text, with newline="".
        student_list: its values are written as the view has them, not rounded as on the page.
    """
    writer = csv.writer(file, delimiter=";")
    writer.writerow(column.heading for column in student_list.columns)
    for row in student_list.rows:
        writer.writerow(_cells(row[column.field] for column in student_list.columns))


def _cells(values: Iterable[Any]) -> Iterable[Any]:
    for value in values:
        if isinstance(value, Decimal):
            yield str(value).replace(".", ",")
        elif isinstance(value, str) and value.startswith(FORMULA_STARTS):
            yield "'" + value
        else:
            yield value
