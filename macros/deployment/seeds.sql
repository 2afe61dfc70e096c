{#-
    dbt empties a seed by truncate, which a reader of a REPEATABLE READ transaction sees as no rows, and on --full-refresh drops
    it by cascade. Here rows are replaced in one transaction, in which the seed's own data tests must pass before it commits.
-#}
{% macro postgres__create_csv_table(model, agate_table) -%}
    {{ return(empty_seed(model, agate_table)) }}
{%- endmacro %}

{% macro postgres__reset_csv_table(model, full_refresh, old_relation, agate_table) -%}
    {{ return(empty_seed(model, agate_table)) }}
{%- endmacro %}

{% macro empty_seed(model, agate_table) -%}
    {%- set found = agate_table.column_names | map('string') | list -%}
    {%- set declared = model.columns | list -%}
    {%- if found != declared -%}
        {%- do exceptions.raise_compiler_error(
            model.original_file_path ~ ': has the columns ' ~ found | join(', ') ~ '; its description has '
            ~ declared | join(', ') ~ '. The rows were left as they are.'
        ) -%}
    {%- endif -%}
    {%- set table = this.include(database=false).render() -%}
    {%- set block -%}
        {%- call deployment_block() -%}
            {{ refuse_without_create(this) | indent(12) }}
            create table if not exists {{ table }} (
                {%- for column in found %}
                {{ adapter.quote_seed_column(column, model.config.quote_columns) }} {{ model.config.column_types[column] }}
                {{- ',' if not loop.last }}
                {%- endfor %}
            );
            involved := array[{{ sql_literal(table) }}::regclass];
            harmless_modes := '{AccessShareLock, ShareUpdateExclusiveLock}';
            delete from {{ table }};
            status := 'emptied';
        {%- endcall -%}
    {%- endset -%}
    {%- do attempt_deployment(this.render(), block) -%}
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
