-- What: a number that two students bear, or one student who is listed twice.
-- When it matters: always; every view shows such a student twice, and both with the visits of either.
-- To resolve: merge or renumber them at the source, or leave one out by engagement_students_condition.
{{ config(severity='warn') }}
{%- set student_id = source_column('engagement_students_id_column') %}

select
    {{ student_id }} as student_id,
    count(*) as students
from {{ source('engagement_students', 'students') }}
where
    {{ student_id }} is not null
    and (
        {{ setting('engagement_students_condition') }}
    )
group by {{ student_id }}
having count(*) > 1
