{% macro postgres__create_schema(relation) -%}
    {%- do check_before_deployment() -%}
    {%- do return(dbt.postgres__create_schema(relation)) -%}
{%- endmacro %}
