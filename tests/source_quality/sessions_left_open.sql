-- What: more than a fifth of the last 30 days' check-ins are open for longer than the longest session.
-- When it matters: these sessions give no minutes, so the minutes of the panel are too few.
-- To resolve: have people check out; if nobody does, set engagement_attendance_checkout_time_column to null.
{{ config(
    severity='warn',
    enabled=setting('engagement_attendance_checkout_time_column') is not none
) }}
{%- set usual_share = 0.2 %}
{%- set checkin_time = source_column('engagement_attendance_checkin_time_column') %}

with

checkins as (

    select
        {{ checkin_time }} < {{ panel_now() }} - {{ longest_session() }}
        and {{ source_column('engagement_attendance_checkout_time_column') }} is null as is_left_open
    from {{ source('engagement_attendance', 'attendance') }}
    where
        (
            {{ setting('engagement_attendance_condition') }}
        )
        and {{ checkin_time }} between {{ days_ago(30) }} and {{ panel_now() }}

)

select
    count(*) as checkins,
    count(*) filter (where is_left_open) as left_open
from checkins
having count(*) filter (where is_left_open) > {{ usual_share }} * count(*)
