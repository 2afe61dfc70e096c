{#- Roles that read the models marked `meta: {for_readers: true}`. In place of dbt's grants, which revoke what they do not list. -#}
{% macro deployment_readers() -%}
    {%- set readers = var('deployment_readers', []) -%}
    {{ return(readers if readers is sequence and readers is not string else []) }}
{%- endmacro %}

{% macro unknown_readers() -%}
    {%- set problems = [] -%}
    {%- for row in run_query(
        'select reader from unnest(' ~ sql_text_array(deployment_readers()) ~ ') as reader'
        ~ ' where not exists (select from pg_roles where rolname = reader)'
    ) -%}
        {%- do problems.append('There is no role "' ~ row.reader ~ '". Create it, or set deployment_readers.') -%}
    {%- endfor -%}
    {{ return(problems) }}
{%- endmacro %}

{#- Only what is missing, and in turn: two that grant on one schema at the same time make each other fail. -#}
{% macro grant_usage_to_readers() -%}
    {%- if execute and flags.WHICH in ('run', 'build') -%}
        {%- do tell_of_other_deployment() -%}
        {%- set schemas = [] -%}
        {%- for unique_id in selected_resources if graph.nodes.get(unique_id, {}).get('config', {}).get('meta', {}).get('for_readers') -%}
            {%- do schemas.append(graph.nodes[unique_id].schema) -%}
        {%- endfor -%}
do $grants$
declare
    item record;
begin
    perform {{ deployment_turn() }};
    for item in
        select pg_namespace.nspname, reader
        from pg_namespace, unnest({{ sql_text_array(deployment_readers()) }}) as reader
        where
            pg_namespace.nspname = any({{ sql_text_array(schemas | unique) }})
            and not has_schema_privilege(reader, pg_namespace.nspname, 'usage')
    loop
        execute format('grant usage on schema %I to %I', item.nspname, item.reader);
    end loop;
end
$grants$
    {%- endif -%}
{%- endmacro %}
