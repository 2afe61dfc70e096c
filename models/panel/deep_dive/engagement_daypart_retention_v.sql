with

dayparts as (

    select * from {{ ref('dayparts') }}

),

active_students as (

    select * from {{ ref('stg_students') }}
    where is_active

),

checkins as (

    select
        student_id,
        {{ local_hour('checkin_time') }} as local_hour
    from {{ ref('int_checkins_30d') }}

),

visitors as ( -- one row per daypart and student who came in it

    select
        dayparts.daypart,
        active_students.student_id,
        count(*) >= 2 as has_returned
    from checkins
    inner join active_students
        on checkins.student_id = active_students.student_id
    inner join dayparts
        on
            checkins.local_hour >= dayparts.hour_from
            and checkins.local_hour < dayparts.hour_below
    group by
        dayparts.daypart,
        active_students.student_id

)

select
    dayparts.daypart,
    round(coalesce(avg(visitors.has_returned::integer), 0), 4) as return_rate
from dayparts
left join visitors
    on dayparts.daypart = visitors.daypart
group by
    dayparts.daypart,
    dayparts.hour_from
order by dayparts.hour_from asc
