{% macro sql_literal(text) -%}
    '{{ text | replace("'", "''") }}'
{%- endmacro %}

{% macro sql_text_array(texts) -%}
    array[{% for text in texts %}{{ sql_literal(text) }}{{ ', ' if not loop.last }}{% endfor %}]::text[]
{%- endmacro %}
