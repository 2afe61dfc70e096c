{#-
    Runs a deployment block until it succeeds. Each attempt is one transaction, the node's pre-hooks included; in the pauses no lock
    is held and none is waited for, so that readers go on. The transaction of the last attempt is left open for the caller to commit.
-#}
{% macro _attempt(what, block, pre_hooks=[]) -%}
    {%- set standby = engagement_panel._standby_problems() if flags.WHICH == 'run-operation' else [] -%}{#- a run has asked before -#}
    {%- for problem in standby + engagement_panel._lock_wait_problems() -%}
        {%- do exceptions.raise_compiler_error(problem) -%}
    {%- endfor -%}
    {%- do engagement_panel._log_other_deployment() -%}
    {%- for pause in [0.5, 1, 2, 4, 8, none] -%}
        {%- do run_query(engagement_panel._begin()) -%}
        {%- do run_hooks(pre_hooks) -%}
        {%- call statement('attempt') -%} {{ block }} {%- endcall -%}
        {%- set outcome = fromjson(run_query("select current_setting('deployment.outcome')").columns[0].values()[0]) -%}
        {%- if outcome.status == 'refused' -%}
            {%- do exceptions.raise_compiler_error(outcome.message) -%}
        {%- elif outcome.status != 'locked' -%}
            {{ return(outcome.status) }}
        {%- elif pause is none -%}
            {%- do exceptions.raise_compiler_error(
                what ~ ' is in use and was left as it is. Blocked by ' ~ outcome.message ~ '. Run again when that has finished.'
            ) -%}
        {%- endif -%}
        {%- do log(what ~ ' is in use by ' ~ outcome.message ~ '. Trying again in ' ~ pause ~ ' s.', info=true) -%}
        {%- do run_query('rollback; ' ~ engagement_panel._lift_time_limits() ~ ' select pg_sleep(' ~ pause ~ ')') -%}
    {%- endfor -%}
{%- endmacro %}

{#-
    Whatever the role or the database sets as default. dbt commits past psycopg2, which then takes its transaction for open and begins
    none, so statements would commit singly: hence `begin`, and the `rollback` of what either of them may have begun.
-#}
{% macro _begin() -%}
    rollback; begin isolation level read committed read write;
{%- endmacro %}

{#- What a role or database may limit, lifted until the end of the transaction or until it is put back. -#}
{% macro _lift_time_limits() -%}
select set_config('deployment.time_limits', jsonb_object_agg(name, setting)::text, true)
from pg_settings
where name in ('lock_timeout', 'statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout');
select set_config(name, '0', true) from jsonb_object_keys(current_setting('deployment.time_limits')::jsonb) as name;
{%- endmacro %}

{#-
    A block of PL/pgSQL around the caller's statements, since an error can be caught only there. It does everything or nothing, and a
    setting of the session says how it ended. The statements set `status`, and may then `exit work`; or raise `refusal`.
-#}
{% macro _block(declarations='') -%}
{{ engagement_panel._lift_time_limits() }}
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
    perform {{ engagement_panel._turn() }};
    deadline := clock_timestamp() + interval '{{ engagement_panel._lock_wait_ms() }} milliseconds';
    {{ engagement_panel._limit_lock_wait() }}
    <<work>>
    begin
        {{ caller() }}
    end work;
    perform set_config(name, value, true) from jsonb_each_text(current_setting('deployment.time_limits')::jsonb) as limits (name, value);
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
                and application_name <> 'dbt {{ invocation_id }}' -- this run's other threads end by themselves
                and (
                    (pg_locks.relation = any(involved) and pg_locks.mode <> all(harmless_modes))
                    or pg_locks.mode = 'AccessExclusiveLock'
                )
        ), 'a transaction that has just ended'))::text, false);
end
$deployment$
{%- endmacro %}

{% macro _lock_wait_ms() -%}
    {{ return(var('deployment_lock_wait_ms', 500)) }}
{%- endmacro %}

{#- PostgreSQL takes 0 for no limit at all. -#}
{% macro _lock_wait_problems() -%}
    {%- set wait = engagement_panel._lock_wait_ms() -%}
    {{ return([] if wait is integer and wait is not boolean and wait > 0 else [
        'deployment_lock_wait_ms: is ' ~ tojson(wait) ~ ', must be a whole number of milliseconds above 0.'
    ]) }}
{%- endmacro %}

{#-
    PostgreSQL applies lock_timeout to each lock anew. Readers of what is locked already wait through all that follow, so these share
    the time of one.
-#}
{% macro _limit_lock_wait() -%}
    perform set_config(
        'lock_timeout', greatest(1, floor(1000 * extract(epoch from deadline - clock_timestamp()))) || 'ms', true
    );
{%- endmacro %}
