{#-
    Brings one view to its new definition and touches no more than it must. The new definition is first made a temporary view: if
    PostgreSQL prints it as it prints the old one, nothing has changed. An error takes the temporary view away again, whoever owns it
    by then.
-#}
{% macro _deploy_view_sql(relation, sql) -%}
{%- set declarations -%}
    compared constant text := 'DPCMP';
    view_name constant text := {{ engagement_panel._literal(relation.include(database=false).render()) }};
    view_sql constant text := {{ engagement_panel._literal(sql) }};
    existing pg_class;
    refused_because text;
{%- endset -%}
{{ config.get('sql_header') or '' }}
{% call engagement_panel._block(declarations) %}
        select pg_class.* into existing from pg_class where pg_class.oid = to_regclass(view_name);
        involved := array[existing.oid];

        {%- if flags.EMPTY or invocation_args_dict.get('sample') %}
        if existing.oid is not null then
            status := 'left as it is, readers would miss rows';
            exit work;
        end if;
        {%- endif %}

        if not has_database_privilege(current_database(), 'temp') then
            raise exception using errcode = refusal, message = format(
                '%s was left as it is: role %s may not make temporary views in database %s. Grant it temp.',
                view_name, current_user, current_database()
            );
        end if;
        begin
            execute 'create temporary view new_definition as ' || view_sql;
            {{ engagement_panel._create_contracted_view(model) | indent(12) }}
            select decision.* into status, refused_because from ({{ engagement_panel._decision_sql(
                relation, "'pg_temp.new_definition'::regclass",
                'pg_get_viewdef(new.oid) = pg_get_viewdef(deployed.oid)', model, should_full_refresh()
            ) | indent(12) }}) as decision;
            raise exception using errcode = compared;
        exception when sqlstate 'DPCMP' then
            null;
        end;

        if status = 'refused' then
            raise exception using errcode = refusal, message = format('%s was left as it is: %s', view_name, refused_because);
        elsif status = 'created' then
            execute format('create view %s as %s', view_name, view_sql);
        elsif status = 'replaced' then
            {{ engagement_panel._keep_definition_sql('existing.oid') | indent(12) }}
            execute format(
                'create or replace view %s %s as %s',
                view_name, 'with (' || array_to_string(existing.reloptions, ', ') || ')', view_sql
            );
        {%- if should_full_refresh() %}
        elsif status = 'rebuilt' then
            {{ engagement_panel._keep_definition_sql('existing.oid') | indent(12) }}
            {{ engagement_panel._rebuild_sql(
                'array[existing.oid]', "format('create view %s as %s', view_name, view_sql)"
            ) | indent(12) }}
        {%- endif %}
        end if;
        begin
            {{ engagement_panel._add_comments_sql() | indent(4) }}
            {{ engagement_panel._add_grants_sql() | indent(4) }}
        exception when insufficient_privilege then
            raise exception using errcode = refusal, message = format(
                '%s was left as it is: %s', view_name, {{ engagement_panel._not_ours('to_regclass(view_name)') }}
            );
        end;
{%- endcall %}
{%- endmacro %}

{#- The comments that the model describes and the view lacks. -#}
{% macro _add_comments_sql() -%}
    {%- if config.persist_relation_docs() and model.description -%}
        if obj_description(view_name::regclass, 'pg_class') is distinct from {{ engagement_panel._literal(model.description) }} then
            execute format('comment on view %s is %L', view_name, {{ engagement_panel._literal(model.description) }});
        end if;
    {%- endif -%}
    {%- if config.persist_column_docs() and model.columns %}
        for item in
            select
                pg_attribute.attname as column_name,
                described.comment
            from (values
                {%- for column in model.columns.values() %}
                ({{ engagement_panel._literal(column.name) }}, {{ engagement_panel._literal(column.description) }}){{ ',' if not loop.last }}
                {%- endfor %}
            ) as described (column_name, comment)
            inner join pg_attribute
                on
                    described.column_name = pg_attribute.attname
                    and pg_attribute.attrelid = view_name::regclass
            where
                described.comment <> ''
                and described.comment <> coalesce(col_description(pg_attribute.attrelid, pg_attribute.attnum), '')
        loop
            execute format('comment on column %s.%I is %L', view_name, item.column_name, item.comment);
        end loop;
    {%- endif %}
{%- endmacro %}
