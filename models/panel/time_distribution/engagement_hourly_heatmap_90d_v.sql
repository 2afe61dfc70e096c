with

cells as (

    select
        iso_weekday,
        hour_local
    from generate_series(1, 7) as iso_weekday
    cross join generate_series(0, 23) as hour_local

),

hours as (

    select
        extract(isodow from local_hour) as iso_weekday,
        extract(hour from local_hour) as hour_local,
        sum(attended_microseconds) as attended_microseconds
    from {{ ref('int_engagement__hourly_attendance') }}
    group by
        extract(isodow from local_hour),
        extract(hour from local_hour)

)

select
    cells.iso_weekday,
    cells.hour_local,
    {{ shown_minutes('coalesce(hours.attended_microseconds, 0)') }}::integer as minutes
from cells
left join hours
    on
        cells.iso_weekday = hours.iso_weekday
        and cells.hour_local = hours.hour_local
order by
    cells.iso_weekday asc,
    cells.hour_local asc
{{- keep_order() }}
