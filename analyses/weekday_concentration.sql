with

weekdays (iso_weekday, weekday) as (

    values
    (1, 'Monday'),
    (2, 'Tuesday'),
    (3, 'Wednesday'),
    (4, 'Thursday'),
    (5, 'Friday'),
    (6, 'Saturday'),
    (7, 'Sunday')

),

minutes as (

    select
        extract(isodow from d) as iso_weekday,
        sum(total_minutes) as total_minutes
    from {{ ref('engagement_dau_90d_v') }}
    group by extract(isodow from d)

)

select
    weekdays.iso_weekday,
    weekdays.weekday,
    coalesce(minutes.total_minutes, 0) as total_minutes,
    round(100.0 * coalesce(minutes.total_minutes, 0) / nullif(sum(minutes.total_minutes) over (), 0), 1) as percent
from weekdays
left join minutes
    on weekdays.iso_weekday = minutes.iso_weekday
order by weekdays.iso_weekday asc
