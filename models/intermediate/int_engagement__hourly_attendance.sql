with

local_hours as (

    {{ local_hours(first_of_local_days(90)) | indent(4) }}

),

clock as materialized ( -- each session finds its hours by binary search, which costs a fraction of a local time

    select
        min(starts_at) as starts_at,
        array_agg(starts_at order by hour_number) as hour_starts
    from local_hours

),

sessions as (

    select
        greatest(checkin_time, (select clock.starts_at from clock)) as began_at,
        ended_at
    from {{ ref('int_engagement__sessions') }}
    where checkin_time >= {{ days_ago(91) }} -- 90 days, and one whose sessions may reach into them

),

spans as ( -- one row per hour of beginning and hour of end, the instants added up as time since the first hour began

    select
        width_bucket(began_at, (select clock.hour_starts from clock)) as hour_of_beginning,
        width_bucket(ended_at, (select clock.hour_starts from clock)) as hour_of_end,
        count(*) as sessions,
        {{ microseconds('sum(began_at - (select clock.starts_at from clock))') }} as beginnings,
        {{ microseconds('sum(ended_at - (select clock.starts_at from clock))') }} as ends
    from sessions
    where ended_at > began_at
    group by
        hour_of_beginning,
        hour_of_end

),

changes as ( -- what begins and ends in an hour

    select
        hour_number,
        sum(sessions) as sessions,
        sum(ends_less_beginnings) as ends_less_beginnings
    from (
        select
            hour_of_beginning as hour_number,
            sessions,
            -beginnings as ends_less_beginnings
        from spans
        union all
        select
            hour_of_end as hour_number,
            -sessions as sessions,
            ends as ends_less_beginnings
        from spans
    ) as beginnings_and_ends
    group by hour_number

),

hours as (

    select
        local_hours.local_hour,
        local_hours.starts_at,
        {{ microseconds('local_hours.starts_at - clock.starts_at') }} as hour_start,
        coalesce(changes.sessions, 0) as sessions,
        coalesce(changes.ends_less_beginnings, 0) as ends_less_beginnings
    from local_hours
    cross join clock
    left join changes
        on local_hours.hour_number = changes.hour_number

)

select
    local_hour,
    starts_at,
    -- a session that is open as the hour begins counts from there, one that is open as it ends until there
    (
        ends_less_beginnings
        + coalesce(lead(hour_start) over by_hour, 0) * sum(sessions) over by_hour
        - hour_start * (sum(sessions) over by_hour - sessions)
    )::bigint as attended_microseconds
from hours
window by_hour as (order by starts_at)
