{#-
    For a migration that views stand in the way of: takes down what stands on the relation, makes the change, puts all back as it
    was, in one transaction. Run by a role that owns the relation and is a member of the views' owners.
-#}
{% macro change_under_views(relation, change) -%}
    {%- set block -%}
        {%- call deployment_block() -%}
            {{ rebuild_sql("array[" ~ sql_literal(relation) ~ "::regclass::oid]", sql_literal(change)) }}
            select format('done, %s views put back', jsonb_array_length(views)) into status;
        {%- endcall -%}
    {%- endset -%}
    {%- set outcome = attempt_deployment(relation, block) -%}
    {%- do adapter.commit() -%}
    {%- do log(relation ~ ': ' ~ outcome, info=true) -%}
{%- endmacro %}
