{%- set days = 14 -%} {#- of absence before a return, and of the window of returns -#}

with

active_students as (

    select
        student_id,
        full_name
    from {{ ref('stg_engagement__students') }}
    where is_active

),

fortnights as ( -- one row per person who came in the latest, with what came in the one before

    select
        student_id,
        min(checkin_time) filter (where checkin_time <= {{ days_ago(days) }}) as first_of_previous,
        max(checkin_time) filter (where checkin_time <= {{ days_ago(days) }}) as last_of_previous,
        min(checkin_time) filter (where checkin_time > {{ days_ago(days) }}) as first_of_latest
    from {{ ref('stg_engagement__checkins') }}
    where checkin_time > {{ days_ago(2 * days) }}
    group by student_id
    having max(checkin_time) >= {{ days_ago(days) }}

),

-- Only the first check-in of a fortnight can end an absence of a fortnight. The first of the previous fortnight is
-- recent if it is exactly a fortnight ago. Not materialized, so that a filter on the view reaches the look-ups.
candidates as not materialized (

    select
        fortnights.student_id,
        firsts.checkin_time
    from fortnights
    cross join
        lateral (
            values
            (fortnights.first_of_previous, null),
            (fortnights.first_of_latest, fortnights.last_of_previous)
        ) as firsts (checkin_time, previous_checkin_time)
    where
        firsts.checkin_time >= {{ days_ago(days) }}
        and (firsts.previous_checkin_time > firsts.checkin_time - {{ interval_of_days(days) }}) is not true

),

returns as ( -- candidates of people who had come before, however long ago

    {{ latest_checkins('candidates', ['student_id', 'checkin_time'], before='checkin_time') | indent(4) }}

)

select
    active_students.student_id::integer as student_id,
    active_students.full_name,
    floor(
        {{ elapsed_days('returns.last_checkin_time', 'returns.checkin_time') }}
    )::integer as days_inactive_before_return,
    {{ local_date('returns.checkin_time') }} as return_date
from returns
inner join active_students
    on returns.student_id = active_students.student_id
order by
    returns.checkin_time desc,
    active_students.full_name asc nulls last,
    student_id asc
{{- keep_order() }}
