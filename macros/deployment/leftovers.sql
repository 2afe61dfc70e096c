{#-
    A view whose model was removed stays, for somebody may read it, and is told of. In the target's own schema, which is shared with
    the school's views, only those count as left over that read a relation of this project.
-#}
{% macro tell_of_leftover_views() -%}
    {%- if execute and flags.WHICH in ('run', 'build') -%}
        {%- set schemas, names = [], [] -%}
        {%- for node in graph.nodes.values() if node.resource_type in ('model', 'seed') and node.package_name == project_name -%}
            {%- do schemas.append(node.schema) -%}
            {%- do names.append(node.schema ~ '.' ~ node.alias) -%}
        {%- endfor -%}
        {%- for row in run_query(
            "select format('%I.%I', nspname, relname) as name"
            ~ ' from pg_class inner join pg_namespace on relnamespace = pg_namespace.oid'
            ~ " where relkind = 'v' and nspname = any(" ~ sql_text_array(schemas | unique) ~ ')'
            ~ " and nspname || '.' || relname <> all(" ~ sql_text_array(names) ~ ')'
            ~ ' and (nspname <> ' ~ sql_literal(target.schema) ~ ' or exists ('
            ~ '     select from pg_rewrite'
            ~ '     inner join pg_depend on pg_rewrite.oid = pg_depend.objid'
            ~ '     inner join pg_class as read on pg_depend.refobjid = read.oid'
            ~ '     where pg_rewrite.ev_class = pg_class.oid and read.relnamespace <> pg_class.relnamespace'
            ~ "     and read.relnamespace::regnamespace || '.' || read.relname = any(" ~ sql_text_array(names) ~ ')'
            ~ ' )) order by 1'
        ) -%}
            {%- do log('No model gives ' ~ row.name ~ ' any more. If nobody reads it: drop view ' ~ row.name ~ ';', info=true) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
