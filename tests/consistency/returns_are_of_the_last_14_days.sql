-- What: a return date is one of the local dates that the last 14 x 24 hours touch.
-- When it matters: always; an older return is no news, a later one has not happened.
-- To resolve: look at the window and the local date in engagement_recent_reactivated_14d_v.
select
    student_id,
    return_date
from {{ ref('engagement_recent_reactivated_14d_v') }}
where (
    return_date between {{ local_date(days_ago(14)) }} and {{ local_date(panel_now()) }}
) is not true
