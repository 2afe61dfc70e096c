{#-
    What changes the database takes a turn, and keeps it until its transaction ends: runs that overlap change one thing at a time,
    and see what the other has done. dbt closes its connections between nodes, so that nothing could be held for a whole run.
-#}
{% macro _turn() -%}
    set_config('application_name', 'dbt {{ invocation_id }}', false), pg_advisory_xact_lock({{ engagement_panel._turn_key() }})
{%- endmacro %}

{% macro _turn_key() -%}
    1684173940, 1
{%- endmacro %}

{% macro _log_other_deployment() -%}
    {%- for row in run_query(
        "select distinct format('process %s, %s, %s', pid, usename, application_name) as holder"
        ~ ' from pg_locks inner join pg_stat_activity using (pid)'
        ~ " where pg_locks.locktype = 'advisory' and pg_locks.granted"
        ~ ' and pg_locks.database = (select oid from pg_database where datname = current_database())'
        ~ ' and (pg_locks.classid, pg_locks.objid) = (' ~ engagement_panel._turn_key() ~ ')'
        ~ " and application_name like 'dbt %' and application_name <> 'dbt " ~ invocation_id ~ "'"
    ) -%}
        {%- do log('Another deployment is under way (' ~ row.holder ~ '): waiting for its turn to end.', info=true) -%}
    {%- endfor -%}
{%- endmacro %}
