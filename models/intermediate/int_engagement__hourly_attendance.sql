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
        extract(epoch from sum(began_at - (select clock.starts_at from clock))) as beginnings,
        extract(epoch from sum(ended_at - (select clock.starts_at from clock))) as ends
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
        sum(seconds) as seconds
    from (
        select
            hour_of_beginning as hour_number,
            sessions,
            -beginnings as seconds
        from spans
        union all
        select
            hour_of_end as hour_number,
            -sessions as sessions,
            ends as seconds
        from spans
    ) as beginnings_and_ends
    group by hour_number

),

hours as (

    select
        local_hours.local_hour,
        local_hours.starts_at,
        extract(epoch from local_hours.starts_at - clock.starts_at) as start_seconds,
        coalesce(changes.sessions, 0) as sessions,
        coalesce(changes.seconds, 0) as seconds
    from local_hours
    cross join clock
    left join changes
        on local_hours.hour_number = changes.hour_number

)

select
    local_hour,
    starts_at,
    -- a session that is open at the hour's start counts from there, one that is open at its end until there
    seconds
    + coalesce(lead(start_seconds) over by_hour, 0) * sum(sessions) over by_hour
    - start_seconds * (sum(sessions) over by_hour - sessions) as attended_seconds
from hours
window by_hour as (order by starts_at)
