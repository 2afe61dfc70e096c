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
    is_same boolean;
    difference text;
    breach text;
{%- endset -%}
{%- set not_ours -%}
    format(
        '%s was left as it is: it belongs to role %s, which role %s is no member of. Change its owner, or deploy as a member.',
        view_name, (select relowner::regrole from pg_class where oid = to_regclass(view_name)), current_user
    )
{%- endset -%}
{{ config.get('sql_header') or '' }}
{% call engagement_panel._block(declarations) %}
        select pg_class.* into existing from pg_class where pg_class.oid = to_regclass(view_name);
        involved := array[existing.oid];

        if existing.relkind <> 'v' then
            raise exception using errcode = refusal, message = format(
                '%s is a relation of another kind (%s), and was left as it is. Rename it, or give the model an alias.',
                view_name, pg_describe_object('pg_class'::regclass, existing.oid, 0)
            );
        end if;

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
            {%- if config.get('contract').enforced %}
            create temporary view contracted as select
                {%- for column in model.columns.values() %}
                null::{{ column.data_type }} as {{ adapter.quote(column.name) }}{{ ',' if not loop.last }}
                {%- endfor %};
            breach := {{ engagement_panel._column_differences(
                "'pg_temp.contracted'::regclass", "'pg_temp.new_definition'::regclass", is_contract=true
            ) | indent(4) }};
            {%- endif %}
            is_same := pg_get_viewdef('pg_temp.new_definition'::regclass) = pg_get_viewdef(existing.oid);
            difference := {{ engagement_panel._column_differences(
                'existing.oid', "'pg_temp.new_definition'::regclass"
            ) | indent(4) }};
            raise exception using errcode = compared;
        exception when sqlstate 'DPCMP' then
            null;
        end;
        if breach is not null then
            raise exception using errcode = refusal, message = format(
                '%s was left as it is: the model does not give the columns of its contract (%s).', view_name, breach
            );
        end if;

        if is_same and difference is null then
            status := 'unchanged';
        else
            {{ engagement_panel._refuse_without_create(relation) | indent(12) }}
            if existing.oid is null then
                execute format('create view %s as %s', view_name, view_sql);
                status := 'created';
            elsif not pg_has_role(existing.relowner, 'usage') then
                raise exception using errcode = refusal, message = {{ not_ours | indent(12) }};
            elsif difference is null then
                execute format(
                    'create or replace view %s %s as %s',
                    view_name, 'with (' || array_to_string(existing.reloptions, ', ') || ')', view_sql
                );
                status := 'replaced';
            elsif {{ should_full_refresh() }} then
                {{ engagement_panel._rebuild_sql(
                    'array[existing.oid]', "format('create view %s as %s', view_name, view_sql)"
                ) | indent(16) }}
                status := 'rebuilt';
            else
                raise exception using errcode = refusal, message = format(
                    '%s was left as it is: its columns would change under its readers (%s).%s To do so, add --full-refresh.',
                    view_name, difference, (
                        select ' Views that stand on it: ' || string_agg(distinct pg_rewrite.ev_class::regclass::text, ', ') || '.'
                        from pg_depend
                        inner join pg_rewrite on pg_depend.objid = pg_rewrite.oid
                        where pg_depend.refobjid = existing.oid and pg_rewrite.ev_class <> existing.oid
                    )
                );
            end if;
        end if;
        begin
            {{ engagement_panel._add_comments_sql() | indent(4) }}
            {{ engagement_panel._add_grants_sql() | indent(4) }}
        exception when insufficient_privilege then
            raise exception using errcode = refusal, message = {{ not_ours | indent(8) }};
        end;
{%- endcall %}
{%- endmacro %}

{#-
    Columns of the first relation that the second has not, or has otherwise, as text; null if there are none. A contract names all
    columns, and no collation.
-#}
{% macro _column_differences(old_oid, new_oid, is_contract=false) -%}
        (
            select string_agg(format('%s -> %s', coalesce(old.description, 'none'), coalesce(new.description, 'none')), ', '
                order by attnum)
            from ({{ engagement_panel._described_columns(old_oid, not is_contract) }}) as old
            full join ({{ engagement_panel._described_columns(new_oid, not is_contract) }}) as new using (attnum)
            where old.description is distinct from new.description
            {%- if not is_contract %} and old.attnum is not null{% endif %}
        )
{%- endmacro %}

{% macro _described_columns(oid, with_collation) -%}
    select
        attnum,
        concat_ws(
            ' ', attname, format_type(atttypid, atttypmod)
            {%- if with_collation %},
            (select 'collate ' || collname from pg_collation where oid = attcollation and collname <> 'default')
            {%- endif %}
        ) as description
    from pg_attribute
    where attrelid = {{ oid }} and attnum > 0
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
            where described.comment <> coalesce(col_description(pg_attribute.attrelid, pg_attribute.attnum), '')
        loop
            execute format('comment on column %s.%I is %L', view_name, item.column_name, item.comment);
        end loop;
    {%- endif %}
{%- endmacro %}
