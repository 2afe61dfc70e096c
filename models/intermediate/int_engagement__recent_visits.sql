{%- set gap_days = setting('engagement_visit_gap_days') -%}

with

active_students as (

    select student_id
    from {{ ref('stg_engagement__students') }}
    where is_active

)

select
    student_id,
    checkin_time
from {{ ref('stg_engagement__checkins') }}
where
    {{ is_one_of('active_students') }}
    and checkin_time >= {{ "'-infinity'" if gap_days is none else days_ago(gap_days) }}
