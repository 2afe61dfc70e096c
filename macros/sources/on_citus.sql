{#-
    Citus runs on the shards what it can, and on the coordinator what it cannot: a subquery with `offset 0`, and a CTE that is named
    twice, to which the rows of all shards then travel. PostgreSQL needs such a subquery in one place, and such CTEs in two, to
    compute each row once; there a view says one thing to Citus and another to any other server.
-#}
{% macro on_citus(sql, elsewhere='') -%}
    {{- sql if is_citus() else elsewhere -}}
{%- endmacro %}

{#-
    Stands at the end of a view with an `order by`. Citus takes a view for a part of the query that reads it: it sorts each shard by
    itself, filters by conditions that PostgreSQL 15 and 16 do not let it push below an outer join, and writes times as text in its
    workers' time zone. A view that ends so is computed by itself, in its order. Filters around it no longer reach inside, for which
    there is no such end elsewhere.
-#}
{% macro keep_order() -%}
    {{- on_citus('\noffset 0') -}}
{%- endmacro %}

{#- By the cache of relations that dbt keeps for a run, so that a run asks once. `--no-introspect` asks nothing. -#}
{% macro is_citus() -%}
    {{ return(
        execute and flags.INTROSPECT
        and adapter.get_relation(database=target.database, schema='pg_catalog', identifier='pg_dist_node') is not none
    ) }}
{%- endmacro %}
