-- What: check-ins from before schools recorded them electronically; a clock that was reset shows 1970 or 1980.
-- When it matters: as a student's first check-in they stretch the usual gap; as the only one they make a long absence.
-- To resolve: correct the time at the source, or leave the rows out by engagement_attendance_condition.
{{ config(severity='warn') }}
{%- set earliest = '1990-01-01' %}

select
    student_id,
    checkin_time::text as checkin_time
from {{ ref('stg_engagement__checkins') }}
where checkin_time < '{{ earliest }}'
