"""The panel as one static page in Spanish, and its lists as CSV files beside it."""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from engagement_panel import charts, panel, spanish
from engagement_panel.lists import StudentList, student_lists
from engagement_panel.spreadsheet import write_csv

PAGE = "panel.html"


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
    labels = spanish.bucket_labels(read.definition["buckets"])
    return environment.get_template("panel.html.j2").render(
        panel=read,
        lists=lists,
        shown_rows=read.definition["list_length"],  # the files have all
        spanish=spanish,
        charts=charts,
        buckets={labels[bucket]: students for bucket, students in read.students_in.items()},
        never_came=sum(row["never_came"] for row in read.roster),
        bins={row["bin_label"]: row["student_count"] for row in read.frequency},
        dayparts={spanish.daypart(row["daypart"]): row["return_rate"] for row in read.dayparts},
    )
