with hours as (
    select
        extract(hour from checkin_time at time zone 'America/Guayaquil') as local_hour,
        sum(extract(epoch from checkout_time - checkin_time)) / 60 as minutes
    from public.student_attendance
    where checkin_time >= now() - interval '90 days'
    group by local_hour
)
select
    case
        when local_hour between 8 and 11 then 'morning_08_12'
        when local_hour between 12 and 16 then 'afternoon_12_17'
        else 'evening_17_20'
    end as daypart,
    round(sum(minutes), 2) as total_minutes
from hours
where local_hour between 8 and 19
group by daypart
