-- What: not a single row of the students' table counts as a student.
-- When it matters: always, unless the school has just opened; every view is empty, and looks as if nobody were away.
-- To resolve: correct engagement_students_condition, or the names of the schema and the table.
{{ config(severity='warn') }}

select 'no student counts' as finding
where not exists (
    select student_id from {{ ref('stg_engagement__students') }}
)
