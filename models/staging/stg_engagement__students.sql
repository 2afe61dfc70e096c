{%- set student_id = source_column('engagement_students_id_column') -%}

select
    {{ student_id }} as student_id,
    {{ source_column('engagement_students_full_name_column') }}::text as full_name,
    {{ source_column('engagement_students_level_column') }}::text as level,
    coalesce((
        {{ setting('engagement_students_active_condition') }}
    ), false) as is_active
from {{ source('engagement_students', 'students') }}
where
    (
        {{ setting('engagement_students_condition') }}
    )
    -- one id that the panel's integer cannot hold must not fail the read of all others; a run reports it
    and {{ student_id }} between -2147483648 and 2147483647
