-- What: each student at dual risk stands in the roster with the same days, in the bucket that the issue words.
-- When it matters: always; dual risk is the roster narrowed down, not a second opinion.
-- To resolve: both views must look the last check-in up by latest_checkins and take the bucket from inactivity_buckets.
select
    dual_risk.student_id,
    dual_risk.days_since_last_checkin,
    dual_risk.engagement_issue
from {{ ref('engagement_dual_risk_students_v') }} as dual_risk
left join {{ ref('engagement_inactive_roster_v') }} as roster
    on
        dual_risk.student_id = roster.student_id
        and dual_risk.days_since_last_checkin = roster.days_since_last_checkin
        and dual_risk.engagement_issue = {{ engagement_issue('roster.last_checkin_time') }}
where roster.student_id is null
