with

call_list as (

    {{ call_list() | indent(4) }}

)

select
    place,
    student_id,
    full_name,
    level,
    days_since_last_checkin,
    avg_days_between_visits
from call_list
where place <= {{ setting('engagement_list_length') }}
order by place asc
