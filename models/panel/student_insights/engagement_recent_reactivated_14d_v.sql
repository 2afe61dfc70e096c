{%- set recent_days = 14 -%}
{%- set absence_days = 14 -%}

with

active_students as (

    select
        student_id,
        full_name
    from {{ ref('stg_engagement__students') }}
    where is_active

),

arrivals as ( -- the first check-in per person and period: of a period no longer than an absence no other ends one

    select
        student_id,
        min(checkin_time) as checkin_time,
        lag(max(checkin_time)) over (partition by student_id order by min(checkin_time)) as previous_checkin_time
    from {{ ref('stg_engagement__checkins') }}
    where checkin_time > {{ days_ago(recent_days + absence_days) }}
    group by
        student_id,
        checkin_time > {{ days_ago(recent_days) }}

),

-- recent ones without another in the absence_days before; in line, so that a filter around the view reaches them
first_checkins as not materialized (

    select
        student_id,
        checkin_time
    from arrivals
    where
        checkin_time >= {{ days_ago(recent_days) }}
        and (previous_checkin_time > checkin_time - {{ days(absence_days) }}) is not true

),

returns as ( -- those of people who had come before, however long ago

    {{ latest_checkins(
        'first_checkins',
        ['student_id', 'checkin_time'],
        before='people.checkin_time'
    ) }}

)

select
    active_students.student_id::integer as student_id,
    active_students.full_name,
    floor(
        {{ elapsed_days('returns.last_checkin_time', 'returns.checkin_time') }}
    )::integer as days_inactive_before_return,
    {{ local_date('returns.checkin_time') }} as return_date
from returns
inner join active_students
    on returns.student_id = active_students.student_id
order by
    returns.checkin_time desc,
    active_students.full_name asc nulls last,
    student_id asc
