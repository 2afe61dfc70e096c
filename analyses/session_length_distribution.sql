{%- set checkin_time = source_column('engagement_attendance_checkin_time_column') -%}

with

lengths (minutes_from, minutes_below, length) as (

    values
    (0, 30, 'under 30 minutes'),
    (30, 60, '30 to 59 minutes'),
    (60, 90, '60 to 89 minutes'),
    (90, 120, '90 to 119 minutes'),
    (120, null, '120 minutes and more')

),

attendance as (

    select
        {{ source_column('engagement_attendance_student_id_column') }} as student_id,
        extract(epoch from checkout_time - {{ checkin_time }}) / 60 as minutes
    from {{ source('engagement_attendance', 'attendance') }}
    where
        (
            {{ setting('engagement_attendance_condition') }}
        )
        and {{ checkin_time }} between {{ days_ago(30) }} and {{ panel_now() }}

),

sessions as ( -- of students that count

    select attendance.minutes
    from attendance
    inner join {{ ref('stg_engagement__students') }} as students
        on attendance.student_id = students.student_id

)

select
    coalesce(lengths.length, 'no check-out, or one before the check-in') as length,
    count(*) as sessions,
    round(100.0 * count(*) / sum(count(*)) over (), 1) as percent
from sessions
left join lengths
    on
        sessions.minutes >= lengths.minutes_from
        and (sessions.minutes < lengths.minutes_below or lengths.minutes_below is null)
group by
    lengths.length,
    lengths.minutes_from
order by lengths.minutes_from asc nulls last
