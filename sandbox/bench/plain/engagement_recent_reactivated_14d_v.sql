with gaps as (
    select
        student_id,
        checkin_time,
        lag(checkin_time) over (partition by student_id order by checkin_time) as prev_checkin,
        extract(epoch from (
            checkin_time - lag(checkin_time) over (partition by student_id order by checkin_time)
        )) / 86400 as days_gap
    from public.student_attendance
    where checkin_time >= now() - interval '90 days'
)
select student_id, full_name, days_gap as days_inactive_before_return, checkin_time::date as return_date
from gaps
join public.students using (student_id)
where days_gap >= 14 and checkin_time >= now() - interval '14 days'
order by checkin_time desc
