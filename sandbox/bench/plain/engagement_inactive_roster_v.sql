select
    student_id,
    full_name,
    level,
    last_checkin_time,
    days_since_last_checkin,
    case
        when days_since_last_checkin is null then 'active_recent'
        when days_since_last_checkin >= 180 then 'long_term_inactive_180d'
        when days_since_last_checkin >= 30 then 'dormant_30d'
        when days_since_last_checkin >= 14 then 'inactive_14d'
        when days_since_last_checkin >= 7 then 'inactive_7d'
        else 'active_recent'
    end as inactivity_bucket
from (
    select
        s.student_id,
        s.full_name,
        s.level,
        max(a.checkin_time) as last_checkin_time,
        extract(epoch from now() - max(a.checkin_time)) / 86400 as days_since_last_checkin
    from public.students s
    left join public.student_attendance a using (student_id)
    group by s.student_id, s.full_name, s.level
) absences
order by days_since_last_checkin desc
