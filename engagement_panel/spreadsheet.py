"""Lists as files that a spreadsheet opens with the values that the views hold."""

import csv
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, TextIO

from engagement_panel.lists import StudentList

# What Excel and LibreOffice, in Spanish or English, take for something other than text: a formula (the full-width
# characters are those of Asian keyboards); a number, fraction, date, time or amount; a month and a number; a boolean.
MONTH = (
    "ene(ro)?|feb(rero|ruary)?|mar(zo|ch)?|abr(il)?|mayo?|jun(io|e)?|jul(io|y)?|ago(sto)?|sep(t|tiembre|tember)?"
    "|set(iembre)?|oct(ubre|ober)?|nov(iembre|ember)?|dic(iembre)?|jan(uary)?|apr(il)?|aug(ust)?|dec(ember)?"
)
NOT_TEXT = re.compile(
    r"[\t\r\n]|\s*([=+\-@#＝＋－＠]"
    r"|[(.,$€£¥\s]*\d"
    rf"|({MONTH})[\s./,-]*\d"
    r"|(verdadero|falso|true|false)\s*$)",
    re.IGNORECASE,
)


def write_csv(file: TextIO, student_list: StudentList) -> None:
    """Write a whole list as a Spanish spreadsheet reads it: semicolons between the cells, decimal commas.

    Args:
        file: open for text, with newline="".
        student_list: what to write; values are those of the view, not rounded as on the page.
    """
    writer = csv.writer(file, delimiter=";")
    writer.writerow(column.heading for column in student_list.columns)
    for row in student_list.rows:
        writer.writerow(_cells(row[column.field] for column in student_list.columns))


def _cells(values: Iterable[Any]) -> Iterable[Any]:
    for value in values:
        if isinstance(value, Decimal):
            yield str(value).replace(".", ",")
        elif isinstance(value, str) and NOT_TEXT.match(value):
            yield f"'{value}"
        else:
            yield value
