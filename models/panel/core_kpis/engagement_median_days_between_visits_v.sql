with

gaps as (

    select date_part('epoch', gap) as seconds
    from {{ ref('int_engagement__visit_gaps') }}

),

median as ( -- percentile_cont calculates in float, which is exact once rounded to half microseconds

    select round(percentile_cont(0.5) within group (order by seconds) * 2000000)::bigint as half_microseconds
    from gaps

)

select round(half_microseconds / (2000000 * 86400.0), 2) as median_days_between_visits
from median
