"""The page's key figures and charts. What comes from a view that the school keeps as its own is left out."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from markupsafe import Markup

from engagement_panel import charts, spanish
from engagement_panel.panel import Panel


class KeyFigure(NamedTuple):
    """A number that is read at a glance, and a note below it."""

    title: str
    value: str
    note: str = ""


class Figure(NamedTuple):
    """A picture, the same numbers as a table for a screen reader, and a note for everybody."""

    name: str
    title: str
    picture: Markup
    headings: list[str]
    rows: list[list[str]]
    note: str = ""


class Section(NamedTuple):
    """Charts that belong together, or a sentence that says why there are none."""

    name: str
    title: str
    figures: list[Figure]
    note: str = ""


UNFINISHED_WEEK = "La semana en curso, más clara, aún no termina."
NO_CHECKOUTS = "La escuela no registra las salidas: no hay minutos que mostrar."


def key_figures(panel: Panel) -> list[KeyFigure]:
    """Give the key figures in the order of the dashboard."""
    return [*_coming(panel), *_minutes_of_the_week(panel), *_gaps(panel), *_away(panel)]


def _coming(panel: Panel) -> Iterator[KeyFigure]:
    active, change, ratio = panel.only("active"), panel.only("week_over_week"), panel.only("wau_mau")
    if active:
        note = spanish.change(change["active_students_wow_change"]) if change else ""
        yield KeyFigure("Vinieron en 7 días", spanish.whole(active["active_7d"]), note)
        yield KeyFigure("En 14 días", spanish.whole(active["active_14d"]))
        yield KeyFigure("En 30 días", spanish.whole(active["active_30d"]))
        yield KeyFigure("En 180 días", spanish.whole(active["active_6mo"]))
    elif change:
        note = spanish.change(change["active_students_wow_change"])
        yield KeyFigure("Vinieron en 7 días", spanish.whole(change["active_students_7d"]), note)
    if ratio:
        yield KeyFigure("De los del mes, esta semana", spanish.percent(ratio["wau_mau_ratio"]))


def _minutes_of_the_week(panel: Panel) -> Iterator[KeyFigure]:
    change = panel.only("week_over_week")
    if change and panel.shows_minutes:
        note = spanish.change(change["total_minutes_wow_change"])
        yield KeyFigure("Minutos en 7 días", spanish.whole(change["total_minutes_7d"]), note)


def _gaps(panel: Panel) -> Iterator[KeyFigure]:
    if "mean_gaps" in panel.rows:
        mean = panel.rows["mean_gaps"][0]["avg_days_between_visits"]
        yield KeyFigure("Días entre visitas, promedio", spanish.one_decimal(mean))
    if median := panel.only("median_gap"):
        yield KeyFigure("Días entre visitas, mediana", spanish.one_decimal(median["median_days_between_visits"]))


def _away(panel: Panel) -> Iterator[KeyFigure]:
    if away := panel.only("inactive"):
        for days, students in zip((7, 14, 30, 180), away.values(), strict=True):
            yield KeyFigure(f"Activos sin venir {days} días o más", spanish.whole(students))


def sections(panel: Panel) -> list[Section]:
    """Give the sections of charts, those without a chart or a word left out."""
    trends = Section("tendencias", "Tendencias", list(_trends(panel)))
    hours = Section("horarios", "Horarios", list(_hours(panel)), "" if panel.shows_minutes else NO_CHECKOUTS)
    students = Section("alumnos", "Alumnos", list(_students(panel)))
    return [section for section in (trends, hours, students) if section.figures or section.note]


def _trends(panel: Panel) -> Iterator[Figure]:
    if weeks := panel.rows.get("weeks"):
        draw = partial(charts.standing_bars, is_last_unfinished=True)
        peaks = {spanish.short_day(row["week_start"]): row["max_daily_actives"] for row in weeks}
        yield _figure(
            "semanas",
            "Más alumnos en un día, por semana",
            ("Semana del", "Alumnos"),
            peaks,
            spanish.whole,
            draw,
            UNFINISHED_WEEK,
        )
        if panel.shows_minutes:
            minutes = {spanish.short_day(row["week_start"]): row["total_minutes"] for row in weeks}
            yield _figure(
                "minutos",
                "Minutos por semana",
                ("Semana del", "Minutos"),
                minutes,
                spanish.whole,
                draw,
                UNFINISHED_WEEK,
            )
    if days := panel.rows.get("rolling_month"):
        months = {spanish.short_day(row["snapshot_date"]): row["mau_rolling_30d"] for row in days}
        yield _figure(
            "mes",
            "Alumnos de los 30 días anteriores a cada día",
            ("Día", "Alumnos"),
            months,
            spanish.whole,
            charts.line,
            "El día de hoy, que aún no termina, no cuenta.",
        )


def _hours(panel: Panel) -> Iterator[Figure]:
    if not panel.shows_minutes:
        return
    if "heatmap" in panel.rows and panel.opening_hours:
        yield _heatmap(panel)
    if "minutes_by_daypart" in panel.rows:
        minutes = {spanish.daypart(row["daypart"]): row["total_minutes"] for row in panel.rows["minutes_by_daypart"]}
        yield _figure(
            "minutos-franja",
            "Minutos por franja horaria en 90 días",
            ("Franja", "Minutos"),
            minutes,
            spanish.whole,
            charts.lying_bars,
        )
    if "days" in panel.rows:
        minutes = {spanish.weekday(day): value for day, value in panel.weekday_minutes.items()}
        yield _figure(
            "dias",
            "Minutos por día de la semana en 90 días",
            ("Día", "Minutos"),
            minutes,
            spanish.whole,
            charts.standing_bars,
            "El día de hoy aún no termina.",
        )


def _heatmap(panel: Panel) -> Figure:
    title, hours = "Minutos por hora de la semana en 90 días", panel.opening_hours
    rows = {spanish.weekday(day): [panel.minutes_at[day, hour] for hour in hours] for day in range(1, 8)}
    return Figure(
        "horas",
        title,
        charts.heatmap(title, [str(hour) for hour in hours], rows),
        ["Día", *(f"{hour}:00" for hour in hours)],
        [[day, *map(spanish.whole, minutes)] for day, minutes in rows.items()],
        f"Cuanto más oscuro, más minutos; {spanish.whole(max(map(max, rows.values())))} en la hora más llena.",
    )


def _students(panel: Panel) -> Iterator[Figure]:
    if "roster" in panel.rows:
        labels = spanish.bucket_labels(panel.definition["buckets"])
        buckets = {labels[bucket]: students for bucket, students in panel.students_in.items()}
        never_came = spanish.whole(sum(row["never_came"] for row in panel.rows["roster"]))
        yield _figure(
            "tramos",
            "Alumnos por días sin venir",
            ("Días sin venir", "Alumnos"),
            buckets,
            spanish.whole,
            charts.lying_bars,
            f"Quien aún no ha venido nunca ({never_came}) cuenta entre los de menos de 7 días.",
        )
    if "frequency" in panel.rows:
        bins = {row["bin_label"]: row["student_count"] for row in panel.rows["frequency"]}
        yield _figure(
            "frecuencia",
            "Alumnos activos por visitas en los últimos 30 días",
            ("Visitas", "Alumnos"),
            bins,
            spanish.whole,
            charts.standing_bars,
        )
    if "dayparts" in panel.rows:
        rates = {spanish.daypart(row["daypart"]): row["return_rate"] for row in panel.rows["dayparts"]}
        yield _figure(
            "franjas",
            "Alumnos que repiten franja horaria en los últimos 30 días",
            ("Franja", "Repiten"),
            rates,
            spanish.percent,
            charts.lying_bars,
            "De quienes vinieron en la franja, la parte que vino en ella dos veces o más.",
        )
    if levels := [row for row in panel.rows.get("mean_gaps", []) if row["scope"] == "LEVEL"]:
        gaps = {f"Nivel {row['level']}": row["avg_days_between_visits"] for row in levels}
        yield _figure(
            "niveles",
            "Días entre visitas, promedio por nivel",
            ("Nivel", "Días"),
            gaps,
            spanish.one_decimal,
            charts.lying_bars,
        )


def _figure(
    name: str,
    title: str,
    headings: tuple[str, str],
    values: dict[str, Any],
    write: Callable[[Any], str],
    draw: Callable[..., Markup],
    note: str = "",
) -> Figure:
    rows = [[label, write(value)] for label, value in values.items()]
    return Figure(name, title, draw(title, values, write), list(headings), rows, note)
