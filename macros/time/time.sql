{% macro panel_now() -%}
    now()
{%- endmacro %}

{#- Hours, not days: an interval of days depends on the session's time zone where the clocks change. -#}
{% macro days_ago(days) -%}
    ({{ panel_now() }} - interval '{{ days * 24 }} hours')
{%- endmacro %}

{% macro elapsed_seconds(since, until=none) -%}
    extract(epoch from {{ until or panel_now() }} - {{ since }})
{%- endmacro %}

{% macro elapsed_days(since, until=none) -%}
    ({{ elapsed_seconds(since, until) }} / 86400)
{%- endmacro %}

{#- Truncated: 6.999 days must not read 7.00 beside a bucket that says otherwise. -#}
{% macro days_since(instant) -%}
    trunc({{ elapsed_days(instant) }}, 2)
{%- endmacro %}

{% macro local_time(instant) -%}
    ({{ instant }} at time zone '{{ var("engagement_timezone") }}')
{%- endmacro %}

{% macro local_date(instant) -%}
    {{ local_time(instant) }}::date
{%- endmacro %}

{% macro local_hour(instant) -%}
    extract(hour from {{ local_time(instant) }})
{%- endmacro %}
