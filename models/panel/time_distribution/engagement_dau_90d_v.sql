with

daily_attendance as (

    select
        local_day,
        visitors,
        attended_microseconds
    from {{ ref('int_engagement__daily_attendance') }}
    where local_day >= {{ first_of_local_days(90) }}

)

select
    local_day as d,
    visitors::integer as active_students,
    {{ shown_minutes('attended_microseconds', decimals=2) }} as total_minutes
from daily_attendance
order by local_day asc
{{- keep_order() }}
