with session_counts as (
    select student_id, count(*) as session_count
    from public.student_attendance
    where checkin_time >= now() - interval '30 days'
    group by student_id
),
bins as ( -- one step more than in the requirements: `order by` takes no expression of an output column
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
    end
