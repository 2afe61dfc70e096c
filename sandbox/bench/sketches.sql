-- The SQL of the requirements, mended only so far that it runs: the yardstick of the panel's speed, not of its rows.
-- Where the requirements give words instead of SQL (roster, activity), the straightforward reading of the words.

create schema sketch;

create view sketch.engagement_inactive_roster_v as
select
    student_id,
    full_name,
    level,
    last_checkin_time,
    days_since_last_checkin,
    case
        when days_since_last_checkin is null then 'active_recent'
        when days_since_last_checkin >= 180 then 'long_term_inactive_180d'
        when days_since_last_checkin >= 30 then 'dormant_30d'
        when days_since_last_checkin >= 14 then 'inactive_14d'
        when days_since_last_checkin >= 7 then 'inactive_7d'
        else 'active_recent'
    end as inactivity_bucket
from (
    select
        s.student_id,
        s.full_name,
        s.level,
        max(a.checkin_time) as last_checkin_time,
        extract(epoch from now() - max(a.checkin_time)) / 86400 as days_since_last_checkin
    from public.students s
    left join public.student_attendance a using (student_id)
    group by s.student_id, s.full_name, s.level
) absences
order by days_since_last_checkin desc;

create view sketch.engagement_student_activity_v as
with gaps as (
    select
        student_id,
        checkin_time,
        extract(epoch from (
            checkin_time - lag(checkin_time) over (partition by student_id order by checkin_time)
        )) / 86400 as days_gap
    from public.student_attendance
),
metrics as (
    select
        s.student_id,
        s.full_name,
        s.level,
        count(g.checkin_time) filter (where g.checkin_time >= now() - interval '30 days') as sessions_30d,
        avg(g.days_gap) as avg_days_between_visits,
        extract(epoch from now() - max(g.checkin_time)) / 86400 as days_since_last_checkin
    from public.students s
    left join gaps g using (student_id)
    group by s.student_id, s.full_name, s.level
)
select
    student_id,
    full_name,
    level,
    sessions_30d,
    avg_days_between_visits,
    days_since_last_checkin,
    least(100, 100 * (sessions_30d / 30.0) * (1 / (1 + days_since_last_checkin / 7))) as consistency_score
from metrics
order by days_since_last_checkin desc, consistency_score desc;

create view sketch.engagement_recent_reactivated_14d_v as
with gaps as (
    select
        student_id,
        checkin_time,
        lag(checkin_time) over (partition by student_id order by checkin_time) as prev_checkin,
        extract(epoch from (
            checkin_time - lag(checkin_time) over (partition by student_id order by checkin_time)
        )) / 86400 as days_gap
    from public.student_attendance
    where checkin_time >= now() - interval '90 days'
)
select student_id, full_name, days_gap as days_inactive_before_return, checkin_time::date as return_date
from gaps
join public.students using (student_id)
where days_gap >= 14 and checkin_time >= now() - interval '14 days'
order by checkin_time desc;

create view sketch.engagement_session_frequency_30d_v as
with session_counts as (
    select student_id, count(*) as session_count
    from public.student_attendance
    where checkin_time >= now() - interval '30 days'
    group by student_id
),
bins as ( -- a step more than in the requirements: an output column cannot stand in an expression of order by
    select
        case
            when session_count = 0 then '0'
            when session_count = 1 then '1'
            when session_count = 2 then '2'
            when session_count = 3 then '3'
            when session_count = 4 then '4'
            when session_count = 5 then '5'
            when session_count between 6 and 7 then '6-7'
            when session_count between 8 and 10 then '8-10'
            else '11+'
        end as bin_label,
        count(*) as student_count
    from session_counts
    group by bin_label
)
select bin_label, student_count
from bins
order by
    case bin_label
        when '0' then 0
        when '1' then 1
        when '2' then 2
        when '3' then 3
        when '4' then 4
        when '5' then 5
        when '6-7' then 6
        when '8-10' then 8
        else 11
    end;

create view sketch.engagement_daypart_retention_v as
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
group by daypart;

create view sketch.engagement_dual_risk_students_v as
select distinct
    e.student_id,
    s.full_name,
    s.level,
    case
        when e.days_since_last_checkin >= 180 then '180+ días'
        when e.days_since_last_checkin >= 30 then '30+ días'
        when e.days_since_last_checkin >= 14 then '14+ días'
        when e.days_since_last_checkin >= 7 then '7+ días'
        else 'Baja actividad'
    end as engagement_issue,
    case
        when l.stuck_flag then 'Stalled'
        when l.slow_flag then 'Slow'
        else 'At risk'
    end as learning_issue,
    e.days_since_last_checkin
from sketch.engagement_inactive_roster_v e
join mgmt.learning_at_risk_learners_v l using (student_id)
join public.students s using (student_id)
where e.inactivity_bucket in ('inactive_14d', 'dormant_30d', 'long_term_inactive_180d')
order by e.days_since_last_checkin desc nulls last;
