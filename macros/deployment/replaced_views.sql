{#-
    What a run replaces is kept first, in the same transaction: a view made by hand may be written down nowhere else.

    An operation: lists what is kept, or puts one of the list back in place.
-#}
{% macro replaced_views(put_back=none) -%}
    {%- set table, command = engagement_panel._replaced_views(), 'dbt run-operation replaced_views --target ' ~ target.name -%}
    {%- set exists = run_query('select to_regclass(' ~ engagement_panel._literal(table) ~ ') is not null').columns[0].values()[0] -%}
    {%- set kept = run_query(
        "select id, name, replaced_by, invocation_id, to_char(replaced_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as replaced_at"
        ~ ' from ' ~ table ~ ' order by id'
    ).rows if exists else [] -%}
    {%- if put_back is none -%}
        {%- for row in kept -%}
            {%- do log(
                row.id ~ '  ' ~ row.name ~ '  replaced ' ~ row.replaced_at ~ ' UTC by ' ~ row.replaced_by ~ ', run ' ~ row.invocation_id,
                info=true
            ) -%}
        {%- endfor -%}
        {%- do log(
            'Kept in ' ~ table ~ '. To put one back: ' ~ command ~ ' --args "{put_back: ' ~ kept[-1].id ~ '}"'
            if kept else 'No view has been replaced yet.', info=true
        ) -%}
    {%- else -%}
        {%- set chosen = kept | selectattr('id', 'equalto', put_back) | first -%}
        {%- if not chosen -%}
            {%- do exceptions.raise_compiler_error(
                'There is no replaced view ' ~ put_back ~ '. Nothing was changed. To list them: ' ~ command
            ) -%}
        {%- endif -%}
        {%- do engagement_panel._attempt(chosen.name, engagement_panel._put_back_sql(chosen.id)) -%}
        {%- do adapter.commit() -%}
        {%- do log(
            chosen.name ~ ': put back as it was before ' ~ chosen.replaced_at ~ ' UTC. The next run replaces it again.'
            ~ engagement_panel._how_to_keep_a_view(), info=true
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- In a schema that readers do not use, if there is one; they have no grant on the table anyway. -#}
{% macro _replaced_views() -%}
    {%- set ours, of_readers = [], [] -%}
    {%- for node in graph.nodes.values() if node.package_name == 'engagement_panel' and node.resource_type in ('model', 'seed') -%}
        {%- do ours.append(node.schema) -%}
        {%- do of_readers.append(node.schema) if node.config.get('meta', {}).get('for_readers') -%}
    {%- endfor -%}
    {%- set schema = (ours | reject('in', of_readers) | list or ours) | sort | first -%}
    {{ return(api.Relation.create(schema=schema, identifier='replaced_views').include(database=false)) }}
{%- endmacro %}

{#-
    Goes inside a deployment block, before the view is changed. Of each view the first definition stays, which is most likely someone's
    own, and the newest nine; one that comes back takes no second row.
-#}
{% macro _keep_definition_sql(oid) -%}
{%- set table = engagement_panel._replaced_views() -%}
{%- set schema = table.without_identifier() -%}
declare
    kept record;
begin
    begin
        {{ engagement_panel._print_in_full() }}
        select {{ oid }}::regclass::text as name, {{ engagement_panel._statements_that_make(oid) | indent(8) }} as statements into kept;
        raise exception using errcode = 'DPKPT';
    exception when sqlstate 'DPKPT' then
        null;
    end;

    if to_regnamespace({{ engagement_panel._literal(schema) }}) is null then
        create schema {{ schema }};
    end if;
    if to_regclass({{ engagement_panel._literal(table) }}) is null then
        create table {{ table }} (
            id integer generated always as identity primary key,
            name text not null,
            replaced_at timestamptz not null,
            replaced_by text not null,
            invocation_id text not null,
            statements jsonb not null
        );
        comment on table {{ table }} is 'Views as they were before dbt replaced them, with the statements that make them again.';
        for restoration in {{ engagement_panel._revocations(engagement_panel._literal(table)) | indent(8) }} loop
            execute restoration;
        end loop;
    end if;

    update {{ table }}
    set replaced_at = clock_timestamp(), replaced_by = current_user, invocation_id = '{{ invocation_id }}'
    where name = kept.name and statements = kept.statements;
    if not found then
        insert into {{ table }} (name, replaced_at, replaced_by, invocation_id, statements)
        values (kept.name, clock_timestamp(), current_user, '{{ invocation_id }}', kept.statements);
    end if;

    delete from {{ table }}
    where
        name = kept.name
        and id <> (select min(id) from {{ table }} where name = kept.name)
        and id not in (select id from {{ table }} where name = kept.name order by replaced_at desc, id desc limit 9);
exception when insufficient_privilege or invalid_schema_name then
    raise exception using errcode = refusal, message = format(
        '%s was left as it is: its present definition is to be kept in %s, and role %s may not write there (%s).'
        ' Grant it create on the schema, and all on the table if that exists.',
        kept.name, {{ engagement_panel._literal(table) }}, current_user, sqlerrm
    );
end;
{%- endmacro %}

{#- So that a statement means the same later: names with their schemas, dates and intervals in one style. -#}
{% macro _print_in_full() -%}
perform set_config(name, value, true)
from (values ('search_path', 'pg_catalog'), ('datestyle', 'ISO'), ('intervalstyle', 'postgres')) as setting (name, value);
{%- endmacro %}

{#- The first makes the view, or replaces it; the others give it owner, options, comments and grants. -#}
{% macro _statements_that_make(oid) -%}
(
    select
        jsonb_build_array(format('create or replace view %s as %s', view.name, view.definition))
        || view.restorations
        || (
            select coalesce(jsonb_agg(format('comment on column %s.%I is %L', view.name, key, value)), '[]')
            from jsonb_each_text(view.column_comments)
        )
    from jsonb_to_recordset({{ engagement_panel._views_above('array[' ~ oid ~ ']') | indent(4) }}) as view (
        name text, is_root boolean, definition text, restorations jsonb, column_comments jsonb
    )
    where view.is_root
)
{%- endmacro %}

{#- Grants given since then stay: no reader loses a view. -#}
{% macro _put_back_sql(id) -%}
{% call engagement_panel._block('replaced record; existing oid; is_in_place boolean := true;') %}
        {{ engagement_panel._print_in_full() | indent(8) }}
        select name, statements into replaced from {{ engagement_panel._replaced_views() }} where id = {{ id }};
        select oid into existing from pg_class where oid = to_regclass(replaced.name) and relkind = 'v';
        involved := array[existing];
        if existing is not null then
            {{ engagement_panel._keep_definition_sql('existing') | indent(12) }}
        end if;
        begin
            begin
                execute replaced.statements ->> 0;
            exception when invalid_table_definition then
                is_in_place := false;
            end;
            if not is_in_place then
                {{ engagement_panel._rebuild_sql('array[existing]', 'replaced.statements ->> 0') | indent(16) }}
                execute replaced.statements ->> 0;  -- takes off the options of the view it replaces
            end if;
            for restoration in
                {{ engagement_panel._revocations('replaced.name') | indent(16) }} and existing is null
                union all
                select format('comment on column %s.%I is null', replaced.name, attname)
                from pg_attribute
                where attrelid = replaced.name::regclass and col_description(attrelid, attnum) is not null
            loop
                execute restoration;
            end loop;
            for restoration in
                select statement
                from jsonb_array_elements_text(replaced.statements - 0) as statement
                where statement not in (
                    select jsonb_array_elements_text({{ engagement_panel._statements_that_make('replaced.name::regclass') | indent(20) }})
                )
            loop
                execute restoration;
            end loop;
        exception
            when lock_not_available or sqlstate 'DPREF' then
                raise;
            when others then
                raise exception using errcode = refusal, message = format(
                    '%s was left as it is: it could not be put back (%s).', replaced.name, sqlerrm
                );
        end;
        status := 'put back';
{%- endcall %}
{%- endmacro %}
