-- What: the hours of each of the last 90 local days hold as many microseconds as the day, whatever its length.
-- When it matters: always; the heatmap's cells together are the minutes of the daily actives.
-- To resolve: compare int_engagement__hourly_attendance with int_engagement__daily_attendance on the days listed.
with

hours as (

    select
        local_hour::date as local_day,
        sum(attended_microseconds) as attended_microseconds
    from {{ ref('int_engagement__hourly_attendance') }}
    group by local_hour::date

),

days as (

    select
        local_day,
        attended_microseconds
    from {{ ref('int_engagement__daily_attendance') }}
    where local_day >= {{ first_of_local_days(90) }}

)

select
    coalesce(days.local_day, hours.local_day) as local_day,
    days.attended_microseconds as in_the_day,
    hours.attended_microseconds as in_its_hours
from days
full join hours
    on days.local_day = hours.local_day
where days.attended_microseconds is distinct from hours.attended_microseconds
