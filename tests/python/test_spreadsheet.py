"""Files for a spreadsheet: a text stays the text that it is."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal

import pytest
from babel.dates import get_month_names

from engagement_panel import spreadsheet
from engagement_panel.lists import Column, StudentList


def cell(value: object) -> str:
    """Write a list of one cell, and give what a reader of CSV finds in it."""
    file = io.StringIO(newline="")
    spreadsheet.write_csv(file, StudentList("list", "List", "", [Column("level", "Nivel")], [{"level": value}]))
    _, (written,) = csv.reader(file.getvalue().splitlines(), delimiter=";")
    return written


def _months(language: str) -> Iterator[str]:
    for width in ("wide", "abbreviated"):
        yield from (name.rstrip(".") for name in get_month_names(width, locale=language).values())


# What Excel or LibreOffice makes of each by itself: a date, a number, a time, an amount, a boolean, an error.
@pytest.mark.parametrize(
    "text",
    ["3/4", "1/2", "1-2", "2024-01-05", "5 ene", "ENE-5", "mar1", "March 1", "1E5", "007", "12:30", "5%", ".5", "(5)"]
    + [f"{month} 3" for language in ("es", "en") for month in _months(language)]
    + ["1,5", " 007", "\xa0007", "$5", "€ 5", "TRUE", "falso", "#N/A", "=A1", " =A1", "+593", "@SUM(A1)", "１/２"],
)
def test_a_text_that_reads_as_something_else_is_marked_as_text(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["A1", "B2+", "Ana 3/4", "Marta 3", "Mayra", "O'Brien", 'Peña; "Ñusta"', "Falsoni", ""]
)
def test_any_other_text_is_written_as_it_is(text):
    assert cell(text) == text


def test_numbers_are_written_as_numbers():
    assert cell(Decimal("80.50")) == "80,50"
    assert cell(-5) == "-5"
