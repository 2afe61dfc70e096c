{%- set history_days = var('engagement_avg_gap_history_days') -%}

with

active_students as (

    select * from {{ ref('stg_students') }}
    where is_active

),

latest_checkins as (

    select * from {{ ref('int_latest_checkins') }}

),

sessions as (

    select * from {{ ref('int_sessions_30d') }}

),

visit_gaps as ( -- one row per student with two check-ins or more in the history looked at

    select
        student_id,
        {{ elapsed_days('min(checkin_time)', 'max(checkin_time)') }} / (count(*) - 1) as mean_days
    from {{ ref('stg_checkins') }}
    {%- if history_days is not none %}
    where checkin_time >= {{ days_ago(history_days) }}
    {%- endif %}
    group by student_id
    having count(*) > 1

)

select
    active_students.student_id::integer as student_id,
    active_students.full_name,
    active_students.level,
    sessions.sessions_30d::integer as sessions_30d,
    round(visit_gaps.mean_days, 2) as avg_days_between_visits,
    {{ days_since('latest_checkins.last_checkin_time') }} as days_since_last_checkin,
    {{ consistency_score('sessions.sessions_30d', 'latest_checkins.last_checkin_time') }} as consistency_score
from active_students
inner join sessions
    on active_students.student_id = sessions.student_id
left join latest_checkins
    on active_students.student_id = latest_checkins.student_id
left join visit_gaps
    on active_students.student_id = visit_gaps.student_id
order by
    days_since_last_checkin desc nulls last,
    consistency_score desc nulls last,
    active_students.full_name asc nulls last,
    student_id asc
