-- What: check-ins of somebody who is not among the students, or of no one at all.
-- When it matters: they count nowhere; a student whose number was mistyped or changed seems to stay away.
-- To resolve: correct the number, add the student, or leave the rows out by engagement_attendance_condition.
{{ config(severity='warn') }}

select
    checkins.student_id,
    count(*) as checkins,
    max(checkins.checkin_time)::text as last_checkin_time
from {{ ref('stg_engagement__checkins') }} as checkins
left join {{ source('engagement_students', 'students') }} as students
    on checkins.student_id = students.{{ source_column('engagement_students_id_column') }}
where students.{{ source_column('engagement_students_id_column') }} is null
group by checkins.student_id
