{% macro engagement_indexes() -%}
    {%- set problems = source_problems().problems -%}
    {%- if problems -%}
        {%- do exceptions.raise_compiler_error('Fix these first:\n  - ' ~ problems | join('\n  - ')) -%}
    {%- endif -%}
    {%- set missing = missing_indexes() -%}
    {%- for index in missing -%}
        {%- do log(
            index.attendance ~ ' has no index on (' ~ index.columns ~ ') for ' ~ views_that_read_by(index.name) | join(', ') ~ '.\n    '
            ~ (index.statement or 'It is not a table: index the tables that it reads. The views cannot see whether that is done.'),
            info=true
        ) -%}
    {%- endfor -%}
    {%- if not missing -%}
        {%- do log('The attendance has both indexes that the views are made for.', info=true) -%}
    {%- endif -%}
{%- endmacro %}

{% macro log_missing_indexes() -%}
    {%- if execute and flags.WHICH in ('run', 'build') and selected_nodes() -%}
        {%- set missing = missing_indexes() -%}
        {%- if missing -%}
            {%- do log(
                missing[0].attendance ~ ' has no index on (' ~ missing | map(attribute='columns') | join(') nor on (')
                ~ '). The views are right without, but slower: see dbt run-operation engagement_indexes --target '
                ~ target.name ~ '.',
                info=true
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- `concurrently` keeps no writer waiting; a partitioned table does not take it. -#}
{% macro missing_indexes() -%}
    {%- set missing = [] -%}
    {%- for index, index_columns in attendance_indexes().items() -%}
        {%- set rows = run_query(
            "select attendance, columns, case relkind"
            ~ "     when 'r' then format('create index concurrently on %s (%s);', attendance, columns)"
            ~ "     when 'm' then format('create index concurrently on %s (%s);', attendance, columns)"
            ~ "     when 'p' then format('create index on %s (%s);', attendance, columns)"
            ~ " end as statement, ("
            ~ "     select min(indexrelid::regclass::text) " ~ indexes_of_attendance(index, are_valid=false)
            ~ " ) as invalid"
            ~ " from pg_class, format('%I.%I', " ~ sql_literal(setting('engagement_attendance_schema'))
            ~ ", " ~ sql_literal(setting('engagement_attendance_table')) ~ ") as attendance, ("
            ~ "     select string_agg(quote_ident(name), ', ') as columns"
            ~ "     from unnest(" ~ sql_text_array(index_columns) ~ ") as name"
            ~ " ) as quoted"
            ~ " where oid = attendance::regclass and not " ~ attendance_has_index(index)
        ) -%}
        {%- for row in rows -%}
            {%- do missing.append(dict(row.dict(), name=index)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(missing) }}
{%- endmacro %}

{#- By their `meta.indexes`. -#}
{% macro views_that_read_by(index) -%}
    {%- set views = [] -%}
    {%- for node in graph.nodes.values() if node.package_name == 'engagement_panel' and node.config.meta.get('for_readers') -%}
        {%- if 'indexes' not in node.config.meta -%}
            {%- do exceptions.raise_compiler_error(node.name ~ ': config.meta has no indexes. Add it to its yml.') -%}
        {%- endif -%}
        {%- if index in node.config.meta.indexes -%}
            {%- do views.append(node.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(views | sort) }}
{%- endmacro %}
