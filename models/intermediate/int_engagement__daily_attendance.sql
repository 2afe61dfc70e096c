with

local_days as (

    {{ local_days(week_of(first_of_local_days(90))) | indent(4) }}

),

clock as materialized ( -- each check-in finds its day by binary search, which costs a fraction of a local date

    select array_agg(starts_at order by day_number) as day_starts
    from local_days

),

visits as ( -- day 0 is before the first, from where a session may reach into it

    select
        student_id,
        checkin_time,
        ended_at,
        width_bucket(checkin_time, (select clock.day_starts from clock)) as day_number
    from {{ ref('int_engagement__sessions') }}
    where checkin_time >= (select clock.day_starts[1] from clock) - {{ longest_session() }}
    {{ on_citus('', elsewhere='offset 0') }} -- a subquery of its own: one search a check-in -- noqa: AM09

),

days_of_checkin as ( -- a session crosses one midnight at most, and gives the time past it to the next day

    select
        day_number,
        count(distinct student_id) as visitors,
        count(*) as sessions,
        {{ microseconds('sum(ended_at - checkin_time)') }} as attended,
        {{ microseconds('sum(ended_at - next_day) filter (where ended_at > next_day)') }} as attended_past_midnight
    from (
        select
            day_number,
            student_id,
            checkin_time,
            ended_at,
            (select clock.day_starts from clock)[day_number + 1] as next_day
        from visits
    ) as visits
    group by day_number

)

select
    local_days.local_day,
    coalesce(same_day.visitors, 0) as visitors,
    coalesce(same_day.sessions, 0) as sessions,
    coalesce(same_day.attended - same_day.attended_past_midnight, 0)
    + coalesce(day_before.attended_past_midnight, 0) as attended_microseconds
from local_days
left join days_of_checkin as same_day
    on local_days.day_number = same_day.day_number
left join days_of_checkin as day_before
    on local_days.day_number = day_before.day_number + 1
