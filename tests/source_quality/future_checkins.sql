-- What: a check-in whose time has not come yet.
-- When it matters: it counts nowhere now, and as a visit once its time has come; a clock or a time zone runs ahead.
-- To resolve: correct the time at the source, or leave the row out by engagement_attendance_condition.
{{ config(severity='warn') }}
{%- set checkin_time = source_column('engagement_attendance_checkin_time_column') %}

select
    {{ source_column('engagement_attendance_student_id_column') }} as student_id,
    -- as text: Python has no date after the year 9999
    {{ checkin_time }}::text as checkin_time
from {{ source('engagement_attendance', 'attendance') }}
where
    (
        {{ setting('engagement_attendance_condition') }}
    )
    and {{ checkin_time }} > {{ panel_now() }}
