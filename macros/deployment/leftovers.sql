{#-
    A view whose model was removed stays, because someone may read it, and is named. Only a view that reads a relation of this project can
    be left over; in a schema of readers or the target's own, where others' views stand too, it must be a relation of another schema.
-#}
{% macro log_leftover_views() -%}
    {%- if execute and flags.WHICH in ('run', 'build') and engagement_panel.selected_nodes() -%}
        {%- set made, ours, shared_schemas = [], [], [target.schema] -%}
        {%- for node in graph.nodes.values() if node.resource_type in ('model', 'seed', 'snapshot') -%}
            {%- do (ours if node.package_name == 'engagement_panel' else made).append(node) -%}
            {%- do shared_schemas.append(node.schema) if node.config.get('meta', {}).get('for_readers') -%}
        {%- endfor -%}
        {%- for row in run_query(
            "select format('%I.%I', nspname, relname) as name"
            ~ ' from pg_class inner join pg_namespace on relnamespace = pg_namespace.oid'
            ~ " where relkind = 'v'"
            ~ ' and nspname = any(' ~ engagement_panel._text_array(ours | map(attribute='schema') | unique) ~ ')'
            ~ " and nspname || '.' || relname <> all(" ~ engagement_panel._names(made + ours) ~ ')'
            ~ ' and relname <> all(' ~ engagement_panel._text_array(engagement_panel.disabled_views().names) ~ ')'
            ~ ' and exists ('
            ~ '     select from pg_rewrite'
            ~ '     inner join pg_depend on pg_rewrite.oid = pg_depend.objid'
            ~ '     inner join pg_class as read on pg_depend.refobjid = read.oid'
            ~ '     inner join pg_namespace as place on read.relnamespace = place.oid'
            ~ '     where pg_rewrite.ev_class = pg_class.oid and read.oid <> pg_class.oid'
            ~ '     and (pg_namespace.nspname <> all(' ~ engagement_panel._text_array(shared_schemas | unique) ~ ') or read.relnamespace <> pg_class.relnamespace)'
            ~ "     and place.nspname || '.' || read.relname = any(" ~ engagement_panel._names(ours) ~ ')'
            ~ ' ) order by 1'
        ) -%}
            {%- do log('No model gives ' ~ row.name ~ ' any more. If nobody reads it: drop view ' ~ row.name ~ ';', info=true) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro _names(nodes) -%}
    {%- set names = [] -%}
    {%- for node in nodes -%}
        {%- do names.append(node.schema ~ '.' ~ node.alias) -%}
    {%- endfor -%}
    {{ engagement_panel._text_array(names) }}
{%- endmacro %}
