-- What: more than a hundredth of the last 30 days' check-ins have a check-out before the check-in.
-- When it matters: these sessions give no minutes; two clocks disagree, or times are stored in different time zones.
-- To resolve: correct the clock or the program that writes the times.
{{ config(
    severity='warn',
    enabled=setting('engagement_attendance_checkout_time_column') is not none
) }}
{%- set usual_share = 0.01 %}

select
    count(*) as checkins,
    count(*) filter (where checkout_time < checkin_time) as before_checkin
from {{ ref('stg_engagement__checkins') }}
where checkin_time >= {{ days_ago(30) }}
having count(*) filter (where checkout_time < checkin_time) > {{ usual_share }} * count(*)
