{% macro panel_now() -%}
    now()
{%- endmacro %}

{#- Hours: what an interval of days comes to depends on the session's time zone where the clocks change. -#}
{% macro interval_of_days(number) -%}
    interval '{{ number * 24 }} hours'
{%- endmacro %}

{% macro days_ago(number) -%}
    ({{ panel_now() }} - {{ interval_of_days(number) }})
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
    ({{ instant }} at time zone '{{ setting("engagement_timezone") }}')
{%- endmacro %}

{% macro local_date(instant) -%}
    {{ local_time(instant) }}::date
{%- endmacro %}

{% macro instant_of(local_time) -%}
    ({{ local_time }} at time zone '{{ setting("engagement_timezone") }}')
{%- endmacro %}
