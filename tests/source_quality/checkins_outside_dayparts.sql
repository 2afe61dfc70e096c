-- What: more than a fifth of the last 30 days' check-ins lie outside the hours of dayparts (08 to 20 local).
-- When it matters: a feed that stores local time as if it were UTC shifts all by hours, and with it dates and dayparts.
-- To resolve: compare a check-in just made with the clock on the wall; if the hours are right, mend seeds/dayparts.csv.
{{ config(severity='warn') }}
{%- set usual_share = 0.2 %}

with

checkins as (

    select extract(hour from {{ local_time('checkin_time') }}) as local_hour
    from {{ ref('int_engagement__checkins_30d') }}

),

dayparts as (

    select * from {{ ref('dayparts') }}

)

select
    count(*) as checkins,
    count(*) filter (where dayparts.daypart is null) as outside_dayparts
from checkins
left join dayparts
    on
        checkins.local_hour >= dayparts.hour_from
        and checkins.local_hour < dayparts.hour_below
having count(*) filter (where dayparts.daypart is null) > {{ usual_share }} * count(*)
