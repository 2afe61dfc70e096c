-- What: more than a fiftieth of the last 30 days' check-ins have a check-out later than the longest session allows.
-- When it matters: these sessions give no minutes; people forget to check out, or stay longer than the panel believes.
-- To resolve: correct the check-outs, or set engagement_session_longest_hours to the longest real stay.
{{ config(
    severity='warn',
    enabled=setting('engagement_attendance_checkout_time_column') is not none
) }}
{%- set usual_share = 0.02 %}

select
    count(*) as checkins,
    count(*) filter (where checkout_time > checkin_time + {{ longest_session() }}) as too_long
from {{ ref('stg_engagement__checkins') }}
where checkin_time >= {{ days_ago(30) }}
having count(*) filter (where checkout_time > checkin_time + {{ longest_session() }}) > {{ usual_share }} * count(*)
