with daypart_visits as (
    select
        student_id,
        case
            when extract(hour from checkin_time at time zone 'America/Guayaquil') between 8 and 11 then 'morning_08_12'
            when extract(hour from checkin_time at time zone 'America/Guayaquil') between 12 and 16
                then 'afternoon_12_17'
            when extract(hour from checkin_time at time zone 'America/Guayaquil') between 17 and 19
                then 'evening_17_20'
        end as daypart,
        count(*) as visit_count
    from public.student_attendance
    where
        checkin_time >= now() - interval '30 days'
        and extract(hour from checkin_time at time zone 'America/Guayaquil') between 8 and 19
    group by student_id, daypart
)
select daypart, count(case when visit_count >= 2 then 1 end)::numeric / nullif(count(*), 0) as return_rate
from daypart_visits
group by daypart
