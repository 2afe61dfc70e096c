with

students as (

    select student_id from {{ ref('stg_students') }}

),

-- in line, so that a reader's `where student_id = …` reaches each place where it is read
recent_checkins as not materialized (

    select
        student_id,
        max(checkin_time) as last_checkin_time
    from {{ ref('int_checkins_30d') }}
    group by student_id

),

absent_students as not materialized (

    select students.student_id
    from students
    left join recent_checkins
        on students.student_id = recent_checkins.student_id
    where recent_checkins.student_id is null

)

select
    student_id,
    last_checkin_time
from recent_checkins
where {{ attendance_has_index(by_student=true) }}

union all

{{ latest_checkins_by_look_up('absent_students', ['student_id']) }}

union all

-- without the index one pass over all is the best there is
select
    student_id,
    max(checkin_time) as last_checkin_time
from {{ ref('stg_checkins') }}
where not {{ attendance_has_index(by_student=true) }}
group by student_id
