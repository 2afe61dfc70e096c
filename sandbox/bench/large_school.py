"""Schools of any size, made up inside the server: the sample school's tables, its people's habits in short."""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from sandbox import school

CHUNKS_PER_YEAR = 6

# As many come as leave, and people stay for years: each year has as many check-ins as any other.
# Days count back from today.
PEOPLE = """
create temporary table people as
with

joined as (
    select
        student_id,
        least(%(days)s, ceil(random() * (%(days)s + %(mean_stay)s)))::integer as joined,
        0.3 + 3 * random() ^ 2 as zeal,
        (array[9.4, 14.2, 18.3])[width_bucket(random(), array[0, 0.35, 0.55]::float8[])] as usual_hour
    from generate_series(1, %(students)s) as student_id
    where random() < 0.97 -- the others never came
),

stays as (
    select
        *,
        greatest(0, joined + ceil(%(mean_stay)s * ln(1 - random())))::integer as left_on,
        random() as fate
    from joined
),

absences as (
    select
        *,
        case
            when fate < 0.1 and left_on = 0 then least(joined, ceil(45 * random())) -- just back
            when fate < 0.35 then left_on + floor((joined - left_on) * random())
            else joined
        end::integer as back_on
    from stays
)

select
    *,
    least(joined, back_on + 14 + floor(500 * random() ^ 2))::integer as away_from
from absences;
analyze people;
"""

# The expected visits of all people at a zeal of 1 are known without counting: so many days, of so much a weekday
# on average.
ZEAL_PER_VISIT = """
select %(checkins)s / sum(zeal * (joined - left_on + 1 - (away_from - back_on)) * 5.45 / 7) from people
"""

CHECKINS = """
insert into public.student_attendance (student_id, checkin_time, checkout_time)
select
    student_id,
    checkin_time,
    checkin_time + make_interval(mins => 50 + (60 * random())::integer)
from (
    select
        visits.student_id,
        (
            visits.day + make_interval(secs => 3600 * case
                when random() < 0.85 then visits.usual_hour + 1.6 * (random() + random() + random() - 1.5)
                else 7 + 14 * random()
            end)
        ) at time zone 'America/Guayaquil' as checkin_time
    from (
        select
            people.student_id,
            people.usual_hour,
            days.day,
            floor(
                %(zeal)s * people.zeal
                * (case extract(isodow from days.day) when 6 then 0.35 when 7 then 0.1 else 1 end)
                + random()
            )::integer as times
        from (
            select
                days_ago,
                date_trunc('day', now() at time zone 'America/Guayaquil') - make_interval(days => days_ago) as day
            from generate_series(%(to)s::integer, %(from)s::integer) as days_ago
        ) as days
        inner join people
            on
                days.days_ago between people.left_on and people.joined
                and (days.days_ago <= people.back_on or days.days_ago >= people.away_from)
    ) as visits
    cross join generate_series(1, visits.times)
) as checkins
where checkin_time <= now()
order by checkin_time
"""


@dataclass(frozen=True)
class Size:
    """How large a school is: its students, and the check-ins (give or take a few in a hundred) of its years."""

    students: int
    checkins: int
    years: int


def load(connection: psycopg.Connection, size: Size, seed: float = 0.5) -> Iterator[float]:
    """Fill the empty tables of `sandbox.school`, the oldest check-ins first, without `analyze`.

    Equal arguments on one day give equal rows.

    Args:
        connection: to a database in which `school.create` has been; its transaction is left open.
        size: how large a school.
        seed: between -1 and 1.

    Yields:
        the part of the check-ins that is loaded, from 0 to 1.
    """
    days = size.years * 365
    cursor = psycopg.ClientCursor(connection)  # `create table as` takes no parameters of the server's
    cursor.execute("set local work_mem = '256MB'; set local max_parallel_workers_per_gather = 0")
    cursor.execute("select setseed(%s)", [seed])
    cursor.execute(PEOPLE, {"students": size.students, "days": days, "mean_stay": days * 0.7})
    cursor.execute(
        """
        insert into public.students
        select
            student_id,
            concat_ws(
                ' ', (%(names)s::text[])[ceil(random() * %(name_count)s)],
                (%(surnames)s::text[])[ceil(random() * %(surname_count)s)]
            ),
            (array['A1', 'A2', 'B1', 'B2', 'C1', null])[ceil(random() * 6)]
        from generate_series(1, %(students)s) as student_id
        """,
        {
            "students": size.students,
            "names": [*school.WOMENS_NAMES, *school.MENS_NAMES],
            "name_count": len(school.WOMENS_NAMES) + len(school.MENS_NAMES),
            "surnames": [*school.SURNAMES],
            "surname_count": len(school.SURNAMES),
        },
    )
    cursor.execute(
        """
        insert into learning.at_risk_learners
        select ceil(random() * %(students)s), random() < 0.4, random() < 0.4
        from generate_series(1, %(students)s / 20)
        """,
        {"students": size.students},
    )
    [(zeal,)] = cursor.execute(ZEAL_PER_VISIT, {"checkins": size.checkins}).fetchall()
    chunks = size.years * CHUNKS_PER_YEAR
    for chunk in range(chunks):
        yield chunk / chunks
        oldest, newest = (days - days * n // chunks for n in (chunk, chunk + 1))
        if chunk == chunks - 1:
            newest = -1  # today
        cursor.execute(CHECKINS, {"zeal": zeal, "from": oldest, "to": newest + 1})
    cursor.execute("drop table people")
    yield 1.0
