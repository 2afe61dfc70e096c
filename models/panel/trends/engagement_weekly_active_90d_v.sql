with

daily_attendance as (

    select
        {{ week_of('local_day') }} as week_start,
        visitors,
        sessions,
        attended_microseconds
    from {{ ref('int_engagement__daily_attendance') }}

)

select
    week_start,
    max(visitors)::integer as max_daily_actives,
    {{ shown_minutes('sum(attended_microseconds)') }}::integer as total_minutes,
    sum(sessions)::integer as sessions,
    sum(visitors)::integer as sum_active_students
from daily_attendance
group by week_start
order by week_start asc
{{- keep_order() }}
