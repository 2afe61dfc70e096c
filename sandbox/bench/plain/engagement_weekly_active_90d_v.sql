with daily_actives as (
    select
        (checkin_time at time zone 'America/Guayaquil')::date as d,
        count(distinct student_id) as active_students,
        count(*) as sessions,
        sum(extract(epoch from checkout_time - checkin_time)) / 60 as total_minutes
    from public.student_attendance
    where checkin_time >= now() - interval '90 days'
    group by d
)
select
    date_trunc('week', d)::date as week_start,
    max(active_students) as max_daily_actives,
    round(sum(total_minutes)) as total_minutes,
    sum(sessions) as sessions,
    sum(active_students) as sum_active_students
from daily_actives
group by week_start
order by week_start
