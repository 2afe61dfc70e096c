-- What: more than a twentieth of the last 30 days' check-ins have a check-out in one and the same minute of the clock.
-- When it matters: a nightly job closes the sessions left open, and its time counts as time spent at the school.
-- To resolve: leave the job's check-outs out by engagement_attendance_checkout_condition.
{{ config(
    severity='warn',
    enabled=setting('engagement_attendance_checkout_time_column') is not none
) }}
{%- set usual_share = 0.05 %}
{%- set fewest = 20 %}

with

minutes as ( -- null: those without a check-out

    select
        date_trunc('minute', {{ local_time('checkout_time') }})::time as local_minute,
        count(*) as checkins,
        sum(count(*)) over () as all_checkins
    from {{ ref('stg_engagement__checkins') }}
    where checkin_time >= {{ days_ago(30) }}
    group by local_minute

)

select
    local_minute,
    checkins,
    all_checkins
from minutes
where
    local_minute is not null
    and checkins >= {{ fewest }}
    and checkins > {{ usual_share }} * all_checkins
