with gaps as (
    select
        extract(epoch from (
            checkin_time - lag(checkin_time) over (partition by student_id order by checkin_time)
        )) / 86400 as days_gap
    from public.student_attendance
)
select round((percentile_cont(0.5) within group (order by days_gap))::numeric, 2) as median_days_between_visits
from gaps
