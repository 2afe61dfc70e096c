{#- dbt's own drop what stands on a relation along with it. What others built on ours is theirs: PostgreSQL then refuses, and says why. -#}
{% macro postgres__drop_view(relation) -%}
    drop view if exists {{ relation }}
{%- endmacro %}

{% macro postgres__drop_table(relation) -%}
    drop table if exists {{ relation }}
{%- endmacro %}

{% macro postgres__drop_materialized_view(relation) -%}
    drop materialized view if exists {{ relation }}
{%- endmacro %}

{% macro postgres__drop_schema(relation) -%}
    {%- call statement('drop_schema') -%}
        drop schema if exists {{ relation.without_identifier().include(database=false) }}
    {%- endcall -%}
{%- endmacro %}
