with

students as (

    select
        student_id,
        full_name,
        level
    from {{ ref('stg_engagement__students') }}

),

latest_checkins as (

    select * from {{ ref('int_engagement__latest_checkins') }}

)

select
    students.student_id::integer as student_id,
    students.full_name,
    students.level,
    latest_checkins.last_checkin_time,
    {{ days_since('latest_checkins.last_checkin_time') }} as days_since_last_checkin,
    {{ inactivity_bucket('latest_checkins.last_checkin_time') }} as inactivity_bucket
from students
left join latest_checkins
    on students.student_id = latest_checkins.student_id
order by
    -- a newly enrolled student does not head a list of the long lost
    days_since_last_checkin desc nulls last,
    students.full_name asc nulls last,
    student_id asc
{{- keep_order() }}
