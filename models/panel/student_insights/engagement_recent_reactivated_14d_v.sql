{%- set recent_days = 14 -%}
{%- set absence_days = 14 -%}

with

active_students as (

    select * from {{ ref('stg_students') }}
    where is_active

),

recent_checkins as (

    select
        student_id,
        checkin_time,
        lag(checkin_time) over (partition by student_id order by checkin_time) as previous_checkin_time
    from {{ ref('stg_checkins') }}
    where checkin_time >= {{ days_ago(recent_days) }}

),

earlier_checkins as ( -- each student's last check-in before the recent ones, however old

    select
        student_id,
        max(checkin_time) as last_checkin_time
    from {{ ref('stg_checkins') }}
    where checkin_time < {{ days_ago(recent_days) }}
    group by student_id

),

absences as ( -- one row per recent check-in that has one before it

    select
        recent_checkins.student_id,
        recent_checkins.checkin_time,
        {{ elapsed_days(
            'coalesce(recent_checkins.previous_checkin_time, earlier_checkins.last_checkin_time)',
            'recent_checkins.checkin_time'
        ) }} as days_away
    from recent_checkins
    left join earlier_checkins
        on recent_checkins.student_id = earlier_checkins.student_id

)

select
    active_students.student_id::integer as student_id,
    active_students.full_name,
    floor(absences.days_away)::integer as days_inactive_before_return,
    {{ local_date('absences.checkin_time') }} as return_date
from absences
inner join active_students
    on absences.student_id = active_students.student_id
where absences.days_away >= {{ absence_days }}
order by
    absences.checkin_time desc,
    active_students.full_name asc nulls last,
    student_id asc
