with

active_students as (

    select student_id
    from {{ ref('stg_engagement__students') }}
    where is_active

),

latest_checkins as (

    select last_checkin_time
    from {{ ref('int_engagement__latest_checkins') }}
    where {{ is_one_of('active_students') }}

)

select
    count(*) filter (where last_checkin_time <= {{ days_ago(7) }})::integer as inactive_7d_count,
    count(*) filter (where last_checkin_time <= {{ days_ago(14) }})::integer as inactive_14d_count,
    count(*) filter (where last_checkin_time <= {{ days_ago(30) }})::integer as dormant_30d_count,
    count(*) filter (where last_checkin_time <= {{ days_ago(180) }})::integer as inactive_180d_count
from latest_checkins
