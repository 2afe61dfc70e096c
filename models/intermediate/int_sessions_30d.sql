with

active_students as (

    select * from {{ ref('stg_students') }}
    where is_active

),

checkins as (

    select * from {{ ref('int_checkins_30d') }}

)

select
    active_students.student_id,
    count(checkins.checkin_time) as sessions_30d
from active_students
left join checkins
    on active_students.student_id = checkins.student_id
group by active_students.student_id
