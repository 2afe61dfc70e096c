{% macro engagement_standing(sessions, score) -%}
    case
        when {{ sessions }} < {{ setting('engagement_high_from_sessions') }} then 'neither'
        when {{ score }} >= {{ setting('engagement_ambassador_from_score') }} then 'embajador potencial'
        when {{ score }} >= {{ setting('engagement_high_from_score') }} then 'high engagement'
        else 'neither'
    end
{%- endmacro %}
