with

dayparts as (

    select * from {{ ref('dayparts') }}

),

hours as (

    select
        extract(hour from local_hour) as local_hour,
        sum(attended_microseconds) as attended_microseconds
    from {{ ref('int_engagement__hourly_attendance') }}
    group by extract(hour from local_hour)

)

select
    dayparts.daypart,
    {{ shown_minutes('coalesce(sum(hours.attended_microseconds), 0)', decimals=2) }} as total_minutes
from dayparts
left join hours
    on
        dayparts.hour_from <= hours.local_hour
        and dayparts.hour_below > hours.local_hour
group by
    dayparts.daypart,
    dayparts.hour_from
order by dayparts.hour_from asc
{{- keep_order() }}
