with

high_engagement_list as (

    {{ high_engagement_list() | indent(4) }}

)

select
    place,
    student_id,
    full_name,
    level,
    standing,
    sessions_30d,
    consistency_score
from high_engagement_list
where place <= {{ setting('engagement_list_length') }}
order by place asc
