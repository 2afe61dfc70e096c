with

visits as {{ on_citus('not materialized ') }}(

    select
        student_id,
        checkin_time,
        lag(checkin_time) over (partition by student_id order by checkin_time) as previous_checkin_time
    from {{ ref('int_engagement__recent_visits') }}

),

first_visits as {{ on_citus('not materialized ') }}(

    select
        student_id,
        checkin_time
    from visits
    where previous_checkin_time is null

),

earlier_visits as ( -- the last one before those days, however long ago

    {{ latest_checkins('first_visits', ['student_id', 'checkin_time'], before='checkin_time') }}

)

select
    student_id,
    checkin_time - previous_checkin_time as gap
from visits
where previous_checkin_time is not null

union all

select
    student_id,
    checkin_time - last_checkin_time as gap
from earlier_visits
