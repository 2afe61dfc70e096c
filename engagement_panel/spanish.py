"""The panel's words in Spanish, and values as Ecuador writes them."""

from datetime import date, datetime
from decimal import Decimal
from math import floor
from typing import Any

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent

LOCALE = "es_EC"

# From the gravest to the best.
BUCKETS = {
    "long_term_inactive_180d": "180 o más",
    "dormant_30d": "De 30 a 179",
    "inactive_14d": "De 14 a 29",
    "inactive_7d": "De 7 a 13",
    "active_recent": "Menos de 7",
}
DAYPARTS = {
    "morning_08_12": "Mañana, 8 a 12",
    "afternoon_12_17": "Tarde, 12 a 17",
    "evening_17_20": "Noche, 17 a 20",
}
LEARNING_ISSUES = {"Stalled": "No avanza", "Slow": "Avanza lento", "At risk": "En riesgo"}


def text(value: Any) -> str:
    """Write the value as it stands; a dash for none."""
    return "–" if value is None else str(value)


def name(value: str | None) -> str:
    """Write a student's name, or words for its absence."""
    return value or "Sin nombre"


def whole(value: Decimal | int | None) -> str:
    """Round down, so that 6.97 days do not read as the 7 that would be another bucket."""
    return text(value) if value is None else format_decimal(floor(value), locale=LOCALE)


def one_decimal(value: Decimal | None) -> str:
    """Round to one decimal."""
    return text(value) if value is None else format_decimal(value, "0.0", locale=LOCALE)


def percent(value: Decimal) -> str:
    """Write a share of 1 in percent."""
    return format_percent(value, "0.0\N{NO-BREAK SPACE}%", locale=LOCALE)


def day(value: date) -> str:
    """Write a date with its weekday, in short and on one line."""
    return format_date(value, "EEE\N{NO-BREAK SPACE}d\N{NO-BREAK SPACE}MMM", locale=LOCALE)


def moment(value: datetime) -> str:
    """Write a date and time of day in full."""
    return format_datetime(value, "EEEE d 'de' MMMM 'de' y, HH:mm", locale=LOCALE)
