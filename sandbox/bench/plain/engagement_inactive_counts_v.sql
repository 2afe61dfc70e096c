select
    count(*) filter (where last_checkin_time <= now() - interval '7 days') as inactive_7d_count,
    count(*) filter (where last_checkin_time <= now() - interval '14 days') as inactive_14d_count,
    count(*) filter (where last_checkin_time <= now() - interval '30 days') as dormant_30d_count,
    count(*) filter (where last_checkin_time <= now() - interval '180 days') as inactive_180d_count
from (
    select student_id, max(checkin_time) as last_checkin_time
    from public.student_attendance
    group by student_id
) as latest_checkins
