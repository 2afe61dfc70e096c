with gaps as (
    select
        student_id,
        extract(epoch from (
            checkin_time - lag(checkin_time) over (partition by student_id order by checkin_time)
        )) / 86400 as days_gap
    from public.student_attendance
)
select
    case when grouping(students.level) = 1 then 'GLOBAL' else 'LEVEL' end as scope,
    students.level,
    round(avg(gaps.days_gap), 2) as avg_days_between_visits
from gaps
join public.students using (student_id)
group by grouping sets ((), (students.level))
order by scope, students.level
