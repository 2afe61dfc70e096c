with

students as (

    select student_id from {{ ref('stg_students') }}

)

{{ latest_checkins('students', ['student_id']) }}
