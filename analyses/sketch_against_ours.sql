{#- The sketch reads the tables as they are, without the conditions of the vars. -#}
{%- set checkin_time = source_column('engagement_attendance_checkin_time_column') -%}

with

students as (

    select {{ source_column('engagement_students_id_column') }} as student_id
    from {{ source('engagement_students', 'students') }}

),

attendance as (

    select
        {{ source_column('engagement_attendance_student_id_column') }} as student_id,
        {{ checkin_time }} as checkin_time
    from {{ source('engagement_attendance', 'attendance') }}

),

learners as (

    select
        {{ source_column('learning_at_risk_student_id_column') }} as student_id,
        {{ source_column('learning_at_risk_stuck_column') }}::boolean as stuck_flag,
        {{ source_column('learning_at_risk_slow_column') }}::boolean as slow_flag
    from {{ source('learning_at_risk', 'learners') }}

),

roster as (

    select * from {{ ref('engagement_inactive_roster_v') }}

),

gaps as (

    select
        student_id,
        checkin_time,
        extract(
            epoch from checkin_time - lag(checkin_time) over (partition by student_id order by checkin_time)
        ) / 86400 as days_gap
    from attendance
    where checkin_time >= now() - interval '90 days'

),

session_counts as (

    select
        student_id,
        count(*) as session_count
    from attendance
    where checkin_time >= now() - interval '30 days'
    group by student_id

),

daypart_visits as (

    select
        student_id,
        case
            when extract(hour from {{ local_time('checkin_time') }}) between 8 and 11 then 'morning_08_12'
            when extract(hour from {{ local_time('checkin_time') }}) between 12 and 16 then 'afternoon_12_17'
            when extract(hour from {{ local_time('checkin_time') }}) between 17 and 19 then 'evening_17_20'
        end as daypart,
        count(*) as visit_count
    from attendance
    where
        checkin_time >= now() - interval '30 days'
        and extract(hour from {{ local_time('checkin_time') }}) between 8 and 19
    group by
        student_id,
        daypart

),

sketched as (

    select
        12 as module,
        activity.student_id::text as row_key,
        'score ' || round(
            100 * (activity.sessions_30d / 30) * (1 / (1 + {{ elapsed_days('roster.last_checkin_time') }} / 7)), 2
        ) as row_value
    from {{ ref('engagement_student_activity_v') }} as activity
    inner join roster
        on activity.student_id = roster.student_id

    union all

    select
        13 as module,
        gaps.student_id::text as row_key,
        floor(gaps.days_gap) || ' days' as row_value
    from gaps
    inner join students
        on gaps.student_id = students.student_id
    where
        gaps.days_gap >= 14
        and gaps.checkin_time >= now() - interval '14 days'

    union all

    select
        15 as module,
        case
            when session_count <= 5 then session_count::text
            when session_count <= 7 then '6-7'
            when session_count <= 10 then '8-10'
            else '11+'
        end as row_key,
        count(*) || ' students' as row_value
    from session_counts
    group by row_key

    union all

    select
        17 as module,
        daypart as row_key,
        'rate ' || round(count(*) filter (where visit_count >= 2) / count(*)::numeric, 4) as row_value
    from daypart_visits
    group by daypart

    union all

    select distinct
        19 as module,
        roster.student_id::text as row_key,
        case
            when learners.stuck_flag then 'Stalled'
            when learners.slow_flag then 'Slow'
            else 'At risk'
        end as row_value
    from roster
    inner join learners
        on roster.student_id = learners.student_id
    where roster.inactivity_bucket in ('inactive_14d', 'dormant_30d', 'long_term_inactive_180d')

),

ours as (

    select
        12 as module,
        student_id::text as row_key,
        'score ' || consistency_score as row_value
    from {{ ref('engagement_student_activity_v') }}

    union all

    select
        13 as module,
        student_id::text as row_key,
        days_inactive_before_return || ' days' as row_value
    from {{ ref('engagement_recent_reactivated_14d_v') }}

    union all

    select
        15 as module,
        bin_label as row_key,
        student_count || ' students' as row_value
    from {{ ref('engagement_session_frequency_30d_v') }}

    union all

    select
        17 as module,
        daypart as row_key,
        'rate ' || return_rate as row_value
    from {{ ref('engagement_daypart_retention_v') }}

    union all

    select
        19 as module,
        student_id::text as row_key,
        learning_issue as row_value
    from {{ ref('engagement_dual_risk_students_v') }}

),

only_sketched as (

    select
        module,
        row_key,
        string_agg(row_value, ' and ' order by row_value) as row_value
    from (
        select * from sketched
        except all
        select * from ours
    ) as differing
    group by
        module,
        row_key

),

only_ours as (

    select * from ours
    except all
    select * from sketched

)

select
    coalesce(only_sketched.module, only_ours.module) as module,
    coalesce(only_sketched.row_key, only_ours.row_key) as row_key,
    only_sketched.row_value as sketched,
    only_ours.row_value as ours
from only_sketched
full join only_ours
    on
        only_sketched.module = only_ours.module
        and only_sketched.row_key = only_ours.row_key
order by
    module asc,
    row_key asc
