with

active_students as (

    select * from {{ ref('stg_students') }}
    where is_active

),

latest_checkins as (

    select
        student_id,
        last_checkin_time,
        {{ inactivity_bucket('last_checkin_time') }} as inactivity_bucket
    from {{ ref('int_latest_checkins') }}

),

learners as ( -- the learning list may name a student more than once

    select
        student_id,
        bool_or(is_stuck) as is_stuck,
        bool_or(is_slow) as is_slow
    from {{ ref('stg_learning_at_risk') }}
    group by student_id

)

select
    active_students.student_id::integer as student_id,
    active_students.full_name,
    active_students.level,
    {{ engagement_issue('latest_checkins.last_checkin_time') }} as engagement_issue,
    case
        when learners.is_stuck then 'Stalled'
        when learners.is_slow then 'Slow'
        else 'At risk'
    end as learning_issue,
    {{ days_since('latest_checkins.last_checkin_time') }} as days_since_last_checkin
from learners
inner join active_students
    on learners.student_id = active_students.student_id
inner join latest_checkins
    on learners.student_id = latest_checkins.student_id
where latest_checkins.inactivity_bucket in ('inactive_14d', 'dormant_30d', 'long_term_inactive_180d')
order by
    days_since_last_checkin desc nulls last,
    active_students.full_name asc nulls last,
    student_id asc
