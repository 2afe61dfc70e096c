with

latest_checkins as (

    select
        student_id,
        max(checkin_time) as last_checkin_time
    from {{ ref('int_engagement__sessions') }}
    where checkin_time >= {{ days_ago(30) }}
    group by student_id

),

counts as (

    select
        count(*) filter (where last_checkin_time >= {{ days_ago(7) }}) as wau,
        count(*) as mau
    from latest_checkins

)

select
    wau::integer as wau,
    mau::integer as mau,
    round(coalesce(wau::numeric / nullif(mau, 0), 0), 4) as wau_mau_ratio
from counts
