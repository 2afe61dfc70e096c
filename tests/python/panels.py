"""Schools to try the views on: adversarial ones, named by what they probe, and a strategy for random ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import cache
from itertools import accumulate, cycle, product
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from oracle import CheckIn, Learner, Student

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)
NOW = timedelta(0)
CENT = DAY / 100

DAYPART_CLOCKS = (time(8), time(12), time(17), time(20))
MIDNIGHT = time(0)

NAMES = (
    None,
    "",
    " ",
    "Ana",
    "ana",
    "ANA",
    "Ana ",
    "Ana B",
    "Zoë",
    "Ángel",
    "A\u0301ngel",
    "Ñandú",
    "O'Brien",
    'Luis "Lucho" Paz',
    "Paz, Luis",
    "=cmd|' /C calc'!A0",
    "+593",
    "back\\slash",
    "tab\tand\nline",
    "%s {} {{ }}",
    "李小龍",
    "🦊",
    "\uffee",
)


@dataclass(frozen=True)
class Ago:
    """The instant `elapsed` before now."""

    elapsed: timedelta

    def instant(self, now: datetime, zone: ZoneInfo) -> datetime:
        """Give the instant in UTC."""
        return now - self.elapsed


@dataclass(frozen=True)
class WallClock:
    """The instant `shift` after the school's clocks showed `clock`, `days` dates before today's."""

    days: int
    clock: time
    shift: timedelta = NOW

    def instant(self, now: datetime, zone: ZoneInfo) -> datetime:
        """Give the instant in UTC."""
        day = now.astimezone(zone).date() - timedelta(days=self.days)
        return datetime.combine(day, self.clock, zone).astimezone(UTC) + self.shift


@dataclass(frozen=True)
class ClockChange:
    """The instant `shift` after the last change of the school's clocks, after a midnight if none was lately."""

    shift: timedelta = NOW

    def instant(self, now: datetime, zone: ZoneInfo) -> datetime:
        """Give the instant in UTC."""
        return (last_change(now, zone) or WallClock(89, MIDNIGHT).instant(now, zone)) + self.shift


@cache
def last_change(now: datetime, zone: ZoneInfo) -> datetime | None:
    """Find the last change of the zone's clocks in the hundred days up to `now`, to the quarter of an hour."""

    def differ(earlier: datetime, later: datetime) -> bool:
        return earlier.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset()

    quarter = 15 * MINUTE
    time = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    while time > now - 100 * DAY:
        if differ(time - quarter, time):
            return time
        time -= quarter if differ(time - DAY, time) else DAY
    return None


Moment = Ago | WallClock | ClockChange

# Check-outs at infinity, as lengths of a session.
FOREVER, NEVER = timedelta.max, timedelta.min


@dataclass(frozen=True)
class Visit:
    """A row of the attendance table.

    Its check-out is a moment, or told by the length of the session. `auto_checkout` marks one that a job made, `erased`
    a row that a school with soft deletes does not count.
    """

    student_id: int | None
    moment: Moment | None
    checkout: Moment | timedelta | None = None
    auto_checkout: bool | None = False
    erased: bool = False

    def checkin(self, now: datetime, zone: ZoneInfo) -> CheckIn:
        """Give the visit the instants that it has at `now` (UTC) in a school of that zone."""
        start = self.moment and self.moment.instant(now, zone)
        end = self.checkout
        if end in (FOREVER, NEVER):
            end = (datetime.max if end == FOREVER else datetime.min).replace(tzinfo=UTC)
        elif isinstance(end, timedelta):
            end = start and start + end
        elif end is not None:
            end = end.instant(now, zone)
        return CheckIn(self.student_id, start, end)


@dataclass(frozen=True)
class School:
    """Students, their visits and the learning list, at times told from now."""

    students: Sequence[Student] = ()
    visits: Sequence[Visit] = ()
    learners: Sequence[Learner] = ()

    def checkins(self, now: datetime, zone: ZoneInfo) -> list[CheckIn]:
        """Give the visits the instants that they have at `now` (UTC) in a school of that zone."""
        return [visit.checkin(now, zone) for visit in self.visits]


# A check-in and its check-out.
Session = tuple[Moment, Moment | timedelta | None]


def school_of(*histories: Sequence[Moment | Session | None], names: Sequence[str | None] = ()) -> School:
    """Make a school of one student a history, numbered from 1, every one of them on the learning list."""
    ids = range(1, len(histories) + 1)
    names = names or [f"Student {student_id:03}" for student_id in ids]
    return School(
        [Student(student_id, name, "A1") for student_id, name in zip(ids, names, strict=True)],
        [
            Visit(student_id, *(entry if isinstance(entry, tuple) else (entry,)))
            for student_id, history in zip(ids, histories, strict=True)
            for entry in history
        ],
        [Learner(student_id, False, False) for student_id in ids],
    )


def ago(*elapsed: timedelta) -> list[Moment]:
    """Give the instants so long before now."""
    return [Ago(each) for each in elapsed]


def around(elapsed: timedelta) -> tuple[timedelta, ...]:
    """Give a length of time with its neighbours of a microsecond less and more."""
    return (elapsed - TICK, elapsed, elapsed + TICK)


def every(step: timedelta, count: int, start: timedelta = HOUR) -> list[Moment]:
    """Give `count` instants, `step` apart, the latest `start` before now."""
    return ago(*(start + step * i for i in range(count)))


def half_cent_scores() -> list[list[Moment]]:
    """Find single visits whose score, of a target of 12 or 30, lies on half a hundredth or just beside.

    They solve 100 / target * 7 days / (7 days + elapsed) = thousandths / 1000 in whole microseconds.
    """
    dividend = 100_000 * 7 * DAY
    histories = []
    for target, thousandths in product((12, 30), range(5, 9000, 10)):
        week_and_elapsed = dividend // (target * thousandths)
        exact = week_and_elapsed * target * thousandths == dividend
        if exact and 7 * DAY < week_and_elapsed < 37 * DAY:
            histories += [ago(elapsed) for elapsed in around(week_and_elapsed - 7 * DAY)]
    return histories


def learning_lists() -> School:
    """Make long absent students with every pair of rows that the learning list can hold of them."""
    flags = list(product((True, False, None), repeat=2))
    pairs = [(first, second) for first in flags for second in (*flags, None)]
    school = school_of(*(ago(20 * DAY) for _ in pairs))
    listed = [
        Learner(student.student_id, *row)
        for student, pair in zip(school.students, pairs, strict=True)
        for row in pair
        if row is not None
    ]
    return replace(school, learners=[*listed, Learner(999, True, True)])


def strangers() -> School:
    """Make a school whose attendance and learning list speak of others than its one student."""
    moments = ago(HOUR, 2 * HOUR, 20 * DAY, 20 * DAY)
    return School(
        [Student(1, "Ana", None)],
        [Visit(student_id, moment) for student_id in (2, None) for moment in moments],
        [Learner(2, True, True), Learner(2, None, None)],
    )


def partly_counting() -> School:
    """Make students and visits of every kind that a condition may leave out, in every one of the views."""
    kinds = list(product((None, "A1", "frozen", "archived"), ("Ana", None)))
    long_away = school_of(*(ago(*around(20 * DAY)) for _ in kinds), names=[name for _, name in kinds])
    students = [replace(student, level=level) for student, (level, _) in zip(long_away.students, kinds, strict=True)]
    just_back = [replace(student, student_id=student.student_id + 100) for student in students]
    mornings = [
        Visit(student.student_id, WallClock(days, time(9)), HOUR, False, erased)
        for student in just_back
        for days, erased in ((2, False), (3, student.full_name is None), (40, False))
    ]
    erased = [replace(visit, erased=visit.moment == Ago(20 * DAY - TICK)) for visit in long_away.visits]
    return School([*students, *just_back], [*erased, *mornings], long_away.learners)


def unusual_students() -> School:
    """Make students of extreme ids and unusual names and levels, the odd ids here now, the even long away."""
    ids = (-(2**31), -1, 0, 2**31 - 1, *range(1, 2 * len(NAMES) - 3))
    levels = (None, "", "A1", "Ñ'1\"")
    return School(
        [Student(student_id, NAMES[i % len(NAMES)], levels[i % 4]) for i, student_id in enumerate(ids)],
        [Visit(student_id, Ago(NOW if student_id % 2 else 14 * DAY + TICK)) for student_id in ids],
        [Learner(student_id, None, None) for student_id in ids],
    )


ADVERSARIAL: dict[str, School] = {
    "nothing at all": School(),
    "nobody ever came": school_of([], [], [], names=["B", None, "A"]),
    "check-ins and learners of nobody known": strangers(),
    "only future and null check-ins": school_of(ago(-TICK), ago(-DAY), [None], ago(-TICK, 20 * DAY)),
    "a check-in at this very instant": school_of(ago(NOW), ago(NOW, NOW), ago(NOW, TICK)),
    "buckets begin at the microsecond": school_of(
        *(ago(elapsed) for days in (7, 14, 30, 90, 180) for elapsed in around(days * DAY))
    ),
    "days shown are cut, not rounded": school_of(
        *(ago(elapsed) for cents in (1, 50, 700, 701, 1400, 18000) for elapsed in around(cents * CENT)),
        *(ago(cents * CENT + CENT / 2) for cents in (0, 699, 1399)),
    ),
    "the window of 30 days begins at the microsecond": school_of(
        # One student came once in the daypart, one twice, one four times but too early: 1/2 came back.
        *(ago(*[elapsed] * n) for elapsed, n in zip(around(30 * DAY), (1, 2, 4), strict=True))
    ),
    "every bin and its neighbours": school_of(*(every(DAY, sessions) for sessions in range(14))),
    "sessions older than the window fill no bin": school_of(every(DAY, 20, 20 * DAY), every(DAY, 9, 31 * DAY)),
    "two at the same instant are two sessions": school_of(
        ago(DAY, DAY), ago(20 * DAY, 20 * DAY, 40 * DAY), ago(DAY, DAY, DAY, 3 * DAY)
    ),
    "a score is held to 100": school_of(*(every(TICK, sessions, NOW) for sessions in (11, 12, 13, 29, 30, 31, 99))),
    "a score falls on half a cent": school_of(*half_cent_scores()),
    "a score falls with days that are not shown": school_of(
        *(every(NOW, 7, cents * CENT + rest) for cents in (0, 99) for rest in (NOW, TICK, CENT / 2, CENT - TICK))
    ),
    "the mean gap of none, one, two and many": school_of(
        [], ago(DAY), ago(DAY, 2 * DAY), every(7 * HOUR, 100), every(365 * DAY, 30), every(NOW, 5)
    ),
    "a mean gap falls on half a cent": school_of(
        *(ago(HOUR, HOUR + gap) for n in (1, 3, 699) for gap in around(n * CENT / 2)),
        *(ago(HOUR, HOUR, HOUR, HOUR + gap) for gap in around(3 * CENT / 2)),
    ),
    "the history of the mean gap may be bounded": school_of(
        *(ago(DAY, elapsed, 400 * DAY) for elapsed in around(60 * DAY)),
        *(ago(elapsed, 400 * DAY) for elapsed in around(60 * DAY)),
        ago(DAY, 400 * DAY),
        ago(61 * DAY, 62 * DAY),
    ),
    "a return is 14 days to the microsecond": school_of(
        *(ago(DAY, DAY + gap) for gap in around(14 * DAY)), *(ago(DAY, DAY + gap) for gap in around(15 * DAY))
    ),
    "a return lies in the last 14 days to the microsecond": school_of(
        *(ago(elapsed, 40 * DAY) for elapsed in around(14 * DAY)),
        *(ago(elapsed, 40 * DAY) for elapsed in around(NOW)),
    ),
    "two returns of one student": school_of(ago(NOW, 14 * DAY, 28 * DAY), ago(NOW, 14 * DAY, 28 * DAY - TICK)),
    "a return after months and years": school_of(
        *(ago(2 * DAY, elapsed) for days in (90, 104, 365, 730, 36500) for elapsed in around(days * DAY))
    ),
    "a return twice at the same instant": school_of(
        ago(DAY, DAY, 20 * DAY, 20 * DAY), ago(DAY, DAY - TICK, 20 * DAY), ago(DAY, DAY)
    ),
    "a return at local midnight": school_of(
        *([WallClock(days, MIDNIGHT, shift), Ago(50 * DAY)] for days in range(15) for shift in around(NOW))
    ),
    "returns in order of the instant, name and id": school_of(
        *(ago(elapsed, 50 * DAY) for elapsed in (DAY, DAY - TICK) for _ in range(5)),
        names=["b", None, "a", "b", None] * 2,
    ),
    "dayparts begin and end at the microsecond": school_of(
        *(
            [WallClock(days, clock, shift) for days in (3, 4)[:visits]]
            for clock in DAYPART_CLOCKS
            for shift in around(NOW)
            for visits in (1, 2)
        )
    ),
    "hours outside the dayparts": school_of(
        *([WallClock(days, time(hour)) for days in (2, 9)] for hour in (*range(8), *range(20, 24)))
    ),
    "once in each daypart is no return": school_of(
        [WallClock(2, time(9)), WallClock(2, time(13)), WallClock(2, time(18))],
        [WallClock(2, time(9)), WallClock(3, time(9)), WallClock(2, time(13))],
        [WallClock(2, time(9)), WallClock(35, time(9))],
    ),
    "a share of thirds, sixths and sevenths": school_of(
        *([WallClock(2, time(9))] * (1 + (i < 2)) for i in range(3)),
        *([WallClock(2, time(13))] * (1 + (i < 5)) for i in range(6)),
        *([WallClock(2, time(18))] * (1 + (i < 3)) for i in range(7)),
    ),
    "a share falls on half a unit": school_of(*([WallClock(2, time(9))] * (1 + (i < 1)) for i in range(32))),
    "an hour a day for a month": school_of(
        *([WallClock(day, time(hour, 30)) for day in range(33)] for hour in range(7, 21))
    ),
    "every learning flag and pair of rows": learning_lists(),
    "ties of shown days go to the next key": school_of(
        *(every(NOW, sessions, 21 * DAY + rest) for rest in (CENT - TICK, NOW, TICK) for sessions in (1, 2, 1)),
        names=["c", None, "b", "a", None, "b", "b", "A", ""],
    ),
    "ties of shown scores go to the name": school_of(
        *(every(NOW, 3, 200 * TICK - TICK * i) for i in range(5)),
        *([] for _ in range(4)),
        names=list("edcbadcba"),
    ),
    "students and visits that a condition may leave out": partly_counting(),
    "names, ids and levels": unusual_students(),
    "check-ins of another age": school_of(
        ago(36500 * DAY), ago(20000 * DAY + TICK, 20000 * DAY), ago(DAY, 40000 * DAY)
    ),
}


def of_levels(school: School, *levels: str | None) -> School:
    """Give the students those levels in turn; `frozen` and `archived` are those that a condition may leave out."""
    students = [replace(student, level=level) for student, level in zip(school.students, cycle(levels), strict=False)]
    return replace(school, students=students)


def marked(school: School) -> School:
    """Repeat each visit with every mark of its check-out, for half of the students under a negative id."""
    ids = {student.student_id: student.student_id * (-1) ** student.student_id for student in school.students}
    return School(
        [replace(student, student_id=ids[student.student_id]) for student in school.students],
        [
            replace(visit, student_id=ids[visit.student_id], auto_checkout=mark)
            for visit in school.visits
            for mark in (True, False, None)
        ],
    )


def one_week_and_the_one_before(lately: timedelta, before: timedelta) -> School:
    """Make two students, one who spent so long at the school in the last week, one in the week before."""
    return school_of(
        *(
            [(Ago(days * DAY), length / 2), (Ago(days * DAY), length - length / 2)]
            for days, length in ((2, lately), (9, before))
        )
    )


EVERY_THIRD_DAY = school_of(*([(Ago(n * DAY), HOUR), (Ago(n * DAY + 5 * DAY), HOUR)] for n in range(1, 100, 3)))
# Schools whose sessions have ends.
SESSIONS: dict[str, School] = {
    "a session ends now, just before, just after, later": school_of(
        *([(Ago(2 * HOUR), Ago(elapsed))] for elapsed in (*around(NOW), -HOUR, -9 * HOUR)),
        *([(Ago(NOW), length)] for length in (TICK, HOUR)),
        [(Ago(-TICK), HOUR)],
        [(Ago(-TICK), Ago(HOUR))],
    ),
    "the longest session, and a microsecond more": school_of(
        *([(Ago(2 * DAY), length)] for hours in (1, 12, 20) for length in around(hours * HOUR)),
    ),
    "the longest session is not over yet": school_of(
        *([(Ago(90 * MINUTE), length)] for hours in (12, 20) for length in around(hours * HOUR))
    ),
    "a check-out at the check-in, and before it": school_of(
        *([(Ago(3 * DAY), length)] for length in (*around(NOW), -MINUTE, -HOUR, -30 * DAY)), [(Ago(NOW), NOW)]
    ),
    "check-outs at infinity": school_of(
        [(Ago(HOUR), FOREVER), (Ago(HOUR), NEVER)], [(Ago(9 * DAY), FOREVER), (Ago(9 * DAY), NEVER)], [(Ago(DAY), HOUR)]
    ),
    "forgotten overnight": school_of(
        *([(WallClock(days, time(18)), (hours + days) * HOUR)] for days in (1, 8, 30) for hours in range(9, 30, 3))
    ),
    "check-outs without a check-in, and of nobody known": replace(
        school_of([(Ago(DAY), HOUR)]),
        visits=[
            Visit(1, None, Ago(HOUR)),
            Visit(77, Ago(DAY), HOUR),
            Visit(None, Ago(DAY), HOUR),
            Visit(1, Ago(-HOUR), HOUR),
        ],
    ),
    "sessions overlap": school_of(
        [(WallClock(2, time(9)), 2 * HOUR), (WallClock(2, time(9)), 2 * HOUR), (WallClock(2, time(10)), 2 * HOUR)],
        [(WallClock(2, time(10)), HOUR), (WallClock(2, time(9)), None)],
    ),
    "sessions go on across every midnight": school_of(
        *(
            [(WallClock(days, MIDNIGHT, -(days % 5) * MINUTE - shift), (days % 5 + days % 3 + 1) * MINUTE)]
            for shift in around(NOW)
            for days in range(100)
        )
    ),
    "sessions begin and end at every midnight": school_of(
        *(
            [
                (WallClock(days, MIDNIGHT, shift), 7 * MINUTE),
                (WallClock(days, MIDNIGHT, shift - 5 * MINUTE), 5 * MINUTE),
            ]
            for shift in around(NOW)
            for days in range(100)
        )
    ),
    "sessions go on across every hour": school_of(
        *([(WallClock(hour % 5, time(hour), -hour * MINUTE), (hour + 7) * MINUTE)] for hour in range(24)),
        *(
            [(WallClock(days, time(6, 45)), length)]
            for days, length in ((1, 11 * HOUR), (40, 12 * HOUR), (41, 20 * HOUR))
        ),
    ),
    "dayparts in minutes to the microsecond": school_of(
        *([(WallClock(3, clock, shift - HOUR), HOUR)] for clock in DAYPART_CLOCKS for shift in around(NOW)),
        *([(WallClock(4, clock, shift), HOUR)] for clock in DAYPART_CLOCKS for shift in around(NOW)),
    ),
    "a minute and its hundredth fall on half": school_of(
        *(
            [(WallClock(days, time(hour)), whole + SECOND * 30 - TICK)]
            for days, (hour, whole) in enumerate(product((9, 13, 18), (NOW, 5 * MINUTE, 61 * MINUTE)))
        ),
        *([(WallClock(days, time(10)), length)] for days, length in enumerate(around(30 * SECOND), 10)),
        *([(WallClock(days, time(14)), length)] for days, length in enumerate(around(SECOND * 3 / 10), 20)),
        *([(WallClock(days, time(15)), length)] for days, length in enumerate(around(SECOND * 9 / 10), 20)),
    ),
    "many sessions of 29 seconds": school_of(
        *([(WallClock(days, time(9)), 29 * SECOND) for days in range(3, 80, 2)] for _ in range(5))
    ),
    "sessions across the ends of the last two weeks": school_of(
        *([(Ago(days * DAY + 25 * MINUTE), length)] for days in (7, 14) for length in around(25 * MINUTE)),
        *([(Ago(days * DAY + HOUR), 2 * HOUR)] for days in (7, 14)),
        *([(Ago(elapsed), 10 * MINUTE)] for days in (7, 14) for elapsed in around(days * DAY)),
    ),
    **{
        f"a previous week of {seconds} seconds": one_week_and_the_one_before(HOUR, seconds * SECOND)
        for seconds in (0, 29, 29.999999, 30, 89.999999)
    },
    **{
        f"a change of {seconds} seconds in 20000": one_week_and_the_one_before(
            (20_000 + seconds) * SECOND, 20_000 * SECOND
        )
        for seconds in (-20_000, -1.000001, -1, -0.999999, 0.999999, 1, 1.000001)
    },
    "the last 90 days begin during a session": school_of(
        [(WallClock(89, MIDNIGHT, -3 * HOUR), 5 * HOUR)],
        [(WallClock(89, MIDNIGHT, -19 * HOUR), 20 * HOUR)],
        *([(WallClock(89, MIDNIGHT, -HOUR), length)] for length in around(HOUR)),
        *([(WallClock(89, MIDNIGHT, shift), HOUR)] for shift in around(NOW)),
    ),
    "sessions about a change of the clocks": school_of(
        *([(ClockChange(quarter * 15 * MINUTE), 45 * MINUTE)] for quarter in range(-20, 20)),
        *([(ClockChange(shift), length)] for shift in around(NOW) for length in (TICK, HOUR, 12 * HOUR)),
        *([(ClockChange(shift - length), length)] for shift in around(NOW) for length in (TICK, HOUR, 12 * HOUR)),
        *([(ClockChange(hours * HOUR + shift), TICK)] for hours in (-2, -1, 1, 2) for shift in around(NOW)),
    ),
    "days of sessions about a change of the clocks": school_of(
        *([(ClockChange(hours * HOUR), 5 * HOUR)] for hours in range(-24 * 10, 24 * 10, 5))
    ),
    "visits about a change of the clocks": school_of(
        *([ClockChange(hours * HOUR + shift)] for hours in range(-26, 27) for shift in around(NOW))
    ),
    "check-outs that a condition may leave out": marked(
        school_of(*([(Ago(days * DAY), days * HOUR)] for days in (1, 2, 8, 9)))
    ),
    "only those who are not active come": of_levels(EVERY_THIRD_DAY, "frozen"),
    "some who come are not active, or do not count": of_levels(EVERY_THIRD_DAY, "frozen", "archived", None, "A1"),
    "a visitor who comes twice a day is one": school_of(
        [WallClock(days, time(hour)) for days in (1, 2, 40) for hour in (9, 9, 15)], [WallClock(2, time(9))]
    ),
}

VISITS: dict[str, School] = {
    "one in thirty-two came this week": school_of(*(ago(days * DAY) for days in (1, *[8] * 31))),
    "nobody came in the week before": school_of(ago(DAY), ago(2 * DAY), ago(20 * DAY)),
    "nobody came in the last week": school_of(ago(8 * DAY), ago(9 * DAY), ago(10 * DAY)),
    "nobody came in the last half year": school_of(ago(181 * DAY, 200 * DAY), ago(3000 * DAY)),
    "a visit at every midnight": school_of(
        *([WallClock(days, MIDNIGHT, shift) for days in range(100)] for shift in around(NOW))
    ),
    "visits fill the 30 days before a date": school_of(
        *(
            [WallClock(days, MIDNIGHT, shift)]
            for days in (1, 29, 30, 31, 88, 89, 90, 118, 119, 120)
            for shift in around(NOW)
        )
    ),
    "a gap ends in the last days to the microsecond": school_of(
        *(ago(elapsed, elapsed + n * DAY) for n, elapsed in enumerate(e for d in (30, 90) for e in around(d * DAY))),
        *(ago(elapsed, elapsed, elapsed) for d in (30, 90) for elapsed in around(d * DAY)),
    ),
    "a gap of years ended lately": school_of(
        ago(DAY, 3000 * DAY), ago(89 * DAY, 36500 * DAY), ago(91 * DAY, 900 * DAY)
    ),
    **{
        f"{count} gaps": school_of(*(ago(HOUR, HOUR + n * n * DAY) for n in range(1, count + 1)))
        for count in (1, 2, 3, 4)
    },
    **{
        f"a single gap of {length} and half a hundredth of a day, {name}": school_of(ago(HOUR, HOUR + gap))
        for length, days in (("no day", 0), ("a century", 36500))
        for name, gap in zip(("less", "exactly", "more"), around(days * DAY + 13 * CENT / 2), strict=True)
    },
    **{
        f"the two middle gaps are half a hundredth of a day, {name}": school_of(
            ago(HOUR, HOUR + 3 * CENT, HOUR + 7 * CENT + shift), ago(HOUR, HOUR + NOW), ago(HOUR, 60 * DAY)
        )
        for name, shift in (("less", -TICK), ("exactly", NOW), ("more", TICK))
    },
    "levels with a gap, in order": of_levels(
        school_of(*(every((n % 7 + 1) * HOUR, 2 + n % 3) for n in range(28))),
        *("b", "a", "B", "", " ", "a ", "A1", "A10", "A2", "Ñ", "N", "Á", "\U0001f98a", "\uffee", None, "frozen"),
    ),
    "levels without a gap": of_levels(
        school_of(ago(DAY), [], ago(DAY, 2 * DAY), ago(100 * DAY, 101 * DAY), ago(-TICK, DAY)),
        *"A1 A2 B1 B2 C1".split(),
    ),
    "only those without a level have a gap": of_levels(school_of(ago(DAY, 2 * DAY), ago(DAY)), None, "A1"),
}

ADVERSARIAL |= VISITS | SESSIONS

shifts = st.sampled_from((-TICK, NOW, TICK))
edges = st.builds(lambda days, shift: days * DAY + shift, st.sampled_from((0, 7, 14, 28, 30, 44, 60, 90, 180)), shifts)
lengths = st.one_of(
    edges,
    edges,
    st.builds(
        lambda cents, rest: cents * CENT + rest,
        st.sampled_from((0, 5, 699, 700, 1399, 1400, 2100, 18000)),
        st.sampled_from((NOW, TICK, CENT / 2, CENT - TICK)),
    ),
    st.timedeltas(min_value=NOW, max_value=45 * DAY),
    st.timedeltas(min_value=NOW, max_value=15000 * DAY),
)
clocks = st.sampled_from((MIDNIGHT, *DAYPART_CLOCKS))
moments: st.SearchStrategy[Moment] = st.one_of(
    st.builds(Ago, edges),
    st.builds(Ago, lengths),
    st.builds(Ago, st.timedeltas(min_value=-2 * DAY, max_value=NOW)),
    st.builds(WallClock, st.integers(0, 31), clocks, shifts),
    st.builds(WallClock, st.integers(0, 31) | st.integers(365, 9000), st.times(), shifts),
    st.builds(WallClock, st.integers(0, 125) | st.integers(82, 98), clocks, shifts),
    st.builds(lambda quarters, shift: ClockChange(15 * MINUTE * quarters + shift), st.integers(-12, 12), shifts),
)


def before(moment: Moment, gap: timedelta) -> Moment:
    """Give the instant `gap` before another."""
    if isinstance(moment, Ago):
        return Ago(moment.elapsed + gap)
    return replace(moment, shift=moment.shift - gap)


def one_after_another(latest: Moment, gaps: Sequence[timedelta]) -> list[Moment]:
    """Give the instants up to `latest` that lie `gaps` apart, the last gap first."""
    return list(accumulate(gaps, before, initial=latest))


absences = st.sampled_from((*around(14 * DAY), 15 * DAY - TICK)) | lengths
gaps = st.sampled_from((NOW, TICK, HOUR, DAY)) | absences
lately = st.builds(Ago, st.sampled_from((*around(NOW), DAY, *around(14 * DAY)))) | st.builds(
    WallClock, st.integers(0, 14), clocks, shifts
)
histories = st.one_of(
    st.just([]),
    st.lists(moments, min_size=1, max_size=6),
    st.lists(moments | st.none(), max_size=6),
    st.builds(one_after_another, lately, st.lists(absences, min_size=1, max_size=2)),
    st.builds(one_after_another, moments, st.lists(gaps, min_size=1, max_size=4)),
    st.builds(every, st.sampled_from((NOW, TICK, HOUR, 7 * HOUR, DAY)), st.integers(4, 13), lengths),
    st.builds(every, st.sampled_from((NOW, HOUR, DAY, 30 * DAY)), st.integers(14, 40), lengths),
    st.builds(
        lambda clock, days, shift: [WallClock(day, clock, shift) for day in days],
        clocks,
        st.lists(st.integers(0, 31), min_size=1, max_size=4),
        shifts,
    ),
)
checkouts = st.one_of(
    st.none(),
    st.builds(
        lambda length, shift: length + shift,
        st.sampled_from((NOW, 30 * SECOND, SECOND * 3 / 10, 15 * MINUTE, HOUR, 12 * HOUR, 20 * HOUR)),
        shifts,
    ),
    st.timedeltas(min_value=NOW, max_value=4 * HOUR),
    st.timedeltas(min_value=-HOUR, max_value=26 * HOUR),
    st.sampled_from((FOREVER, NEVER)),
    moments,
)
rests = st.sampled_from((NOW, NOW, NOW, TICK, CENT / 3))
names = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(NAMES[:8]),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4),
)
flags = st.sampled_from((True, False, None))


@st.composite
def schools(draw: st.DrawFn) -> School:
    """Draw a school of up to a dozen students who share few histories: many are in a tie, or just not."""
    ids = st.sampled_from((*range(1, 20), 0, -5, 2**31 - 1))
    known = draw(st.lists(ids, min_size=draw(st.integers(0, 8)), max_size=12, unique=True))
    levels = st.sampled_from(("A1", "B2", None, "", "frozen", "archived"))
    students = [Student(student_id, draw(names), draw(levels)) for student_id in known]
    shared = st.sampled_from(draw(st.lists(histories, min_size=1, max_size=6)))
    ends = cycle(draw(st.lists(st.tuples(checkouts, flags), min_size=1, max_size=5)))
    visits = []
    for student_id in known:
        rest = draw(rests)
        visits += [Visit(student_id, moment and before(moment, rest), *next(ends)) for moment in draw(shared)]
    anyone = st.sampled_from((*known, *known, 77))
    visits += draw(st.lists(st.builds(Visit, anyone | st.none(), moments, checkouts, flags, st.booleans()), max_size=4))
    learners = st.lists(st.builds(Learner, anyone, flags, flags), min_size=len(known) // 2, max_size=15)
    return School(students, visits[:: draw(st.sampled_from((1, -1)))], draw(learners))
