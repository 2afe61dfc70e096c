select
    extract(isodow from checkin_time at time zone 'America/Guayaquil') as iso_weekday,
    extract(hour from checkin_time at time zone 'America/Guayaquil') as hour_local,
    round(sum(extract(epoch from checkout_time - checkin_time)) / 60) as minutes
from public.student_attendance
where checkin_time >= now() - interval '90 days'
group by iso_weekday, hour_local
order by iso_weekday, hour_local
