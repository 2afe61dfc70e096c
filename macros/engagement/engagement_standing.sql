{% macro engagement_standing(sessions, score) -%}
    case
        when {{ sessions }} >= 5 and {{ score }} >= 85 then 'embajador potencial'
        when {{ sessions }} >= 5 and {{ score }} >= 60 then 'high engagement'
        else 'neither'
    end
{%- endmacro %}
