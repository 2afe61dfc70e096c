-- What: the students of 30 days are at least those in the bins with a session, and as many if every student is active.
-- When it matters: always; the active counts look at every student, the histogram at those who are active.
-- To resolve: compare int_engagement__sessions with int_engagement__sessions_30d: a window, or who counts, differs.
select *
from (
    select
        (select active_30d from {{ ref('engagement_active_counts_v') }}) as active_30d,
        (
            select sum(student_count)
            from {{ ref('engagement_session_frequency_30d_v') }}
            where bin_label <> '0'
        ) as in_bins_with_sessions,
        (select bool_and(is_active) from {{ ref('stg_engagement__students') }}) as all_are_active
) as totals
where
    active_30d < in_bins_with_sessions
    or (all_are_active and active_30d <> in_bins_with_sessions)
