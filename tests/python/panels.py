"""Schools to try the views on: adversarial ones, named by what they probe, and a strategy for random ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from itertools import accumulate, product
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from oracle import CheckIn, Learner, Student

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
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


Moment = Ago | WallClock


@dataclass(frozen=True)
class Visit:
    """A row of the attendance table; `erased` marks one that a school with soft deletes does not count."""

    student_id: int | None
    moment: Moment | None
    erased: bool = False


@dataclass(frozen=True)
class School:
    """Students, their visits and the learning list, at times told from now."""

    students: Sequence[Student] = ()
    visits: Sequence[Visit] = ()
    learners: Sequence[Learner] = ()

    def checkins(self, now: datetime, zone: ZoneInfo) -> list[CheckIn]:
        """Give the visits the instants that they have at `now` (UTC) in a school of that zone."""
        return [CheckIn(visit.student_id, visit.moment and visit.moment.instant(now, zone)) for visit in self.visits]


def school_of(*histories: Sequence[Moment | None], names: Sequence[str | None] = ()) -> School:
    """Make a school of one student a history, numbered from 1, every one of them on the learning list."""
    ids = range(1, len(histories) + 1)
    names = names or [f"Student {student_id:03}" for student_id in ids]
    return School(
        [Student(student_id, name, "A1") for student_id, name in zip(ids, names, strict=True)],
        [Visit(student_id, moment) for student_id, history in zip(ids, histories, strict=True) for moment in history],
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
        Visit(student.student_id, WallClock(days, time(9)), erased)
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
    "some bins are empty": school_of(*(every(HOUR, sessions) for sessions in (3, 3, 7, 40))),
    "sessions older than the window fill no bin": school_of(every(DAY, 20, 20 * DAY), every(DAY, 9, 31 * DAY)),
    "two at the same instant are two sessions": school_of(
        ago(DAY, DAY), ago(20 * DAY, 20 * DAY, 40 * DAY), ago(DAY, DAY, DAY, 3 * DAY)
    ),
    "a score is held to 100": school_of(*(every(TICK, sessions, NOW) for sessions in (11, 12, 13, 29, 30, 31, 99))),
    "a score falls on half a cent": school_of(*half_cent_scores()),
    "a score falls with days that are not shown": school_of(
        *(every(NOW, 7, cents * CENT + rest) for cents in (0, 99) for rest in (NOW, TICK, CENT / 2, CENT - TICK))
    ),
    "a score of no sessions is 0, of nobody null": school_of(ago(31 * DAY), [], ago(3000 * DAY)),
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
    "a first check-in is no return": school_of(ago(DAY), ago(DAY, 2 * DAY), ago(-TICK, 20 * DAY)),
    "a return twice at the same instant": school_of(
        ago(DAY, DAY, 20 * DAY, 20 * DAY), ago(DAY, DAY - TICK, 20 * DAY), ago(DAY, DAY)
    ),
    "a return at local midnight": school_of(
        *([WallClock(days, MIDNIGHT, shift), Ago(50 * DAY)] for days in range(15) for shift in around(NOW))
    ),
    "a return late in the evening": school_of(
        *([WallClock(days, time(hour, 59)), Ago(50 * DAY)] for days in (1, 5, 13) for hour in (4, 5, 18, 19, 23))
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
    "twice at the same instant is a return": school_of([WallClock(2, time(9))] * 2, [WallClock(2, time(9))]),
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
    "learners who came lately, or never": school_of(ago(DAY), ago(14 * DAY - TICK), ago(14 * DAY), []),
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
    visits = []
    for student_id in known:
        rest = draw(rests)
        visits += [Visit(student_id, moment and before(moment, rest)) for moment in draw(shared)]
    anyone = st.sampled_from((*known, *known, 77))
    visits += draw(st.lists(st.builds(Visit, anyone | st.none(), moments, st.booleans()), max_size=4))
    learners = st.lists(st.builds(Learner, anyone, flags, flags), min_size=len(known) // 2, max_size=15)
    return School(students, visits[:: draw(st.sampled_from((1, -1)))], draw(learners))
