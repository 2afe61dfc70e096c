"""The panel's words in Spanish, and values as Ecuador writes them."""

from datetime import date, datetime
from decimal import Decimal
from math import floor
from typing import Any

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent

LOCALE = "es_EC"

PARTS_OF_THE_DAY = {"morning": "Mañana", "afternoon": "Tarde", "evening": "Noche"}
STANDINGS = {"embajador potencial": "Embajador potencial", "high engagement": ""}
LEARNING_ISSUES = {"Stalled": "No avanza", "Slow": "Avanza lento", "At risk": "En riesgo"}


def bucket_labels(buckets: list[dict[str, Any]]) -> dict[str, str]:
    """Give each bucket's days away in words.

    Args:
        buckets: as the macro `inactivity_buckets` has them, the longest absence first.
    """
    labels = {}
    below = None
    for each in buckets:
        days = each["days"]
        if days is None:
            labels[each["bucket"]] = f"Menos de {below}"
        else:
            labels[each["bucket"]] = f"De {days} a {below - 1}" if below else f"{days} o más"
        below = days
    return labels


def daypart(name: str) -> str:
    """Write a daypart's name, for instance `morning_08_12`, in words."""
    part, since, until = name.split("_")
    return f"{PARTS_OF_THE_DAY[part]}, {int(since)} a {int(until)}"


def text(value: Any) -> str:
    """Write the value as it stands; a dash for none."""
    return "–" if value is None else str(value)


def name(value: str | None) -> str:
    """Write a student's name, or words for its absence."""
    return value or "Sin nombre"


def whole(value: Decimal | int | None) -> str:
    """Round down, so that 6.97 days do not read as the 7 that would be another bucket."""
    return text(value) if value is None else format_decimal(floor(value), locale=LOCALE)


def number(value: Decimal | float) -> str:
    """Write a number with the decimals that it has."""
    return format_decimal(value, locale=LOCALE)


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
