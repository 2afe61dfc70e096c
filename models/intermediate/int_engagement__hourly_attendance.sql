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
    where
        checkin_time >= (select clock.starts_at from clock) - {{ longest_session() }}
        and ended_at > checkin_time
        and ended_at > (select clock.starts_at from clock)

),

spans as ( -- one row per hour of beginning and hour of end, the instants added up as time since the first hour began

    select
        width_bucket(began_at, (select clock.hour_starts from clock)) as hour_of_beginning,
        width_bucket(ended_at, (select clock.hour_starts from clock)) as hour_of_end,
        count(*) as sessions,
        {{ microseconds('sum(began_at - (select clock.starts_at from clock))') }} as beginnings,
        {{ microseconds('sum(ended_at - (select clock.starts_at from clock))') }} as ends
    from sessions
    group by
        hour_of_beginning,
        hour_of_end

),

hours as ( -- with what begins and ends in each

    select
        max(local_hour) as local_hour,
        max(starts_at) as starts_at,
        sum(sessions) as sessions,
        sum(ends_less_beginnings) as ends_less_beginnings
    from (
        select
            hour_number,
            local_hour,
            starts_at,
            0 as sessions,
            0 as ends_less_beginnings
        from local_hours
        union all
        select
            hour_of_beginning as hour_number,
            null as local_hour,
            null as starts_at,
            sessions,
            -beginnings as ends_less_beginnings
        from spans
        union all
        select
            hour_of_end as hour_number,
            null as local_hour,
            null as starts_at,
            -sessions as sessions,
            ends as ends_less_beginnings
        from spans
    ) as beginnings_and_ends
    group by hour_number

),

occupied_hours as (

    select
        local_hour,
        starts_at,
        {{ microseconds('starts_at - min(starts_at) over ()') }} as hour_start,
        sum(sessions) over (order by starts_at) as open_at_end,
        sum(sessions) over (order by starts_at) - sessions as open_at_start,
        ends_less_beginnings
    from hours

)

select
    local_hour,
    starts_at,
    -- a session that is open as the hour begins counts from there, one that is open as it ends until there
    (
        ends_less_beginnings
        + coalesce(lead(hour_start) over (order by starts_at), 0) * open_at_end
        - hour_start * open_at_start
    )::bigint as attended_microseconds
from occupied_hours
