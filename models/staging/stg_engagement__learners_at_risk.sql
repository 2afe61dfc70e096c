select
    {{ source_column('learning_at_risk_student_id_column') }} as student_id,
    coalesce({{ source_column('learning_at_risk_stuck_column') }}, false) as is_stuck,
    coalesce({{ source_column('learning_at_risk_slow_column') }}, false) as is_slow
from {{ source('learning_at_risk', 'learners') }}
{%- if setting('learning_stuck_students_enabled') %}

union all

select
    {{ source_column('learning_stuck_students_student_id_column') }} as student_id,
    true as is_stuck,
    false as is_slow
from {{ source('learning_stuck_students', 'students') }}
{%- endif %}
