-- What: a week within the last 90 local days has the visitors of its days, and exactly the minutes of its hours.
-- When it matters: always; the weekly trend stands above the daily actives.
-- To resolve: compare int_engagement__daily_attendance with int_engagement__hourly_attendance in the week listed.
with

weeks_of_days as (

    select
        {{ week_of('d') }} as week_start,
        max(active_students) as max_daily_actives,
        sum(active_students) as sum_active_students
    from {{ ref('engagement_dau_90d_v') }}
    group by {{ week_of('d') }}

),

weeks_of_hours as (

    select
        {{ week_of('local_hour') }} as week_start,
        {{ shown_minutes('sum(attended_microseconds)') }} as total_minutes
    from {{ ref('int_engagement__hourly_attendance') }}
    group by {{ week_of('local_hour') }}

)

select
    weeks.week_start,
    weeks.max_daily_actives,
    weeks_of_days.max_daily_actives as most_in_its_days,
    weeks.sum_active_students,
    weeks_of_days.sum_active_students as sum_of_its_days,
    weeks.total_minutes,
    weeks_of_hours.total_minutes as minutes_of_its_hours
from {{ ref('engagement_weekly_active_90d_v') }} as weeks
left join weeks_of_days
    on weeks.week_start = weeks_of_days.week_start
left join weeks_of_hours
    on weeks.week_start = weeks_of_hours.week_start
where
    weeks.week_start >= {{ first_of_local_days(90) }}
    and (
        weeks.max_daily_actives is distinct from weeks_of_days.max_daily_actives
        or weeks.sum_active_students is distinct from weeks_of_days.sum_active_students
        or weeks.total_minutes is distinct from weeks_of_hours.total_minutes
    )
