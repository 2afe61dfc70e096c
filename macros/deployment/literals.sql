{% macro _literal(text) -%}
    '{{ text | replace("'", "''") }}'
{%- endmacro %}

{% macro _text_array(texts) -%}
    array[{% for text in texts %}{{ engagement_panel._literal(text) }}{{ ', ' if not loop.last }}{% endfor %}]::text[]
{%- endmacro %}
