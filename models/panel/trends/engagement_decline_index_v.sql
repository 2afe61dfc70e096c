with

sessions as (

    select
        student_id,
        checkin_time,
        ended_at
    from {{ ref('int_engagement__sessions') }}
    where checkin_time >= {{ days_ago(14) }} - {{ longest_session() }}

),

weeks as (

    select
        count(distinct student_id) filter (where checkin_time >= {{ days_ago(7) }}) as students_7d,
        count(distinct student_id) filter (
            where checkin_time >= {{ days_ago(14) }} and checkin_time < {{ days_ago(7) }}
        ) as students_prev7d,
        {{ attended_microseconds(days_ago(7), panel_now()) | indent(8) }} as time_7d,
        {{ attended_microseconds(days_ago(14), days_ago(7)) | indent(8) }} as time_prev7d
    from sessions

)

select
    students_7d::integer as active_students_7d,
    students_prev7d::integer as active_students_prev7d,
    {{ change('students_7d', 'students_prev7d', shown='students_prev7d') }} as active_students_wow_change,
    {{ shown_minutes('time_7d') }}::integer as total_minutes_7d,
    {{ shown_minutes('time_prev7d') }}::integer as total_minutes_prev7d,
    {{ change('time_7d', 'time_prev7d', shown=shown_minutes('time_prev7d')) }} as total_minutes_wow_change
from weeks
