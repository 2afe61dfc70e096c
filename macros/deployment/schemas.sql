{#- dbt makes schemas before any hook runs: hence the check here. Two runs must not make one schema at the same time. -#}
{% macro postgres__create_schema(relation) -%}
    {%- do check_before_deployment() -%}
    {%- do tell_of_other_deployment() -%}
    {%- call statement('create_schema') -%}
        select {{ deployment_turn() }};
        create schema if not exists {{ relation.without_identifier().include(database=false) }}
    {%- endcall -%}
{%- endmacro %}
