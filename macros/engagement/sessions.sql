{#- Past this a check-out was forgotten. It is never more than 20 hours, so a session crosses one midnight at most. -#}
{% macro longest_session() -%}
    interval '{{ setting("engagement_session_longest_hours") }} hours'
{%- endmacro %}

{#- Compared as instants: an infinite check-out has no length. -#}
{% macro session_end(checkin_time, checkout_time) -%}
    case
        when
            {{ checkout_time }} > {{ checkin_time }}
            and {{ checkout_time }} <= {{ checkin_time }} + {{ longest_session() }}
            then least({{ checkout_time }}, {{ panel_now() }})
        else {{ checkin_time }}
    end
{%- endmacro %}

{% macro microseconds(duration) -%}
    coalesce((extract(epoch from {{ duration }}) * 1000000)::bigint, 0)
{%- endmacro %}

{% macro attended_microseconds(since, until) -%}
    {%- set attended -%}
    sum(least(ended_at, {{ until }}) - greatest(checkin_time, {{ since }}))
        filter (where ended_at > {{ since }} and checkin_time < {{ until }})
    {%- endset -%}
    {{ microseconds(attended) }}
{%- endmacro %}

{% macro shown_minutes(microseconds, decimals=0) -%}
    round({{ microseconds }} / 60000000.0, {{ decimals }})
{%- endmacro %}
