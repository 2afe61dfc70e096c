with

absences (days_from, days_below, time_away) as (

    values
    (14, 30, '14 to 29 days'),
    (30, 90, '30 to 89 days'),
    (90, 180, '90 to 179 days'),
    (180, null, '180 days and more')

)

select
    absences.time_away,
    count(reactivated.student_id) as students,
    max(reactivated.days_inactive_before_return) as longest
from absences
left join {{ ref('engagement_recent_reactivated_14d_v') }} as reactivated
    on
        absences.days_from <= reactivated.days_inactive_before_return
        and (absences.days_below > reactivated.days_inactive_before_return or absences.days_below is null)
group by
    absences.time_away,
    absences.days_from
order by absences.days_from asc
