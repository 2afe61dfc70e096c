{%- set history_days = var('engagement_avg_gap_history_days') -%}
{#- An unbounded history ends with the last check-in; a bounded one may miss it. -#}
{%- set last_checkin_time = ('history' if history_days is none else 'latest_checkins') ~ '.last_checkin_time' -%}
-- depends_on: {{ ref('int_engagement__latest_checkins') }}

with

active_students as (

    select * from {{ ref('int_engagement__sessions_30d') }}

),

history as ( -- one row per person who came in the time looked at

    select
        student_id,
        max(checkin_time) as last_checkin_time,
        {{ elapsed_days('min(checkin_time)', 'max(checkin_time)') }} / nullif(count(*) - 1, 0) as mean_gap_days
    from {{ ref('stg_engagement__checkins') }}
    {%- if history_days is not none %}
    where checkin_time >= {{ days_ago(history_days) }}
    {%- endif %}
    group by student_id

)

select
    active_students.student_id::integer as student_id,
    active_students.full_name,
    active_students.level,
    active_students.sessions_30d::integer as sessions_30d,
    round(history.mean_gap_days, 2) as avg_days_between_visits,
    {{ days_since(last_checkin_time) }} as days_since_last_checkin,
    {{ consistency_score('active_students.sessions_30d', last_checkin_time) }} as consistency_score
from active_students
left join history
    on active_students.student_id = history.student_id
{%- if history_days is not none %}
left join (select * from {{ ref('int_engagement__latest_checkins') }}) as latest_checkins
    on active_students.student_id = latest_checkins.student_id
{%- endif %}
order by
    days_since_last_checkin desc nulls last,
    consistency_score desc nulls last,
    active_students.full_name asc nulls last,
    student_id asc
