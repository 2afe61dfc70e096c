{%- set checkin_time = source_column('engagement_attendance_checkin_time_column') -%}
{%- set checkout_time = source_column('engagement_attendance_checkout_time_column') ~ '::timestamptz' -%}

select
    {{ source_column('engagement_attendance_student_id_column') }} as student_id,
    {{ checkin_time }} as checkin_time,
    {% if var('engagement_attendance_checkout_time_column') is none -%}
    {{ checkout_time }} as checkout_time
    {%- else -%}
    case when (
        {{ var('engagement_attendance_checkout_condition') }}
    ) then {{ checkout_time }} end as checkout_time
    {%- endif %}
from {{ source('engagement_attendance', 'attendance') }}
where
    (
        {{ var('engagement_attendance_condition') }}
    )
    and {{ checkin_time }} <= {{ panel_now() }}
    -- no time has elapsed since minus infinity: arithmetic on it fails
    and {{ checkin_time }} > '-infinity'
