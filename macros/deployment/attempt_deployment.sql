{#-
    Runs a deployment block until it is through. In the pauses no lock is held and none is waited for, so that readers go on.
    The transaction of the last attempt is left open for the caller to commit.
-#}
{% macro attempt_deployment(what, block) -%}
    {%- for problem in lock_wait_problems() -%}
        {%- do exceptions.raise_compiler_error(problem) -%}
    {%- endfor -%}
    {%- do tell_of_other_deployment() -%}
    {%- for pause in [0.5, 1, 2, 4, 8, none] -%}
        {%- call statement('attempt') -%} {{ block }} {%- endcall -%}
        {%- set outcome = fromjson(run_query("select current_setting('deployment.outcome')").columns[0].values()[0]) -%}
        {%- if outcome.status == 'refused' -%}
            {%- do exceptions.raise_compiler_error(outcome.message) -%}
        {%- elif outcome.status != 'locked' -%}
            {{ return(outcome.status) }}
        {%- elif pause is none -%}
            {%- do exceptions.raise_compiler_error(
                what ~ ' is in use and was left as it is. In the way: ' ~ outcome.message ~ '. Run again when that is over.'
            ) -%}
        {%- endif -%}
        {%- do adapter.commit() -%}
        {%- do log(what ~ ' is in use by ' ~ outcome.message ~ '. Trying again in ' ~ pause ~ ' s.', info=true) -%}
        {%- do run_query('select pg_sleep(' ~ pause ~ ')') -%}
        {#- dbt commits past psycopg2, which takes the transaction for open still and begins none: statements would commit singly. -#}
        {%- do run_query('begin') -%}
    {%- endfor -%}
{%- endmacro %}

{#-
    A block of PL/pgSQL around the caller's statements, for only there can an error be caught. All of it happens or nothing, and a
    setting of the session tells how it ended. The statements set `status`, or refuse by raising `refusal`.
-#}
{% macro deployment_block(declarations='') -%}
do $deployment$
declare
    refusal constant text := 'DPREF';
    status text;
    item record;
    restoration text;
    views jsonb;
    obstacles text;
    involved oid[];
    harmless_modes text[] := '{}';
    deadline timestamptz;
    {{ declarations }}
begin
    perform {{ deployment_turn() }};
    deadline := clock_timestamp() + interval '{{ deployment_lock_wait_ms() }} milliseconds';
    {{ limit_lock_wait() }}
    begin
        {{ caller() }}
        perform set_config('deployment.outcome', jsonb_build_object('status', status)::text, false);
    exception
        when sqlstate 'DPREF' then
            perform set_config(
                'deployment.outcome', jsonb_build_object('status', 'refused', 'message', sqlerrm)::text, false
            );
        when lock_not_available then
            perform set_config('deployment.outcome', jsonb_build_object('status', 'locked', 'message', coalesce((
                select string_agg(distinct format(
                    'process %s (%s)', pid, concat_ws(', ', usename, nullif(application_name, ''), 'since ' || xact_start)
                ), '; ')
                from pg_locks
                inner join pg_stat_activity using (pid)
                where
                    pg_locks.granted
                    and pg_locks.database = (select oid from pg_database where datname = current_database())
                    and pg_locks.pid <> pg_backend_pid()
                    and (
                        (pg_locks.relation = any(involved) and pg_locks.mode <> all(harmless_modes))
                        or pg_locks.mode = 'AccessExclusiveLock'
                    )
            ), 'a transaction that has just ended'))::text, false);
    end;
end
$deployment$
{%- endmacro %}

{% macro deployment_lock_wait_ms() -%}
    {{ return(var('deployment_lock_wait_ms', 500)) }}
{%- endmacro %}

{#- PostgreSQL takes 0 for no limit at all. -#}
{% macro lock_wait_problems() -%}
    {%- set wait = deployment_lock_wait_ms() -%}
    {%- if wait is not integer or wait is boolean or wait <= 0 -%}
        {{ return(['deployment_lock_wait_ms: is ' ~ tojson(wait) ~ ', must be a whole number of milliseconds above 0.']) }}
    {%- endif -%}
    {{ return([]) }}
{%- endmacro %}

{#-
    PostgreSQL counts lock_timeout for each lock anew. Readers of what is locked already stall through all the waits that follow, so
    these share the time of one.
-#}
{% macro limit_lock_wait() -%}
    perform set_config(
        'lock_timeout', greatest(1, floor(1000 * extract(epoch from deadline - clock_timestamp()))) || 'ms', true
    );
{%- endmacro %}
