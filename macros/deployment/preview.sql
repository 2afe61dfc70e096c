{#-
    What the preview asks of the deployment: why it would change nothing at all, and for each model a query that says what it would do
    with it. The queries run where every model and seed is a temporary relation of the same name.
-#}
{% macro deployment_preview() -%}
    {%- if not execute -%}
        {{ return({}) }}
    {%- endif -%}
    {%- set decisions = {} -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
        {%- do decisions.update({node.unique_id: decision_on_temporary_view(node)}) -%}
    {%- endfor -%}
    {{ return({
        'problems': var_problems() + source_problems().problems + unknown_readers() + lock_wait_problems(),
        'decisions': decisions,
    }) }}
{%- endmacro %}

{% macro decision_on_temporary_view(node) -%}
{%- set relation = api.Relation.create(schema=node.schema, identifier=node.alias) -%}
{%- set new = sql_literal('pg_temp.' ~ adapter.quote(node.alias)) ~ '::regclass' -%}
{{ contracted_view(node) }}
{{ view_decision(
    relation, new, is_same=definition_without_schemas(new) ~ ' = ' ~ definition_without_schemas('existing.oid'),
    has_contract=node.config.contract.enforced
) }}
{%- endmacro %}

{#- A definition reads the temporary relations, the other the deployed ones: the same, if they read the same from them. -#}
{% macro definition_without_schemas(oid) -%}
    {%- set schemas = ['pg_my_temp_schema()::regnamespace::text', "'pg_temp'"] -%}
    {%- set definition = namespace(sql='pg_get_viewdef(' ~ oid ~ ')') -%}
    {%- for node in graph.nodes.values() if node.resource_type in ('model', 'seed') -%}
        {%- for schema in schemas + ["quote_ident(" ~ sql_literal(node.schema) ~ ')'] -%}
            {%- set name = 'quote_ident(' ~ sql_literal(node.alias) ~ ')' -%}
            {%- set definition.sql = 'replace(' ~ definition.sql ~ ', ' ~ schema ~ " || '.' || " ~ name ~ ', ' ~ name ~ ')' -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(definition.sql) }}
{%- endmacro %}

{% macro contracted_view(node) -%}
drop view if exists pg_temp.contracted;
create temporary view contracted as select
    {%- for column in node.columns.values() %}
    null::{{ column.data_type or 'text' }} as {{ adapter.quote(column.name) }}{{ ',' if not loop.last }}
    {%- endfor %};
{%- endmacro %}

{% macro view_decision(relation, new, is_same, has_contract) -%}
{%- set view_name = sql_literal(relation.include(database=false).render()) -%}
{%- set schema = sql_literal(relation.schema) -%}
with compared as (
    select
        existing.oid,
        existing.relkind,
        existing.relowner,
        {{ is_same }} as is_same,
        {{ column_differences('existing.oid', new) }} as difference,
        {{ column_differences("'pg_temp.contracted'::regclass", new, is_contract=true) if has_contract else 'null' }} as breach
    from (select) as always
    left join pg_class as existing on existing.oid = to_regclass({{ view_name }})
),

decided as (
    select
        case
            when relkind <> 'v' then format(
                '%s is a relation of another kind (%s), and was left as it is. Rename it, or give the model an alias.',
                {{ view_name }}, pg_describe_object('pg_class'::regclass, oid, 0)
            )
            when breach is not null then format('the model does not give the columns of its contract (%s).', breach)
            when is_same and difference is null then null
            when to_regnamespace(quote_ident({{ schema }})) is null and not has_database_privilege(current_database(), 'create')
            then 'no create on database'
            when not has_schema_privilege(to_regnamespace(quote_ident({{ schema }}))::oid, 'create') then format(
                'role %s may not create in schema %s. Grant it create.', current_user, {{ schema }}
            )
            when not pg_has_role(relowner, 'usage') then 'not ours'
            when difference is not null then format('its columns would change under its readers (%s).', difference)
        end as refusal,
        case
            when oid is null then 'created'
            when is_same and difference is null then 'unchanged'
            else 'replaced'
        end as action
    from compared
)

select
    case when refusal is null then action else 'refused' end as action,
    coalesce(refusal, '') as reason
from decided
{%- endmacro %}
