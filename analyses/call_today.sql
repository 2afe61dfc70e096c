with

absent_students as (

    select
        *,
        row_number() over (
            order by
                days_since_last_checkin desc,
                consistency_score desc,
                full_name asc nulls last,
                student_id asc
        ) as place
    from {{ ref('engagement_student_activity_v') }}
    where days_since_last_checkin >= 7

)

select
    place,
    student_id,
    full_name,
    level,
    days_since_last_checkin,
    avg_days_between_visits
from absent_students
where place <= 50
order by place asc
