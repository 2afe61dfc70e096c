with

active_students as (

    select
        student_id,
        full_name,
        level
    from {{ ref('stg_engagement__students') }}
    where is_active

),

sessions as (

    select
        student_id,
        count(*) as sessions_30d
    from {{ ref('int_engagement__checkins_30d') }}
    group by student_id

)

select
    active_students.student_id,
    active_students.full_name,
    active_students.level,
    coalesce(sessions.sessions_30d, 0) as sessions_30d
from active_students
left join sessions
    on active_students.student_id = sessions.student_id
