with

scores as (

    select
        activity.sessions_30d,
        activity.consistency_score as deployed_score,
        {{ consistency_score('activity.sessions_30d', 'roster.last_checkin_time') }} as other_score
    from {{ ref('engagement_student_activity_v') }} as activity
    inner join {{ ref('engagement_inactive_roster_v') }} as roster
        on activity.student_id = roster.student_id

),

standings as (

    select
        {{ engagement_standing('sessions_30d', 'deployed_score') }} as deployed_standing,
        {{ engagement_standing('sessions_30d', 'other_score') }} as other_standing
    from scores

)

select
    deployed_standing,
    other_standing,
    count(*) as students
from standings
group by
    deployed_standing,
    other_standing
order by
    deployed_standing asc,
    other_standing asc
