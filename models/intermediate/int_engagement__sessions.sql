with

students as (

    select student_id from {{ ref('stg_engagement__students') }}

),

checkins as (

    select * from {{ ref('stg_engagement__checkins') }}

)

select
    student_id,
    checkin_time,
    {{ session_end('checkin_time', 'checkout_time') }} as ended_at
from checkins
where student_id in (select students.student_id from students)
