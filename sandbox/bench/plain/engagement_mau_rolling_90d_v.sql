select
    snapshot_date,
    (
        select count(distinct student_id)
        from public.student_attendance
        where
            checkin_time >= (snapshot_date - 30)::timestamp at time zone 'America/Guayaquil'
            and checkin_time < snapshot_date::timestamp at time zone 'America/Guayaquil'
    ) as mau_rolling_30d
from (
    select (now() at time zone 'America/Guayaquil')::date - days_ago as snapshot_date
    from generate_series(89, 0, -1) as days_ago
) as snapshots
order by snapshot_date
