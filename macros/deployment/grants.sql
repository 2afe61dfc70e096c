{#-
    Who may read: roles of the var for models marked `meta: {for_readers: true}`, and whatever dbt's `grants` list. Both only add:
    dbt's own revokes what it does not list. PostgreSQL only warns of a grant that grants nothing: hence the second look.
-#}
{% macro _readers() -%}
    {%- set readers = var('deployment_readers', []) -%}
    {{ return(readers if readers is sequence and readers is not string else []) }}
{%- endmacro %}

{% macro _reader_problems() -%}
    {%- set readers, problems = var('deployment_readers', []), [] -%}
    {%- if readers is not sequence or readers is string -%}
        {%- do problems.append(
            'deployment_readers: is ' ~ tojson(readers) ~ ', must be a list of names, for instance [one, another].'
        ) -%}
    {%- endif -%}
    {%- for row in run_query(
        'select reader from unnest(' ~ engagement_panel._text_array(engagement_panel._readers()) ~ ') as reader'
        ~ ' where not exists (select from pg_roles where rolname = reader)'
    ) -%}
        {%- do problems.append('There is no role "' ~ row.reader ~ '". Create it, or set deployment_readers.') -%}
    {%- endfor -%}
    {{ return(problems) }}
{%- endmacro %}

{#- A grantee of dbt's `grants` is a role's name, or SQL for it: dbt does not quote. -#}
{% macro _add_grants_sql() -%}
    {%- set listed = [] -%}
    {%- for reader in engagement_panel._readers() if config.get('meta', {}).get('for_readers') -%}
        {%- do listed.append(('select', reader)) -%}
    {%- endfor -%}
    {%- for privilege, grantees in (config.get('grants') or {}).items() -%}
        {%- for grantee in ([grantees] if grantees is string else grantees) -%}
            {%- do listed.append((privilege, grantee)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if listed %}
        for item in
            select privilege, grantee, coalesce(role.name, 'public') as role
            from (values
                {%- for privilege, grantee in listed %}
                ({{ engagement_panel._literal(privilege) }}, {{ engagement_panel._literal(grantee) }}){{ ',' if not loop.last }}
                {%- endfor %}
            ) as listed (privilege, grantee)
            left join lateral (
                select rolname as name
                from pg_roles
                where listed.grantee in (rolname, quote_ident(rolname)) or lower(listed.grantee) = rolname
                order by rolname <> listed.grantee
                limit 1
            ) as role on true
        loop
            if item.role = 'public' and lower(item.grantee) <> 'public' then
                raise exception using errcode = refusal, message = format(
                    '%s was left as it is: its grants name a role that does not exist (%s). Create it, or take it out.',
                    view_name, item.grantee
                );
            end if;
            if not has_table_privilege(item.role, view_name, item.privilege) then
                execute format(
                    'grant %s on %s to %s', item.privilege, view_name,
                    case item.role when 'public' then item.role else quote_ident(item.role) end
                );
            end if;
            if not has_table_privilege(item.role, view_name, item.privilege) then
                raise exception using errcode = refusal, message = format(
                    '%1$s was left as it is: role %2$s may not %3$s, and role %4$s may not grant it. Let role %5$s run:'
                    ' grant %3$s on %1$s to %2$I;',
                    view_name, item.role, item.privilege, current_user, (
                        select relowner::regrole from pg_class where oid = view_name::regclass
                    )
                );
            end if;
        end loop;
    {%- endif -%}
{%- endmacro %}

{#- Only what is missing, and in turn: two that grant on one schema at the same time make each other fail. -#}
{% macro grant_usage_to_readers() -%}
    {%- set schemas = [] -%}
    {%- if execute and flags.WHICH in ('run', 'build') -%}
        {%- for node in engagement_panel.selected_nodes() if node.config.get('meta', {}).get('for_readers') -%}
            {%- do schemas.append(node.schema) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if schemas -%}
        {%- set block -%}
            {%- call engagement_panel._block() -%}
                for item in
                    select pg_namespace.nspname, pg_namespace.nspowner::regrole as owner, reader
                    from pg_namespace, unnest({{ engagement_panel._text_array(engagement_panel._readers()) }}) as reader
                    where
                        pg_namespace.nspname = any({{ engagement_panel._text_array(schemas | unique) }})
                        and not has_schema_privilege(reader, pg_namespace.nspname, 'usage')
                loop
                    begin
                        execute format('grant usage on schema %I to %I', item.nspname, item.reader);
                    exception when insufficient_privilege then
                        null;
                    end;
                    if not has_schema_privilege(item.reader, item.nspname, 'usage') then
                        raise exception using errcode = refusal, message = format(
                            'Nothing was changed: role %1$s may not use schema %2$s, and role %3$s may not grant it.'
                            ' Let role %4$s run: grant usage on schema %2$I to %1$I;',
                            item.reader, item.nspname, current_user, item.owner
                        );
                    end if;
                end loop;
            {%- endcall -%}
        {%- endset -%}
        {%- do engagement_panel._attempt('The schema', block) -%}
        {%- do adapter.commit() -%}
    {%- endif -%}
{%- endmacro %}
