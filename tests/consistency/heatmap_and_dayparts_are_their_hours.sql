-- What: each cell of the heatmap and each daypart shows the minutes of its hours, added up exactly and rounded once.
-- When it matters: always; the dashboard shows both beside each other.
-- To resolve: both must sum int_engagement__hourly_attendance before shown_minutes; compare what is listed.
with

hours as (

    select
        extract(isodow from local_hour) as iso_weekday,
        extract(hour from local_hour) as hour_local,
        attended_microseconds
    from {{ ref('int_engagement__hourly_attendance') }}

),

cells as (

    select
        'weekday ' || iso_weekday || ', hour ' || hour_local as part,
        {{ shown_minutes('sum(attended_microseconds)') }} as minutes
    from hours
    group by
        iso_weekday,
        hour_local

),

dayparts as (

    select
        dayparts.daypart as part,
        {{ shown_minutes('sum(hours.attended_microseconds)', decimals=2) }} as minutes
    from {{ ref('dayparts') }} as dayparts
    inner join hours
        on hours.hour_local between dayparts.hour_from and dayparts.hour_below - 1
    group by dayparts.daypart

)

(
    select
        'weekday ' || iso_weekday || ', hour ' || hour_local as part,
        minutes
    from {{ ref('engagement_hourly_heatmap_90d_v') }}
    union all
    select
        daypart as part,
        total_minutes as minutes
    from {{ ref('engagement_hour_split_v') }}
)
except
(
    select * from cells
    union all
    select * from dayparts
)
