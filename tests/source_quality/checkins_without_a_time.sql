-- What: how many check-ins of a student have no time.
-- When it matters: they count nowhere; a student whose visits lose their times seems to stay away.
-- To resolve: mend what writes the time; leave rows that are no visits out by engagement_attendance_condition.
{{ config(severity='warn') }}
{%- set student_id = source_column('engagement_attendance_student_id_column') %}
{%- set checkin_time = source_column('engagement_attendance_checkin_time_column') %}

select
    {{ student_id }} as student_id,
    count(*) as checkins
from {{ source('engagement_attendance', 'attendance') }}
where
    (
        {{ setting('engagement_attendance_condition') }}
    )
    and coalesce({{ checkin_time }}, '-infinity') = '-infinity'
group by {{ student_id }}
