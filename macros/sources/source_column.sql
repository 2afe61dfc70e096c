{% macro source_column(var_name) -%}
    {{ adapter.quote(var(var_name)) if var(var_name) is not none else 'null' }}
{%- endmacro %}
