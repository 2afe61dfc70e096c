with

students as (

    select
        student_id,
        level
    from {{ ref('stg_engagement__students') }}

),

gap_sums as (

    select * from {{ ref('int_engagement__visit_gap_sums') }}

)

select
    case when grouping(students.level) = 1 then 'GLOBAL' else 'LEVEL' end as scope,
    students.level,
    round(
        extract(epoch from sum(gap_sums.time_between)) / (86400 * sum(gap_sums.gaps)), 2
    ) as avg_days_between_visits
from gap_sums
inner join students
    on gap_sums.student_id = students.student_id
group by grouping sets ((), (students.level))
having grouping(students.level) = 1 or students.level is not null
order by
    scope asc,
    students.level asc
{{- keep_order() }}
