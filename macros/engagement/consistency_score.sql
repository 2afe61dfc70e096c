{#-
    100 * sessions / target * 1 / (1 + days / 7), written as one division of seconds, so that no intermediate
    rounding decides a tie. `least` ignores nulls, hence the case.
-#}
{% macro consistency_score(sessions, last_checkin_time) -%}
    {%- set week = 7 * 86400 -%}
    case
        when {{ last_checkin_time }} is not null then round(
            least(
                100,
                100.0 * {{ sessions }} * {{ week }}
                / ({{ setting('engagement_consistency_sessions_target') }} * ({{ week }} + {{ elapsed_seconds(last_checkin_time) }}))
            ),
            2
        )
    end
{%- endmacro %}
