with

checkins as (

    select * from {{ ref('stg_engagement__checkins') }}

)

select
    student_id,
    checkin_time
from checkins
where checkin_time >= {{ days_ago(30) }}
