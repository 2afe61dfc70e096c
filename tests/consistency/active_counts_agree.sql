-- What: the same students of 7 and of 30 days in the active counts, in weekly to monthly students, and week over week.
-- When it matters: always; the dashboard shows all three in one row.
-- To resolve: all three count the students of int_engagement__sessions since days_ago(7) or days_ago(30).
select
    active_counts.active_7d,
    wau_mau.wau,
    decline_index.active_students_7d,
    active_counts.active_30d,
    wau_mau.mau
from {{ ref('engagement_active_counts_v') }} as active_counts
cross join {{ ref('engagement_wau_mau_v') }} as wau_mau
cross join {{ ref('engagement_decline_index_v') }} as decline_index
where
    active_counts.active_7d is distinct from wau_mau.wau
    or active_counts.active_7d is distinct from decline_index.active_students_7d
    or active_counts.active_30d is distinct from wau_mau.mau
