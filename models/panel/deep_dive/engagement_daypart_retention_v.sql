with

dayparts as (

    select * from {{ ref('dayparts') }}

),

active_students as (

    select student_id
    from {{ ref('stg_engagement__students') }}
    where is_active

),

clock as materialized ( -- once a query, also where the planner expects a single check-in

    {{ daypart_clock('dayparts') | indent(4) }}

),

visits as (

    select
        checkins.student_id,
        -- what began at the clock's last instant up to the check-in: a daypart, by its first hour, or nothing (null)
        clock.hours_from[width_bucket(checkins.checkin_time, clock.instants)] as hour_from
    from (select * from {{ ref('int_engagement__checkins_30d') }}) as checkins
    cross join clock

),

visitors as ( -- one row per daypart and person who came in it

    select
        hour_from,
        student_id,
        count(*) >= 2 as has_returned
    from visits
    group by
        hour_from,
        student_id

),

rates as (

    select
        visitors.hour_from,
        avg(visitors.has_returned::integer) as return_rate
    from visitors
    inner join active_students
        on visitors.student_id = active_students.student_id
    group by visitors.hour_from

)

select
    dayparts.daypart,
    round(coalesce(rates.return_rate, 0), 4) as return_rate
from dayparts
left join rates
    on dayparts.hour_from = rates.hour_from
order by dayparts.hour_from asc
{{- keep_order() }}
