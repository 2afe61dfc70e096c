{#-
    Looks at every source and at the time zone, writes nothing. A block of PL/pgSQL, because only there can a condition be
    tried and its error be told instead of ending the run; it hands its findings back by a setting of the session.
-#}
{% macro source_problems() -%}
    {%- set setting = 'engagement_panel.source_problems' -%}
    {%- do run_query(_look_at_sources_sql(setting)) -%}
    {%- set rows = run_query("select current_setting('" ~ setting ~ "')") -%}
    {{ return(fromjson(rows.columns[0].values()[0])) }}
{%- endmacro %}

{% macro _look_at_sources_sql(setting) -%}
do $look$
declare
    source record;
    wanted record;
    place text;
    relation_oid oid;
    findings text[];
    is_readable boolean;
    misfits bigint;
    largest bigint;
    problems text[] := '{}';
    warnings text[] := '{}';
begin
    for source in
        select * from jsonb_to_recordset('{{ dbt.escape_single_quotes(tojson(expected_sources())) }}') as expected (
            is_required boolean, "schema" text, "table" text, var_prefix text,
            "columns" jsonb, conditions jsonb, shown_id text
        )
    loop
        place := source."schema" || '.' || source."table";
        findings := '{}';

        select pg_class.oid, has_schema_privilege(pg_namespace.oid, 'usage')
        into relation_oid, is_readable
        from pg_class
        inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
        where
            pg_namespace.nspname = source."schema"
            and pg_class.relname = source."table"
            and pg_class.relkind in ('r', 'p', 'f', 'v', 'm');

        if relation_oid is null then
            findings := findings || format(
                '%s: there is no such relation. Set %s_schema and %s_table.',
                place, source.var_prefix, source.var_prefix
            );
        elsif not is_readable then
            findings := findings || format('%s: role %s may not use schema %s. Grant it usage.', place, current_user, source."schema");
        else
            for wanted in
                select
                    expected.name,
                    expected."types",
                    expected.var,
                    pg_attribute.attnum,
                    format_type(coalesce(nullif(pg_type.typbasetype, 0), pg_type.oid), null) as found_type,
                    has_column_privilege(relation_oid, pg_attribute.attnum, 'select') as is_readable
                from jsonb_to_recordset(source."columns") as expected (name text, "types" jsonb, var text)
                left join pg_attribute
                    on
                        pg_attribute.attrelid = relation_oid
                        and pg_attribute.attname = expected.name
                        and pg_attribute.attnum > 0
                        and not pg_attribute.attisdropped
                left join pg_type on pg_attribute.atttypid = pg_type.oid
            loop
                if wanted.attnum is null then
                    findings := findings || format(
                        '%s.%s: there is no such column. Set %s.', place, coalesce(wanted.name, 'null'), wanted.var
                    );
                elsif wanted."types" <> '[]' and not wanted."types" ? wanted.found_type then
                    findings := findings || format(
                        '%s.%s: is %s, must be %s. Set %s.', place, wanted.name, wanted.found_type,
                        (select string_agg(value, ' or ') from jsonb_array_elements_text(wanted."types")), wanted.var
                    );
                elsif not wanted.is_readable then
                    findings := findings || format(
                        '%s.%s: role %s may not read it. Grant it select.', place, wanted.name, current_user
                    );
                end if;
            end loop;

            for wanted in
                select * from jsonb_to_recordset(source.conditions) as expected (sql text, var text)
            loop
                begin
                    execute format(E'select from %I.%I where (\n%s\n) limit 0', source."schema", source."table", wanted.sql);
                exception when others then
                    findings := findings || format(
                        '%s: the condition "%s" is not SQL over this relation: %s. Set %s.',
                        place, wanted.sql, sqlerrm, wanted.var
                    );
                end;
            end loop;

            if source.shown_id is not null and findings = '{}' then
                execute format(
                    E'select count(*), max(%1$I) from %2$I.%3$I where (\n%4$s\n) and %1$I not between -2147483648 and 2147483647',
                    source.shown_id, source."schema", source."table", source.conditions -> 0 ->> 'sql'
                ) into misfits, largest;
                if misfits > 0 then
                    findings := findings || format(
                        '%s.%s: %s ids do not fit integer, the panel''s type (the largest: %s).'
                        ' Leave these students out by %s_condition, or set another %s_id_column.',
                        place, source.shown_id, misfits, largest, source.var_prefix, source.var_prefix
                    );
                end if;
            end if;
        end if;

        if source.is_required then
            problems := problems || findings;
        else
            warnings := warnings || findings;
        end if;
    end loop;

    if not exists (select from pg_timezone_names where lower(name) = lower('{{ dbt.escape_single_quotes(var('engagement_timezone')) }}')) then
        problems := problems || format(
            'The time zone "%s" is not one that this server knows (pg_timezone_names lists them). Set engagement_timezone.',
            '{{ dbt.escape_single_quotes(var('engagement_timezone')) }}'
        );
    end if;

    perform set_config('{{ setting }}', jsonb_build_object('problems', problems, 'warnings', warnings)::text, false);
end
$look$
{%- endmacro %}
