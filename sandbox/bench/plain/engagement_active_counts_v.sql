select
    count(distinct student_id) filter (where checkin_time >= now() - interval '7 days') as active_7d,
    count(distinct student_id) filter (where checkin_time >= now() - interval '14 days') as active_14d,
    count(distinct student_id) filter (where checkin_time >= now() - interval '30 days') as active_30d,
    count(distinct student_id) as active_6mo
from public.student_attendance
where checkin_time >= now() - interval '180 days'
