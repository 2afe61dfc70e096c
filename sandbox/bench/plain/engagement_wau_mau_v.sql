select
    wau,
    mau,
    round(wau::numeric / nullif(mau, 0), 4) as wau_mau_ratio
from (
    select
        count(distinct student_id) filter (where checkin_time >= now() - interval '7 days') as wau,
        count(distinct student_id) as mau
    from public.student_attendance
    where checkin_time >= now() - interval '30 days'
) as actives
