with two_weeks as (
    select
        count(distinct student_id) filter (where checkin_time >= now() - interval '7 days') as active_students_7d,
        count(distinct student_id) filter (where checkin_time < now() - interval '7 days') as active_students_prev7d,
        sum(extract(epoch from checkout_time - checkin_time))
            filter (where checkin_time >= now() - interval '7 days') / 60 as total_minutes_7d,
        sum(extract(epoch from checkout_time - checkin_time))
            filter (where checkin_time < now() - interval '7 days') / 60 as total_minutes_prev7d
    from public.student_attendance
    where checkin_time >= now() - interval '14 days'
)
select
    active_students_7d,
    active_students_prev7d,
    round(active_students_7d::numeric / nullif(active_students_prev7d, 0) - 1, 4) as active_students_wow_change,
    round(total_minutes_7d) as total_minutes_7d,
    round(total_minutes_prev7d) as total_minutes_prev7d,
    round(total_minutes_7d / nullif(total_minutes_prev7d, 0) - 1, 4) as total_minutes_wow_change
from two_weeks
