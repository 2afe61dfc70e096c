-- What: the histogram counts every student of the activity view once.
-- When it matters: always; the dashboard shows both beside each other.
-- To resolve: compare int_engagement__sessions_30d with session_frequency_bins: a count in no bin, or in two.
select *
from (
    select
        (select sum(student_count) from {{ ref('engagement_session_frequency_30d_v') }}) as in_bins,
        (select count(*) from {{ ref('engagement_student_activity_v') }}) as active_students
) as totals
where in_bins is distinct from active_students
