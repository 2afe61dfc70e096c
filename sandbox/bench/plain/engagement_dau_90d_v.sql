select
    (checkin_time at time zone 'America/Guayaquil')::date as d,
    count(distinct student_id) as active_students,
    round(sum(extract(epoch from checkout_time - checkin_time)) / 60, 2) as total_minutes
from public.student_attendance
where checkin_time >= now() - interval '90 days'
group by d
order by d
