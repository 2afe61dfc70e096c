-- What: a learner on a list of the Learning Panel who is not among the students.
-- When it matters: dual risk misses a learner whose number is wrong; both panels must mean one person by a number.
-- To resolve: correct or remove the entry in the Learning Panel; if most are unknown, the list uses different ids.
{{ config(severity='warn') }}

select
    learners.student_id,
    count(*) as entries
from {{ ref('stg_engagement__learners_at_risk') }} as learners
left join {{ source('engagement_students', 'students') }} as students
    on learners.student_id = students.{{ source_column('engagement_students_id_column') }}
where students.{{ source_column('engagement_students_id_column') }} is null
group by learners.student_id
