{#- The lists that a manager acts on: who is on each, and in which order. The analyses, the report and the demo read them here. -#}
{% macro call_list() -%}
select
    row_number() over (
        order by
            days_since_last_checkin desc,
            consistency_score desc,
            full_name asc nulls last,
            student_id asc
    ) as place,
    student_id,
    full_name,
    level,
    days_since_last_checkin,
    avg_days_between_visits
from {{ ref('engagement_student_activity_v') }}
where days_since_last_checkin >= {{ setting('engagement_call_from_days') }}
order by place asc
{%- endmacro %}

{% macro high_engagement_list() -%}
select
    row_number() over (
        order by
            consistency_score desc,
            sessions_30d desc,
            full_name asc nulls last,
            student_id asc
    ) as place,
    student_id,
    full_name,
    level,
    standing,
    sessions_30d,
    consistency_score
from (
    select
        *,
        {{ engagement_standing('sessions_30d', 'consistency_score') }} as standing
    from {{ ref('engagement_student_activity_v') }}
) as students
where standing <> 'neither'
order by place asc
{%- endmacro %}
