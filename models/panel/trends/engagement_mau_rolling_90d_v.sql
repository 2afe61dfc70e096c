{%- set snapshots = 90 -%}
{%- set month = 30 -%}

with

local_days as (

    {{ local_days(first_of_local_days(snapshots + month)) | indent(4) }}

),

clock as materialized ( -- each check-in finds its day by binary search, which costs a fraction of a local date

    select array_agg(starts_at order by day_number) as day_starts
    from local_days

),

students as ( -- a bit for each local day, set if the student came in the month before it

    select
        bit_or(
            repeat('1', {{ month }})::bit({{ snapshots + month }})
            >> width_bucket(checkin_time, (select clock.day_starts from clock))
        ) as came_in_month_before
    from {{ ref('int_engagement__sessions') }}
    where checkin_time >= (select clock.day_starts[1] from clock)
    group by student_id

)

select
    local_days.local_day as snapshot_date,
    coalesce(
        sum(get_bit(students.came_in_month_before, local_days.day_number::integer - 1)), 0
    )::integer as mau_rolling_30d
from local_days
left join students on true
where local_days.day_number > {{ month }}
group by local_days.local_day
order by local_days.local_day asc
{{- keep_order() }}
