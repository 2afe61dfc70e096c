{#- Longest absence first: the first threshold that is reached decides. -#}
{% macro inactivity_buckets() -%}
    {{ return([
        {'days': 180, 'bucket': 'long_term_inactive_180d', 'issue': '180+ días'},
        {'days': 30, 'bucket': 'dormant_30d', 'issue': '30+ días'},
        {'days': 14, 'bucket': 'inactive_14d', 'issue': '14+ días'},
        {'days': 7, 'bucket': 'inactive_7d', 'issue': '7+ días'},
        {'days': none, 'bucket': 'active_recent', 'issue': 'Baja actividad'},
    ]) }}
{%- endmacro %}

{% macro _by_inactivity(last_checkin_time, attribute) -%}
    case
    {%- for bucket in inactivity_buckets() if bucket.days is not none %}
        when {{ last_checkin_time }} <= {{ days_ago(bucket.days) }} then '{{ bucket[attribute] }}'
    {%- endfor %}
        else '{{ inactivity_buckets()[-1][attribute] }}'
    end
{%- endmacro %}

{% macro inactivity_bucket(last_checkin_time) -%}
    {{ _by_inactivity(last_checkin_time, 'bucket') }}
{%- endmacro %}

{% macro engagement_issue(last_checkin_time) -%}
    {{ _by_inactivity(last_checkin_time, 'issue') }}
{%- endmacro %}
