{%- set thresholds = inactivity_buckets() | map(attribute='days') | select('number') | join(', ') -%}
{%- set target = setting('engagement_consistency_sessions_target') -%}
{%- set history_days = setting('engagement_avg_gap_history_days') -%}
{%- set history = 'the whole history' if history_days is none else 'the last ' ~ history_days ~ ' days' -%}

with

student as (

    select * from {{ ref('stg_engagement__students') }}
    where student_id = {{ var('student_id', 0) }}

),

history as (

    select
        count(*) as checkins,
        min(checkin_time) as first_checkin_time,
        max(checkin_time) as last_checkin_time
    from {{ ref('stg_engagement__checkins') }}
    where student_id = {{ var('student_id', 0) }}

),

latest_return as (

    select
        return_date,
        days_inactive_before_return
    from {{ ref('engagement_recent_reactivated_14d_v') }}
    where student_id = {{ var('student_id', 0) }}
    order by return_date desc
    limit 1

),

learning as (

    select count(*) as entries
    from {{ ref('stg_engagement__learners_at_risk') }}
    where student_id = {{ var('student_id', 0) }}

)

select
    facts.step,
    facts.fact,
    facts.value,
    facts.because
from student
cross join history
cross join learning
inner join {{ ref('engagement_inactive_roster_v') }} as roster
    on student.student_id = roster.student_id
left join {{ ref('engagement_student_activity_v') }} as activity
    on student.student_id = activity.student_id
left join {{ ref('engagement_dual_risk_students_v') }} as dual_risk
    on student.student_id = dual_risk.student_id
left join latest_return on true
cross join
    lateral (
        values
        (
            1, 'student', concat_ws(', ', student.student_id, student.full_name, student.level),
            case when student.is_active then 'active: in every view' else 'not active: in the roster only' end
        ),
        (
            2, 'check-ins', history.checkins::text,
            coalesce('the first at ' || {{ local_time('history.first_checkin_time') }}, 'none that counts')
        ),
        (
            3, 'last check-in', {{ local_time('history.last_checkin_time') }}::text,
            'the latest of them by the school''s clock, which shows ' || {{ local_time(panel_now()) }}
        ),
        (
            4, 'days since', roster.days_since_last_checkin::text,
            'seconds since the last check-in / 86400, cut to two decimals'
        ),
        (
            5, 'bucket', roster.inactivity_bucket,
            'the longest of {{ thresholds }} days that have passed; active_recent if none, or if the student never came'
        ),
        (
            6, 'sessions in 30 days', activity.sessions_30d::text,
            'check-ins since ' || {{ local_time(days_ago(30)) }}
        ),
        (
            7, 'usual gap in days', activity.avg_days_between_visits::text,
            '(last - first) / (check-ins - 1), over {{ history }}'
        ),
        (
            8, 'frequency', round(activity.sessions_30d / {{ target }}::numeric, 4)::text,
            activity.sessions_30d || ' of {{ target }} sessions'
        ),
        (
            9, 'recency', round(1 / (1 + activity.days_since_last_checkin / 7), 4)::text,
            '1 / (1 + ' || activity.days_since_last_checkin || ' / 7): half after a week'
        ),
        (
            10, 'score', activity.consistency_score::text,
            '100 x frequency x recency (of the days not cut), at most 100'
        ),
        (
            11, 'return', latest_return.return_date::text,
            coalesce(
                'after ' || latest_return.days_inactive_before_return || ' days away',
                'no check-in of the last 14 days came 14 days or more after the one before it'
            )
        ),
        (
            12, 'learning list', coalesce(dual_risk.learning_issue, 'entries: ' || learning.entries),
            case
                when dual_risk.engagement_issue is not null then 'at dual risk, away for ' || dual_risk.engagement_issue
                when learning.entries > 0 then 'not at dual risk: not away for 14 days, or not active'
                else 'not at dual risk: on no list'
            end
        )
    ) as facts (step, fact, value, because)
order by facts.step asc
