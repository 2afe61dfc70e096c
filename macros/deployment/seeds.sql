{#-
    dbt empties a seed by truncate, which a REPEATABLE READ reader sees as an empty table, and with --full-refresh drops it by cascade.
    Here rows are replaced in one transaction, in which the seed's own data tests must pass before it commits. These two stand in for
    dbt's macros of the same name, and are found only for seeds of this project.
-#}
{% macro create_csv_table(model, agate_table) -%}
    {{ return(engagement_panel._empty_seed(model, agate_table)) }}
{%- endmacro %}

{% macro reset_csv_table(model, full_refresh, old_relation, agate_table) -%}
    {{ return(engagement_panel._empty_seed(model, agate_table)) }}
{%- endmacro %}

{% macro _empty_seed(model, agate_table) -%}
    {%- set found = agate_table.column_names | map('string') | list -%}
    {%- set described = model.columns | list -%}
    {%- if described and found != described -%}
        {%- do exceptions.raise_compiler_error(
            model.original_file_path ~ ': has the columns ' ~ found | join(', ') ~ '; its description has '
            ~ described | join(', ') ~ '. The rows were left as they are.'
        ) -%}
    {%- endif -%}
    {%- set table = this.include(database=false).render() -%}
    {%- set block -%}
        {%- call engagement_panel._block() -%}
            {{ engagement_panel._refuse_without_create(this) | indent(12) }}
            create table if not exists {{ table }} (
                {%- for column in found %}
                {{ adapter.quote_seed_column(column, model.config.get('quote_columns')) }}
                {{ model.config.get('column_types', {}).get(column) or adapter.convert_type(agate_table, loop.index0) }}
                {{- ',' if not loop.last }}
                {%- endfor %}
            );
            involved := array[{{ engagement_panel._literal(table) }}::regclass];
            harmless_modes := '{AccessShareLock, ShareUpdateExclusiveLock}';
            delete from {{ table }};
            status := 'emptied';
        {%- endcall -%}
    {%- endset -%}
    {%- do engagement_panel._attempt(this.render(), block, pre_hooks) -%}
    {{ return('delete from ' ~ table) }}
{%- endmacro %}

{#- Post-hook, in the transaction that loads the seed. The rules stand once: as the data tests beside the seed. -#}
{% macro refuse_seed_that_fails_its_tests() -%}
    {%- if execute -%}
        {%- for test in graph.nodes.values() if test.resource_type == 'test' and test.attached_node == model.unique_id -%}
            {%- set metadata = test.test_metadata -%}
            {%- set macros = context[metadata.namespace] if metadata.namespace else context -%}
            {%- set arguments = dict(metadata.kwargs, model=this.include(database=false)) -%}
            {%- set failures = run_query(
                'select count(*) from (' ~ macros['test_' ~ metadata.name](**arguments) ~ ') as failures'
            ).columns[0].values()[0] -%}
            {%- if failures -%}
                {%- do exceptions.raise_compiler_error(
                    model.original_file_path ~ ': the rows were left as they are, for the new ones fail ' ~ test.name
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
