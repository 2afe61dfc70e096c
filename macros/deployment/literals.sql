{% macro _literal(text) -%}
    '{{ dbt.escape_single_quotes(text) }}'
{%- endmacro %}

{% macro _text_array(texts) -%}
    array[{% for text in texts %}{{ engagement_panel._literal(text) }}{{ ', ' if not loop.last }}{% endfor %}]::text[]
{%- endmacro %}
