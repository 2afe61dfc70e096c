{%- set checkin_time = source_column('engagement_attendance_checkin_time_column') -%}
{%- set has_checkouts = setting('engagement_attendance_checkout_time_column') is not none -%}

select
    {{ source_column('engagement_attendance_student_id_column') }} as student_id,
    {{ checkin_time }} as checkin_time,
    case
        when (
            {{ setting('engagement_attendance_checkout_condition') if has_checkouts else false }}
        ) then {{ source_column('engagement_attendance_checkout_time_column') }}::timestamptz
    end as checkout_time
from {{ source('engagement_attendance', 'attendance') }}
where
    (
        {{ setting('engagement_attendance_condition') }}
    )
    and {{ checkin_time }} <= {{ panel_now() }}
    -- no time has elapsed since minus infinity: arithmetic on it fails
    and {{ checkin_time }} > '-infinity'
