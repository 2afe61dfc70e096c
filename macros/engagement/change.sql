{% macro change(this, previous, shown) -%}
    case when {{ shown }} <> 0 then round({{ this }}::numeric / {{ previous }} - 1, 4) end
{%- endmacro %}
