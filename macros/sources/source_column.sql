{% macro source_column(var_name) -%}
    {%- if not execute -%}
        {%- do check_names() -%}
    {%- endif -%}
    {{ quoted(setting(var_name)) if setting(var_name) is not none else 'null' }}
{%- endmacro %}

{#- `adapter.quote` takes a quotation mark in the name for its end. -#}
{% macro quoted(name) -%}
    {{ adapter.quote(name | replace('"', '""')) }}
{%- endmacro %}
