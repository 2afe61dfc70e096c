with

latest_checkins as (

    select
        student_id,
        max(checkin_time) as last_checkin_time
    from {{ ref('int_engagement__sessions') }}
    where checkin_time >= {{ days_ago(180) }}
    group by student_id

)

select
    count(*) filter (where last_checkin_time >= {{ days_ago(7) }})::integer as active_7d,
    count(*) filter (where last_checkin_time >= {{ days_ago(14) }})::integer as active_14d,
    count(*) filter (where last_checkin_time >= {{ days_ago(30) }})::integer as active_30d,
    count(*)::integer as active_6mo
from latest_checkins
