-- What: the first bin begins at 0 and only the last has no end.
-- When it matters: always; a student whose sessions fall in no bin is not counted on the dashboard.
-- To resolve: mend seeds/session_frequency_bins.csv and run dbt seed.
select
    min(sessions_from) as first_from,
    count(*) filter (where sessions_below is null) as open_ended
from {{ ref('session_frequency_bins') }}
having
    (
        min(sessions_from) = 0
        and count(*) filter (where sessions_below is null) = 1
        and max(sessions_from) = max(sessions_from) filter (where sessions_below is null)
    ) is not true
