with

active_students as (

    select
        student_id,
        full_name,
        level
    from {{ ref('stg_engagement__students') }}
    where is_active

),

learners as ( -- the learning list may name a student more than once

    select
        student_id,
        bool_or(is_stuck) as is_stuck,
        bool_or(is_slow) as is_slow
    from {{ ref('stg_engagement__learners_at_risk') }}
    group by student_id

),

learners_seen as (

    {{ latest_checkins('learners', ['student_id', 'is_stuck', 'is_slow']) | indent(4) }}

),

absences as (

    select
        student_id,
        is_stuck,
        is_slow,
        last_checkin_time,
        {{ inactivity_bucket('last_checkin_time') }} as inactivity_bucket
    from learners_seen

)

select
    active_students.student_id::integer as student_id,
    active_students.full_name,
    active_students.level,
    {{ engagement_issue('absences.last_checkin_time') }} as engagement_issue,
    case
        when absences.is_stuck then 'Stalled'
        when absences.is_slow then 'Slow'
        else 'At risk'
    end as learning_issue,
    {{ days_since('absences.last_checkin_time') }} as days_since_last_checkin
from absences
inner join active_students
    on absences.student_id = active_students.student_id
where absences.inactivity_bucket in ('inactive_14d', 'dormant_30d', 'long_term_inactive_180d')
order by
    days_since_last_checkin desc nulls last,
    active_students.full_name asc nulls last,
    student_id asc
