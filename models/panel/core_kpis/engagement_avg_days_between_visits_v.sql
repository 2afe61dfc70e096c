with

students as (

    select
        student_id,
        level
    from {{ ref('stg_engagement__students') }}

),

gaps_by_student as (

    select * from {{ ref('int_engagement__visit_gap_sums') }}

)

select
    case when grouping(students.level) = 1 then 'GLOBAL' else 'LEVEL' end as scope,
    students.level,
    round(
        extract(epoch from sum(gaps_by_student.time_between)) / (86400 * sum(gaps_by_student.gaps)), 2
    ) as avg_days_between_visits
from gaps_by_student
inner join students
    on gaps_by_student.student_id = students.student_id
group by grouping sets ((), (students.level))
having grouping(students.level) = 1 or students.level is not null
order by
    scope asc,
    students.level asc
