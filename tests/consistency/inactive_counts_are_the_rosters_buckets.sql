-- What: each inactive count is the roster's active students in its bucket and in those of longer absences.
-- When it matters: always; the counts head the list that the roster is.
-- To resolve: compare the thresholds of engagement_inactive_counts_v with inactivity_buckets, and who is active.
with

buckets as (

    select
        count(*) filter (where roster.inactivity_bucket = 'inactive_7d') as inactive_7d,
        count(*) filter (where roster.inactivity_bucket = 'inactive_14d') as inactive_14d,
        count(*) filter (where roster.inactivity_bucket = 'dormant_30d') as dormant_30d,
        count(*) filter (where roster.inactivity_bucket = 'long_term_inactive_180d') as inactive_180d
    from {{ ref('engagement_inactive_roster_v') }} as roster
    inner join {{ ref('stg_engagement__students') }} as students
        on roster.student_id = students.student_id
    where students.is_active

)

select
    counts.inactive_7d_count,
    counts.inactive_14d_count,
    counts.dormant_30d_count,
    counts.inactive_180d_count
from {{ ref('engagement_inactive_counts_v') }} as counts
cross join buckets
where
    counts.inactive_180d_count <> buckets.inactive_180d
    or counts.dormant_30d_count <> buckets.inactive_180d + buckets.dormant_30d
    or counts.inactive_14d_count <> buckets.inactive_180d + buckets.dormant_30d + buckets.inactive_14d
    or counts.inactive_7d_count
    <> buckets.inactive_180d + buckets.dormant_30d + buckets.inactive_14d + buckets.inactive_7d
