{#-
    What the preview (engagement_panel/preview.py) has to know: what a deployment would complain of before it changes anything, and of
    each model and seed its place, what it reads, the key of its rows and the query that decides what a deployment does.
    These queries run when every model and seed is a temporary relation of its own name.
-#}
{% macro deployment_preview() -%}
    {%- if not execute -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set keys = {} -%}
    {%- for test in graph.nodes.values() if test.resource_type == 'test' and test.attached_node -%}
        {%- set metadata = test.test_metadata -%}
        {%- if metadata.name == 'unique_combination_of_columns' -%}
            {%- do keys.update({test.attached_node: metadata.kwargs.combination_of_columns}) -%}
        {%- elif metadata.name == 'unique' and test.attached_node not in keys -%}
            {%- do keys.update({test.attached_node: [metadata.kwargs.column_name]}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set relations = [] -%}
    {%- for node in engagement_panel._relations() -%}
        {%- do relations.append({
            'id': node.unique_id,
            'schema': node.schema,
            'name': node.alias,
            'parents': node.depends_on.get('nodes', []),
            'is_for_readers': node.config.meta.get('for_readers', false),
            'key': keys.get(node.unique_id, []),
            'decision': engagement_panel._decision_on_seed(node) if node.resource_type == 'seed'
                else engagement_panel._decision_on_temporary_view(node),
            'is_seed': node.resource_type == 'seed',
            'file': node.original_file_path,
            'columns': node.columns | list,
            'column_types': node.config.get('column_types', {}),
            'delimiter': node.config.get('delimiter'),
        }) -%}
    {%- endfor -%}
    {{ return({
        'database': target.database,
        'problems': engagement_panel._deployment_problems(with_warnings=false),
        'relations': relations,
    }) }}
{%- endmacro %}

{% macro _relations() -%}
    {%- set relations = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type in ('model', 'seed') and node.config.materialized != 'ephemeral' -%}
        {%- do relations.append(node) -%}
    {%- endfor -%}
    {{ return(relations) }}
{%- endmacro %}

{% macro _decision_on_temporary_view(node) -%}
drop view if exists pg_temp.contracted;
{{ engagement_panel._create_contracted_view(node) }}
{{ engagement_panel._decision_sql(
    api.Relation.create(schema=node.schema, identifier=node.alias),
    engagement_panel._literal('pg_temp.' ~ adapter.quote(node.alias)) ~ '::regclass',
    engagement_panel._plain_definition('new.oid') ~ ' = ' ~ engagement_panel._plain_definition('deployed.oid'),
    node
) }}
{%- endmacro %}

{% macro _decision_on_seed(node) -%}
{%- set relation = api.Relation.create(schema=node.schema, identifier=node.alias) -%}
select
    case
        when obstacle is not null then 'refused'
        when to_regclass({{ engagement_panel._literal(relation.render()) }}) is null then 'created'
        else 'replaced'
    end as action,
    obstacle as reason
from (select {{ engagement_panel._obstacle_to_creating(relation) }} as obstacle) as found
{%- endmacro %}

{#- Without the schemas of models and seeds: one version reads the temporary relations, the other the deployed ones. -#}
{% macro _plain_definition(oid) -%}
    {%- set definition = namespace(sql='pg_get_viewdef(' ~ oid ~ ')') -%}
    {%- for node in engagement_panel._relations() -%}
        {%- set name = 'quote_ident(' ~ engagement_panel._literal(node.alias) ~ ')' -%}
        {%- for schema in ['pg_my_temp_schema()::regnamespace', "'pg_temp'", 'quote_ident(' ~ engagement_panel._literal(node.schema) ~ ')'] -%}
            {%- set definition.sql = 'replace(' ~ definition.sql ~ ', ' ~ schema ~ " || '.' || " ~ name ~ ', ' ~ name ~ ')' -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(definition.sql) }}
{%- endmacro %}
