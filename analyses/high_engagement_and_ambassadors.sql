with

standings as (

    select
        *,
        {{ engagement_standing('sessions_30d', 'consistency_score') }} as standing
    from {{ ref('engagement_student_activity_v') }}

),

engaged_students as (

    select
        *,
        row_number() over (
            order by
                consistency_score desc,
                sessions_30d desc,
                full_name asc nulls last,
                student_id asc
        ) as place
    from standings
    where standing <> 'neither'

)

select
    place,
    student_id,
    full_name,
    level,
    standing,
    sessions_30d,
    consistency_score
from engaged_students
where place <= 50
order by place asc
