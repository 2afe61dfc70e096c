with

visits as ( -- gaps in a row add up to the time from the first visit to the last, which takes no sorting

    select
        student_id,
        min(checkin_time) as first_checkin_time,
        max(checkin_time) as latest_checkin_time,
        count(*) as visits
    from {{ ref('int_engagement__recent_visits') }}
    group by student_id

),

earlier_visits as ( -- the last one before those days, however long ago

    {{ latest_checkins('visits', ['student_id', 'first_checkin_time'], before='first_checkin_time') }}

)

select
    visits.student_id,
    visits.latest_checkin_time - coalesce(earlier_visits.last_checkin_time, visits.first_checkin_time) as time_between,
    visits.visits - (earlier_visits.student_id is null)::integer as gaps
from visits
left join earlier_visits
    on visits.student_id = earlier_visits.student_id
where visits.visits > 1 or earlier_visits.student_id is not null
