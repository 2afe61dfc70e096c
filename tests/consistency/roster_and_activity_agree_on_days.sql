-- What: each student of the activity view stands in the roster with the same name, level and days.
-- When it matters: always; a manager who sees two figures for one student trusts neither.
-- To resolve: both take the latest of stg_engagement__checkins, the roster by a look-up, activity by its one pass.
select
    student_id,
    full_name,
    level,
    days_since_last_checkin
from {{ ref('engagement_student_activity_v') }}
except
select
    student_id,
    full_name,
    level,
    days_since_last_checkin
from {{ ref('engagement_inactive_roster_v') }}
