{%- set days_until_lost = 30 -%}

with

lists as (

    select
        days_away,
        null::integer as median_gaps_away
    from unnest(array[7, 10, 14, 21, {{ setting('engagement_call_from_days') }}]) as days_away

    union distinct

    select
        null::integer as days_away,
        median_gaps_away
    from unnest(array[2, 3]) as median_gaps_away

),

local_days as (

    {{ local_days(local_date(days_ago(180))) | indent(4) }}

),

weeks as materialized ( -- else each pair of a week and a visit works out anew when the week begins

    select
        local_day as week_start,
        starts_at
    from local_days
    where
        local_day = {{ week_of('local_day') }}
        and starts_at between {{ days_ago(180) }} and {{ days_ago(days_until_lost) }}

),

visits as ( -- one row per student and local day; a week begins between two of them

    select
        student_id,
        local_day,
        last_checkin_time,
        local_day - lag(local_day) over (partition by student_id order by local_day) as days_gap,
        lead(first_checkin_time) over (partition by student_id order by local_day) as next_checkin_time
    from (
        select
            student_id,
            {{ local_date('checkin_time') }} as local_day,
            min(checkin_time) as first_checkin_time,
            max(checkin_time) as last_checkin_time
        from {{ ref('stg_engagement__checkins') }}
        where {{ is_one_of(ref('stg_engagement__students')) }}
        group by
            student_id,
            local_day
    ) as visit_days

),

students as ( -- one row per week and student who came in the 30 days before

    select
        weeks.week_start,
        visits.student_id,
        weeks.starts_at - visits.last_checkin_time as away,
        coalesce(
            visits.next_checkin_time > weeks.starts_at + {{ interval_of_days(days_until_lost) }}, true
        ) as is_lost
    from weeks
    inner join visits
        on
            weeks.starts_at > visits.last_checkin_time
            and weeks.starts_at - {{ interval_of_days(days_until_lost) }} <= visits.last_checkin_time
            and (weeks.starts_at <= visits.next_checkin_time or visits.next_checkin_time is null)

),

rhythms as ( -- as of the week: later gaps are not known yet

    select
        students.week_start,
        students.student_id,
        percentile_cont(0.5) within group (order by visits.days_gap) as median_days_gap
    from students
    inner join visits
        on
            students.student_id = visits.student_id
            and students.week_start > visits.local_day
    group by
        students.week_start,
        students.student_id

),

calls as ( -- one row per list, week and student

    select
        lists.days_away,
        lists.median_gaps_away,
        students.week_start,
        students.is_lost,
        coalesce(
            students.away
            >= coalesce(lists.days_away, lists.median_gaps_away * rhythms.median_days_gap) * {{ interval_of_days(1) }},
            false
        ) as is_listed
    from lists
    cross join students
    left join rhythms
        on
            students.week_start = rhythms.week_start
            and students.student_id = rhythms.student_id

),

counts as (

    select
        days_away,
        median_gaps_away,
        week_start,
        count(distinct week_start)::numeric as weeks,
        count(*) as students,
        count(*) filter (where is_lost) as lost,
        count(*) filter (where is_listed) as listed,
        count(*) filter (where is_listed and is_lost) as listed_and_lost
    from calls
    group by
        grouping sets (
            (days_away, median_gaps_away),
            (days_away, median_gaps_away, week_start)
        )

)

select
    week_start,
    coalesce(days_away || ' days or more', median_gaps_away || ' x the median gap or more') as away_for,
    round(students / weeks, 1) as students,
    round(lost / weeks, 1) as lost,
    round(listed / weeks, 1) as listed,
    round(100.0 * listed_and_lost / nullif(listed, 0), 1) as percent_of_listed_lost,
    round(100.0 * listed_and_lost / nullif(lost, 0), 1) as percent_of_lost_listed
from counts
order by
    week_start asc nulls first,
    days_away asc nulls last,
    median_gaps_away asc
