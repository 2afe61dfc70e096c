{%- set inlined = on_citus('not materialized ') -%}

with

visits as {{ inlined }}( -- gaps in a row add up to the time from the first visit to the last, which takes no sorting

    select
        student_id,
        min(checkin_time) as first_checkin_time,
        max(checkin_time) as last_checkin_time,
        count(*) as visits
    from {{ ref('int_engagement__recent_visits') }}
    group by student_id

),

earlier_visits as ( -- the last one before those days, however long ago

    {{ latest_checkins('visits', ['student_id', 'first_checkin_time'], before='first_checkin_time') }}

)

select
    student_id,
    last_checkin_time - first_checkin_time as time_between,
    visits - 1 as gaps
from visits
where visits > 1

union all

select
    student_id,
    first_checkin_time - last_checkin_time as time_between,
    1 as gaps
from earlier_visits
