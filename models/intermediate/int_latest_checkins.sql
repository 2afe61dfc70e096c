with

checkins as (

    select * from {{ ref('stg_checkins') }}

)

select
    student_id,
    max(checkin_time) as last_checkin_time
from checkins
group by student_id
