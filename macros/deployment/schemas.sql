{#- dbt makes schemas before any hook runs: hence the check here. Two runs must not make one schema at the same time. -#}
{% macro postgres__create_schema(relation) -%}
    {%- do check_before_deployment() -%}
    {%- do tell_of_other_deployment() -%}
    {%- call statement('create_schema') -%}
        select {{ deployment_turn() }};
        create schema if not exists {{ relation.without_identifier().include(database=false) }}
    {%- endcall -%}
{%- endmacro %}

{% macro refuse_without_create(relation) -%}
if not has_schema_privilege({{ sql_literal(relation.schema) }}, 'create') then
    raise exception using errcode = refusal, message = format(
        '%s was left as it is: role %s may not create in schema %s. Grant it create.',
        {{ sql_literal(relation.include(database=false).render()) }}, current_user, {{ sql_literal(relation.schema) }}
    );
end if;
{%- endmacro %}
