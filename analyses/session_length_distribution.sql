with

lengths (minutes_from, minutes_below, length) as (

    values
    (0, 30, 'under 30 minutes'),
    (30, 60, '30 to 59 minutes'),
    (60, 90, '60 to 89 minutes'),
    (90, 120, '90 to 119 minutes'),
    (120, null, '120 minutes and more')

),

sessions as (

    select extract(epoch from nullif(ended_at, checkin_time) - checkin_time) / 60 as minutes
    from {{ ref('int_engagement__sessions') }}
    where checkin_time >= {{ days_ago(30) }}

)

select
    coalesce(lengths.length, 'no check-out that counts') as length,
    count(*) as sessions,
    round(100.0 * count(*) / sum(count(*)) over (), 1) as percent
from sessions
left join lengths
    on
        sessions.minutes >= lengths.minutes_from
        and (sessions.minutes < lengths.minutes_below or lengths.minutes_below is null)
group by
    lengths.length,
    lengths.minutes_from
order by lengths.minutes_from asc nulls last
