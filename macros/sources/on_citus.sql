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

{#- dbt's cache of relations answers, so that a run asks once, and not at all with `--no-introspect`. -#}
{% macro is_citus() -%}
    {{ return(
        execute and flags.INTROSPECT
        and adapter.get_relation(database=target.database, schema='pg_catalog', identifier='pg_dist_node') is not none
    ) }}
{%- endmacro %}
