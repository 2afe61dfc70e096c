{#- Looks at every source, the time zone and the collation, and writes nothing. A source that is locked is waited for, half a minute at most. -#}
{% macro source_problems() -%}
    {%- set result = 'engagement_panel.source_problems' -%}
    {%- for seconds in [1, 4, 10, 15] -%}
        {%- do run_query(_look_at_sources_sql(result, seconds)) -%}
        {%- set found = fromjson(run_query("select current_setting('" ~ result ~ "')").columns[0].values()[0]) -%}
        {%- if not found.locked or loop.last -%}
            {%- for lock in found.locked -%}
                {%- do found.problems.append(lock ~ ' Run again when it has finished.') -%}
            {%- endfor -%}
            {{ return(found) }}
        {%- endif -%}
        {%- do log(found.locked | join(' ') ~ ' Waiting.', info=true) -%}
    {%- endfor -%}
{%- endmacro %}

{#- A block of PL/pgSQL, because only there can a condition be tried and its error be caught; it returns its findings by a setting. -#}
{% macro _look_at_sources_sql(result, lock_wait_seconds) -%}
select set_config(name, '0', true) from pg_settings where name in ('statement_timeout', 'transaction_timeout');
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
    is_empty boolean;
    locked text[] := '{}';
    problems text[] := '{}';
    warnings text[] := '{}';
begin
    perform set_config('lock_timeout', '{{ lock_wait_seconds }}s', true);
    for source in
        select * from jsonb_to_recordset({{ sql_literal(tojson(expected_sources())) }}) as expected (
            "schema" text, "table" text, var_prefix text,
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
                    base_type.name as found_type,
                    has_column_privilege(relation_oid, pg_attribute.attnum, 'select') as is_readable
                from jsonb_to_recordset(source."columns") as expected (name text, "types" jsonb, var text)
                left join pg_attribute
                    on
                        pg_attribute.attrelid = relation_oid
                        and pg_attribute.attname = expected.name
                        and pg_attribute.attnum > 0
                        and not pg_attribute.attisdropped
                left join lateral (
                    with recursive layers as ( -- a domain may be based on another

                        select oid, typbasetype from pg_type where oid = pg_attribute.atttypid
                        union all
                        select pg_type.oid, pg_type.typbasetype
                        from layers
                        inner join pg_type on layers.typbasetype = pg_type.oid

                    )

                    select format_type(oid, null) as name from layers where typbasetype = 0
                ) as base_type on true
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

            begin
                for wanted in
                    select * from jsonb_to_recordset(source.conditions) as expected (sql text, var text)
                loop
                    begin
                        execute format(E'select from %I.%I where (\n%s\n) limit 0', source."schema", source."table", wanted.sql);
                    exception
                        when insufficient_privilege then
                            findings := findings || format(
                                '%s: role %s may not read what the condition "%s" reads (%s). Grant it select, or set %s.',
                                place, current_user, wanted.sql, sqlerrm, wanted.var
                            );
                        when others then
                            -- syntax, names and types (42), values (22), what is not supported (0A): the rest is not the condition's
                            if sqlstate !~ '^(42|22|0A)' then
                                raise;
                            end if;
                            findings := findings || format(
                                '%s: the condition "%s" is not SQL over this relation: %s. Set %s.',
                                place, wanted.sql, sqlerrm, wanted.var
                            );
                    end;
                end loop;

                if source.shown_id is not null and findings = '{}' then
                    execute format(
                        E'select count(*) = 0, count(*) filter (where %1$I not between -2147483648 and 2147483647), max(%1$I)'
                        ' from %2$I.%3$I where (\n%4$s\n)',
                        source.shown_id, source."schema", source."table", source.conditions -> 0 ->> 'sql'
                    ) into is_empty, misfits, largest;
                    if misfits > 0 then
                        findings := findings || format(
                            '%s.%s: %s ids do not fit integer, the panel''s type (the largest: %s).'
                            ' Leave these students out by %s_condition, or set another %s_id_column.',
                            place, source.shown_id, misfits, largest, source.var_prefix, source.var_prefix
                        );
                    elsif is_empty then
                        warnings := warnings || format(
                            '%s: not a single row counts as a student, so the panel is empty. Is %s_condition right?',
                            place, source.var_prefix
                        );
                    end if;
                end if;
            exception when lock_not_available then
                locked := locked || format('%s is locked by %s.', place, coalesce((
                    select string_agg(distinct format(
                        'process %s (%s)', pid, concat_ws(', ', usename, nullif(application_name, ''), 'since ' || xact_start)
                    ), ' and ')
                    from pg_locks
                    inner join pg_stat_activity using (pid)
                    where
                        pg_locks.mode = 'AccessExclusiveLock'
                        and pg_locks.locktype = 'relation'
                        and pg_locks.database = (select oid from pg_database where datname = current_database())
                        and pg_locks.pid <> pg_backend_pid()
                ), 'a transaction that has just ended'));
                exit;
            end;
        end if;

        problems := problems || findings;
    end loop;

    problems := problems || array({{ unreadable_sql() }});

    for wanted in {{ row_security_sql() }}
    loop
        if wanted.shows_nothing then
            problems := problems || wanted.finding;
        else
            warnings := warnings || wanted.finding;
        end if;
    end loop;

    if not exists (select from pg_timezone_names where lower(name) = lower({{ sql_literal(setting('engagement_timezone')) }})) then
        problems := problems || format(
            'The time zone "%s" is not one that this server knows (pg_timezone_names lists them). Set engagement_timezone.',
            {{ sql_literal(setting('engagement_timezone')) }}
        );
    end if;
    {%- set collation = setting('engagement_bin_label_collation') %}
    {%- if collation is not none %}

    begin
        perform {{ sql_literal(collation) }}::regcollation;
    exception when others then
        problems := problems || format(
            'The collation %s is not one of this database: %s. Create it, or set engagement_bin_label_collation.',
            {{ sql_literal(collation) }}, sqlerrm
        );
    end;
    {%- endif %}

    perform set_config(
        '{{ result }}', jsonb_build_object('problems', problems, 'warnings', warnings, 'locked', locked)::text, false
    );
end
$look$
{%- endmacro %}
