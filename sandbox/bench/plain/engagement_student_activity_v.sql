with gaps as (
    select
        student_id,
        checkin_time,
        extract(epoch from (
            checkin_time - lag(checkin_time) over (partition by student_id order by checkin_time)
        )) / 86400 as days_gap
    from public.student_attendance
),
metrics as (
    select
        s.student_id,
        s.full_name,
        s.level,
        count(g.checkin_time) filter (where g.checkin_time >= now() - interval '30 days') as sessions_30d,
        avg(g.days_gap) as avg_days_between_visits,
        extract(epoch from now() - max(g.checkin_time)) / 86400 as days_since_last_checkin
    from public.students s
    left join gaps g using (student_id)
    group by s.student_id, s.full_name, s.level
)
select
    student_id,
    full_name,
    level,
    sessions_30d,
    avg_days_between_visits,
    days_since_last_checkin,
    least(100, 100 * (sessions_30d / 30.0) * (1 / (1 + days_since_last_checkin / 7))) as consistency_score
from metrics
order by days_since_last_checkin desc, consistency_score desc
