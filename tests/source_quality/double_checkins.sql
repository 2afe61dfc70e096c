-- What: a student who checked in twice at the very same instant.
-- When it matters: both rows count as sessions, and so raise the student's count and score.
-- To resolve: remove one at the source, or leave it out by engagement_attendance_condition.
{{ config(severity='warn') }}

select
    checkins.student_id,
    checkins.checkin_time::text as checkin_time,
    count(*) as checkins
from {{ ref('stg_engagement__checkins') }} as checkins
group by
    checkins.student_id,
    checkins.checkin_time
having count(*) > 1
