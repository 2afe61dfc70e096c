{#-
    What changes the database takes a turn, and keeps it until its transaction ends: runs that overlap change one thing at a time,
    and see what the other has done. dbt closes its connections between nodes, so that nothing could be held for a whole run.
-#}
{% macro deployment_turn() -%}
    set_config('application_name', {{ sql_literal(deployment_name()) }}, false), pg_advisory_xact_lock({{ deployment_turn_key() | join(', ') }})
{%- endmacro %}

{% macro deployment_turn_key() -%}
    {{ return([1684173940, 1]) }}
{%- endmacro %}

{% macro deployment_name() -%}
    {{ return('dbt ' ~ invocation_id) }}
{%- endmacro %}

{% macro tell_of_other_deployment() -%}
    {%- for row in run_query(
        "select distinct format('process %s, %s, %s', pid, usename, application_name) as holder"
        ~ ' from pg_locks inner join pg_stat_activity using (pid)'
        ~ " where pg_locks.locktype = 'advisory' and pg_locks.granted"
        ~ ' and pg_locks.database = (select oid from pg_database where datname = current_database())'
        ~ ' and (pg_locks.classid, pg_locks.objid) = (' ~ deployment_turn_key() | join(', ') ~ ')'
        ~ " and application_name like 'dbt %' and application_name <> " ~ sql_literal(deployment_name())
    ) -%}
        {%- do log('Another deployment is under way (' ~ row.holder ~ '): waiting for its turn to end.', info=true) -%}
    {%- endfor -%}
{%- endmacro %}
