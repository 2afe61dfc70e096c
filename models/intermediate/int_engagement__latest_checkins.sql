with

students as {{ on_citus('not materialized ') }}(

    select student_id from {{ ref('stg_engagement__students') }}

)

{{ latest_checkins('students', ['student_id']) }}
