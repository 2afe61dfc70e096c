{#-
    Citus computes on its shards what it can. What it cannot it computes on the coordinator, where all rows then travel: a subquery with
    `offset 0`, and a CTE that is named twice, whose students every shard then looks up. PostgreSQL needs both: a check-in's day is then
    searched once, visits are read once, and no parallel workers start for the branch of `latest_checkins` that does not run.
-#}
{% macro on_citus(sql, elsewhere='') -%}
    {{- sql if is_citus() else elsewhere -}}
{%- endmacro %}

{#-
    The end of a view with an `order by`. Citus plans a view as a part of the query that reads it: it sorts each shard by itself, fails on
    a filter beside an outer join (with PostgreSQL 15 and 16), and writes times as text in its workers' time zone. A view that ends with
    `offset 0` is computed first, in its order. It is not there elsewhere, because no filter reaches inside such a view.
-#}
{% macro keep_order() -%}
    {{- on_citus('\noffset 0') -}}
{%- endmacro %}

{#- Asks once a run and keeps the answer in dbt's graph, which alone lasts from one model to the next. `--no-introspect` asks nothing. -#}
{% macro is_citus() -%}
    {%- if not execute or not flags.INTROSPECT -%}
        {{ return(false) }}
    {%- endif -%}
    {%- if 'is_citus' not in graph -%}
        {%- set found = run_query("select count(*) > 0 from pg_catalog.pg_extension where extname = 'citus'").columns[0].values()[0] -%}
        {%- do graph.update({'is_citus': found}) -%}
    {%- endif -%}
    {{ return(graph.is_citus) }}
{%- endmacro %}
