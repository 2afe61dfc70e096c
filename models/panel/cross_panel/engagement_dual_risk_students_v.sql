{%- set days_away = 14 -%}

with

active_students as (

    select
        student_id,
        full_name,
        level
    from {{ ref('stg_engagement__students') }}
    where is_active

),

learners as {{ on_citus('not materialized ') }}( -- the learning list may name a student more than once

    select
        student_id,
        bool_or(is_stuck) as is_stuck,
        bool_or(is_slow) as is_slow
    from {{ ref('stg_engagement__learners_at_risk') }}
    group by student_id

),

latest_checkins as (

    {{ latest_checkins('learners', ['student_id', 'is_stuck', 'is_slow']) | indent(4) }}

)

select
    active_students.student_id::integer as student_id,
    active_students.full_name,
    active_students.level,
    {{ engagement_issue('latest_checkins.last_checkin_time') }} as engagement_issue,
    case
        when latest_checkins.is_stuck then 'Stalled'
        when latest_checkins.is_slow then 'Slow'
        else 'At risk'
    end as learning_issue,
    {{ days_since('latest_checkins.last_checkin_time') }} as days_since_last_checkin
from latest_checkins
inner join active_students
    on latest_checkins.student_id = active_students.student_id
where latest_checkins.last_checkin_time <= {{ days_ago(days_away) }}
order by
    days_since_last_checkin desc nulls last,
    active_students.full_name asc nulls last,
    student_id asc
{{- keep_order() }}
