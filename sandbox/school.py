"""A sample school: the tables and views that the panel reads, and two years of check-ins up to the present.

Its rows follow from a seed and the present moment alone. Its people have habits: some come in the morning,
some in the evening, few at weekends; some drift away, some come back, some never came. Most stay one to three hours.
Some forget to check out: a nightly job closes the sessions that began long before it and marks them, a few others are
closed the next day, the rest stay open. A few rows are dirty: check-ins in the future, doubles, check-ins of unknown
people, check-ins without a time, a check-out before its check-in.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from random import Random
from typing import Any, NamedTuple

import psycopg

LOCAL_TIME = timezone(timedelta(hours=-5))  # America/Guayaquil: no daylight saving
HISTORY_DAYS = 730
UNKNOWN_STUDENT_ID = 9001
# The indexes on the attendance.
BY_STUDENT = "student_attendance_student_id_checkin_time_idx"
BY_TIME = "student_attendance_checkin_time_idx"

WOMENS_NAMES = (
    "Belén Camila Daniela Doménica Emilia Fernanda Génesis Kerly Lucía María Noemí Paola Renata Rocío Sofía "
    "Valentina Verónica Ximena Zoila"
).split()
MENS_NAMES = (
    "Ángel Carlos David Gabriel Iván Javier Joaquín José Juan Julián Leonardo Luis Martín Mateo Nicolás Paúl "
    "Raúl Samuel Sebastián Tomás Víctor"
).split()
SURNAMES = (
    "Acosta Aguirre Alvarado Andrade Benítez Bravo Cárdenas Cedeño Chávez Chiriboga Córdova D'Ambrosio "
    "D'Angelo Espín Falconí Gómez Guamán Herrera Ibáñez Jácome Lalangui López Macías Mendoza Morán Moreira "
    "Muñoz Ñacato Núñez O'Brien Ordóñez Ortiz Pazmiño Peña Pincay Quishpe Quiñónez Rodríguez Salazar Sánchez "
    "Tigua Toapanta Vélez Villacís Yagual Zambrano"
).split()
LEVEL_WEIGHTS = {"A1": 24, "A2": 26, "B1": 22, "B2": 14, "C1": 7, None: 7}

HOLIDAYS = {(1, 1), (5, 1), (5, 24), (8, 10), (10, 9), (11, 2), (11, 3)}  # month, day
CLOSED_DAYS_AGO = range(120, 127)  # a week of holidays, far enough back that it empties no list of the panel
WEEKDAY_SHARES = (0.19, 0.19, 0.19, 0.19, 0.15, 0.07, 0.02)  # of a week's visits, Monday to Sunday
USUAL_HOUR_WEIGHTS = {9.4: 35, 14.2: 20, 18.3: 45}  # morning, afternoon and evening people
OPENING_HOUR, CLOSING_HOUR = 7.0, 21.0
FORGOTTEN_CHECKOUTS = 0.15
JOB_RUNS_AT = time(20, 15, tzinfo=LOCAL_TIME)
JOB_CLOSES_AFTER = timedelta(hours=4)
FUTURE_CHECKINS = (timedelta(hours=3), timedelta(days=2), timedelta(days=365))  # a clock that runs ahead
STILL_COMES = (0, 0)


@dataclass(frozen=True)
class Habit:
    """How a group of students comes; ranges are inclusive, days count back from today."""

    students: int
    visits_per_week: tuple[float, float]
    last_seen_days_ago: tuple[int, int] = STILL_COMES
    days_away: tuple[int, int] | None = None  # an absence that ended within the last 12 days


HABITS = (
    Habit(14, (6.0, 7.5)),  # the devoted
    Habit(56, (3.5, 5.5)),
    Habit(90, (1.2, 3.5)),
    Habit(40, (0.9, 1.6)),  # now and then
    Habit(30, (2.0, 4.0), last_seen_days_ago=(7, 13)),
    Habit(26, (1.0, 3.0), last_seen_days_ago=(14, 29)),
    Habit(52, (1.0, 4.0), last_seen_days_ago=(30, 179)),
    Habit(44, (1.0, 4.0), last_seen_days_ago=(180, 650)),
    Habit(18, (1.5, 4.0), days_away=(15, 400)),  # just back
)
STUDENTS_WHO_CAME_ONCE = 14
STUDENTS_WHO_NEVER_CAME = 12


class Student(NamedTuple):
    """A row of public.students."""

    student_id: int
    full_name: str | None
    level: str | None


class Checkin(NamedTuple):
    """A row of public.student_attendance."""

    student_id: int
    checkin_time: datetime | None
    checkout_time: datetime | None
    auto_checkout: bool = False


class AtRiskLearner(NamedTuple):
    """A row of learning.at_risk_learners."""

    student_id: int
    stuck_flag: bool | None
    slow_flag: bool | None


class School(NamedTuple):
    """The rows of the school's tables."""

    students: list[Student]
    checkins: list[Checkin]
    at_risk_learners: list[AtRiskLearner]


def generate(now: datetime, seed: int = 1) -> School:
    """Make up a school as of `now` (with a time zone); equal arguments give equal schools."""
    random = Random(seed)
    today = now.astimezone(LOCAL_TIME).date()
    days_of_each = [_days(random, habit, today) for habit in HABITS for _ in range(habit.students)]
    days_of_each += [[_open_day(random.randint(1, 300), today)] for _ in range(STUDENTS_WHO_CAME_ONCE)]
    days_of_each += [[] for _ in range(STUDENTS_WHO_NEVER_CAME)]
    random.shuffle(days_of_each)

    students = [
        Student(student_id, _full_name(random), _pick(random, LEVEL_WEIGHTS))
        for student_id in range(1, len(days_of_each) + 1)
    ]
    checkins = [
        _as_of(now, checkin)
        for student, days in zip(students, days_of_each, strict=True)
        for checkin in _checkins(random, student.student_id, days)
        if checkin.checkin_time and checkin.checkin_time <= now
    ]
    _check_out_too_early(random, checkins, now)
    last_seen = {student.student_id: max(days) for student, days in zip(students, days_of_each, strict=True) if days}
    return School(
        students,
        checkins + _dirty_checkins(random, checkins, now),
        _at_risk_learners(random, last_seen, today),
    )


def create(connection: psycopg.Connection) -> None:
    """Create the school's tables and views where they do not exist, in the connection's transaction."""
    connection.execute(
        f"""
        create table if not exists public.students (
            student_id integer primary key,
            full_name text,
            level text
        );
        create table if not exists public.student_attendance (
            student_id integer,
            checkin_time timestamptz,
            checkout_time timestamptz,
            auto_checkout boolean
        );
        create index if not exists {BY_STUDENT}
            on public.student_attendance (student_id, checkin_time);
        create index if not exists {BY_TIME}
            on public.student_attendance (checkin_time);

        create schema if not exists learning;
        create table if not exists learning.at_risk_learners (
            student_id integer not null,
            stuck_flag boolean,
            slow_flag boolean
        );

        create schema if not exists mgmt;
        create or replace view mgmt.learning_at_risk_learners_v as
        select student_id, stuck_flag, slow_flag
        from learning.at_risk_learners;
        """
    )


def load(connection: psycopg.Connection, school: School) -> None:
    """Replace all rows of the school's tables, in the connection's transaction."""
    tables: dict[str, Sequence[NamedTuple]] = {
        "public.students": school.students,
        "public.student_attendance": school.checkins,
        "learning.at_risk_learners": school.at_risk_learners,
    }
    connection.execute(f"truncate {', '.join(tables)}")
    for table, rows in tables.items():
        with connection.cursor().copy(f"copy {table} from stdin") as copy:
            for row in rows:
                copy.write_row(row)
    connection.execute(f"analyze {', '.join(tables)}")


def _days(random: Random, habit: Habit, today: date) -> list[date]:
    """The days on which a student of that habit came, one entry a visit."""
    last = _open_day(random.randint(*habit.last_seen_days_ago), today)
    stopped = habit.last_seen_days_ago != STILL_COMES
    joined = last - timedelta(random.randint(30, HISTORY_DAYS))
    left = back = last  # no absence
    if habit.days_away:
        back = _open_day(random.randint(1, 12), today)
        left = _open_day((today - back).days + random.randint(*habit.days_away), today)
        joined = left - timedelta(random.randint(30, 300))
    elif random.random() < 0.3:  # a long holiday, an illness
        back = _open_day((today - last).days + random.randint(60, 500), today)
        left = _open_day((today - back).days + random.randint(15, 60), today)
    joined = max(joined, today - timedelta(HISTORY_DAYS))

    surely = {left, back} if left < back else set()
    if stopped:
        surely.add(last)
    per_week = random.uniform(*habit.visits_per_week)
    days = []
    for day in (joined + timedelta(n) for n in range((last - joined).days + 1)):
        if day in surely:
            days.append(day)
        elif _is_open(day, today) and not left < day < back:
            fading = min(1.0, 0.3 + (last - day).days / 60) if stopped else 1.0
            expected = fading * per_week * WEEKDAY_SHARES[day.weekday()]
            days += [day] * (int(expected) + (random.random() < expected % 1))
    return days


def _is_open(day: date, today: date) -> bool:
    return (day.month, day.day) not in HOLIDAYS and (today - day).days not in CLOSED_DAYS_AGO


def _open_day(days_ago: int, today: date) -> date:
    """The day that many days ago, or the last one before it on which the school was open."""
    day = today - timedelta(days_ago)
    while not _is_open(day, today):
        day -= timedelta(1)
    return day


def _checkins(random: Random, student_id: int, days: list[date]) -> Iterator[Checkin]:
    usual_hour = _pick(random, USUAL_HOUR_WEIGHTS)
    for day in days:
        hour = usual_hour if random.random() < 0.85 else _pick(random, USUAL_HOUR_WEIGHTS)
        seconds = 3600 * min(max(random.gauss(hour, 0.8), OPENING_HOUR), CLOSING_HOUR)
        checkin_time = datetime.combine(day, time(tzinfo=LOCAL_TIME)) + timedelta(seconds=seconds)
        yield Checkin(student_id, checkin_time, *_checkout(random, checkin_time))


def _checkout(random: Random, checkin_time: datetime) -> tuple[datetime | None, bool]:
    """When a session ends, and whether the job ends it."""
    if random.random() >= FORGOTTEN_CHECKOUTS:
        return checkin_time + timedelta(minutes=max(20.0, random.gauss(110, 35))), False
    job_runs = datetime.combine(checkin_time.date(), JOB_RUNS_AT)
    if job_runs - checkin_time >= JOB_CLOSES_AFTER:
        return job_runs, True
    return checkin_time + timedelta(hours=random.uniform(13, 20)) if random.random() < 0.15 else None, False


def _as_of(now: datetime, checkin: Checkin) -> Checkin:
    """The check-in as it looks at `now`: without the check-out that has not come yet."""
    if checkin.checkout_time is None or checkin.checkout_time <= now:
        return checkin
    return checkin._replace(checkout_time=None, auto_checkout=False)


def _check_out_too_early(random: Random, checkins: list[Checkin], now: datetime) -> None:
    """Let a session of the last 30 days end before it began."""
    at, came = random.choice(
        [
            (at, each.checkin_time)
            for at, each in enumerate(checkins)
            if each.checkin_time and each.checkin_time > now - timedelta(30)
        ]
    )
    checkins[at] = Checkin(checkins[at].student_id, came, came - timedelta(minutes=40))


def _dirty_checkins(random: Random, checkins: list[Checkin], now: datetime) -> list[Checkin]:
    recent = [checkin for checkin in checkins if checkin.checkin_time and checkin.checkin_time > now - timedelta(30)]
    in_the_future = [
        Checkin(checkin.student_id, now + ahead, None)
        for checkin, ahead in zip(random.sample(checkins, 3), FUTURE_CHECKINS, strict=True)
    ]
    doubles = random.sample(recent, 8) + random.sample(checkins, 8)
    of_nobody = [checkin._replace(student_id=UNKNOWN_STUDENT_ID) for checkin in random.sample(recent, 6)]
    without_a_time = [Checkin(checkin.student_id, None, None) for checkin in random.sample(checkins, 4)]
    return in_the_future + doubles + of_nobody + without_a_time


def _at_risk_learners(random: Random, last_seen: dict[int, date], today: date) -> list[AtRiskLearner]:
    """Learners in difficulty, some of whom still come: a few listed twice, one unknown to the school."""
    away = [student_id for student_id, day in last_seen.items() if day < today - timedelta(15)]
    learners = random.sample(away, 20) + random.sample(list(last_seen), 20)
    learners += [*learners[:3], UNKNOWN_STUDENT_ID]
    return [
        AtRiskLearner(student_id, random.choice((True, False, None)), random.choice((True, False, None)))
        for student_id in learners
    ]


def _full_name(random: Random) -> str | None:
    if random.random() < 0.02:
        return None
    first_names = random.sample(random.choice((WOMENS_NAMES, MENS_NAMES)), random.choice((1, 1, 2)))
    return " ".join([*first_names, *random.sample(SURNAMES, 2)])


def _pick(random: Random, weights: dict[Any, int]) -> Any:
    return random.choices(list(weights), list(weights.values()))[0]
