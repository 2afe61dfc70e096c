{#-
    dbt's own drops by cascade. This one is found only for models of this project: what others built on them is theirs, and PostgreSQL
    then refuses and says why.
-#}
{% macro drop_relation_if_exists(relation) -%}
    {%- if relation is not none -%}
        {%- do adapter.cache_dropped(relation) -%}
        {%- call statement('drop_relation') -%}
            drop {{ relation.type | replace('_', ' ') }} if exists {{ relation }}
        {%- endcall -%}
    {%- endif -%}
{%- endmacro %}
