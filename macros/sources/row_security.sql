{#-
    The relations behind the sources, and as whom they are read. A source may be a view, whose relations are read as the view's owner. If
    it is a `security_invoker`, they are read as whoever reads the panel, though the panel's own views are none.
-#}
{% macro _readings_cte() -%}
    readings as (

        select
            pg_class.oid as relation_oid,
            (select pg_roles.oid from pg_roles where pg_roles.rolname = current_user) as reader,
            null::oid as invoker
        from (
            values
            {%- for source in expected_sources() %}
            ({{ sql_literal(source.schema) }}, {{ sql_literal(source.table) }}){{ ',' if not loop.last }}
            {%- endfor %}
        ) as sources (schema_name, relation_name)
        inner join pg_namespace on sources.schema_name = pg_namespace.nspname
        inner join pg_class
            on
                pg_namespace.oid = pg_class.relnamespace
                and sources.relation_name = pg_class.relname

        union

        select
            pg_depend.refobjid as relation_oid,
            pg_roles.oid as reader,
            case when options.is_invoker then pg_class.oid end as invoker
        from readings
        inner join pg_class
            on
                readings.relation_oid = pg_class.oid
                and pg_class.relkind = 'v'
        cross join lateral (
            select coalesce(pg_class.reloptions::text ~* 'security_invoker=(true|on|yes|1)', false) as is_invoker
        ) as options
        inner join pg_roles
            on case
                when options.is_invoker then
                    pg_roles.oid = readings.reader
                    or {{ sql_literal(tojson(setting('deployment_readers'))) }}::jsonb ? pg_roles.rolname::text
                else pg_roles.oid = pg_class.relowner
            end
        inner join pg_rewrite on pg_class.oid = pg_rewrite.ev_class
        inner join pg_depend
            on
                pg_rewrite.oid = pg_depend.objid
                and pg_depend.classid = 'pg_rewrite'::regclass
                and pg_depend.refclassid = 'pg_class'::regclass
                and pg_depend.refobjid <> pg_class.oid

    )
{%- endmacro %}

{#- One line for each relation behind a security_invoker that a reader of the panel may not read. Each read of the panel would fail. -#}
{% macro unreadable_sql() -%}
    with recursive {{ _readings_cte() }}

    select format(
        '%1$s: role %2$s may not read it, as whoever reads the panel must, because %3$s is a security_invoker. Grant it select, or run:'
        ' alter view %3$s reset (security_invoker);',
        readings.relation_oid::regclass, pg_roles.rolname, readings.invoker::regclass
    ) as finding
    from readings
    inner join pg_roles on readings.reader = pg_roles.oid
    where
        readings.invoker is not null
        and not has_any_column_privilege(readings.reader, readings.relation_oid, 'select')
{%- endmacro %}

{#- Row-level security raises no error: it shows fewer rows. One row for each table behind a source from which rows may be hidden. -#}
{% macro row_security_sql() -%}
    with recursive {{ _readings_cte() }},

    secured as (

        select distinct
            pg_class.oid::regclass::text as relation_name,
            pg_roles.rolname,
            policies.names,
            policies.shows_nothing
        from readings
        inner join pg_class on readings.relation_oid = pg_class.oid
        inner join pg_roles on readings.reader = pg_roles.oid
        cross join lateral (
            select
                string_agg(quote_ident(polname), ', ' order by polname) as names,
                count(*) filter (where polpermissive) = 0 as shows_nothing,
                coalesce(bool_or(pg_get_expr(polqual, polrelid) = 'true') filter (where polpermissive), false)
                and count(*) filter (where not polpermissive) = 0 as shows_all
            from pg_policy
            where
                polrelid = pg_class.oid
                and polcmd in ('r', '*')
                and exists (
                    select from unnest(polroles) as role_oid
                    where role_oid = 0 or pg_has_role(pg_roles.oid, role_oid, 'usage')
                )
        ) as policies
        where
            pg_class.relrowsecurity
            and not pg_roles.rolsuper
            and not pg_roles.rolbypassrls
            and (pg_class.relforcerowsecurity or not pg_has_role(pg_roles.oid, pg_class.relowner, 'usage'))
            and not policies.shows_all

    )

    select
        relation_name,
        rolname as role_name,
        shows_nothing,
        case
            when shows_nothing then format(
                '%s: row-level security hides every row from role %s. Let the owner of the table run:'
                ' create policy engagement_panel on %s for select to %I using (true);',
                relation_name, rolname, relation_name, rolname
            )
            else format(
                '%s: row-level security may hide rows from role %s (policies: %s). The panel counts only the rows that they show.',
                relation_name, rolname, names
            )
        end as finding
    from secured
{%- endmacro %}
