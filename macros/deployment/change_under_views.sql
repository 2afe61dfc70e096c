{#-
    For a migration that views block: drops the views that depend on the relation, makes the change, recreates them as they were, in
    one transaction. Run it as a role that owns the relation and is a member of the views' owners.
-#}
{% macro change_under_views(relation, change) -%}
    {%- set block -%}
        {%- call engagement_panel._block() -%}
            {{ engagement_panel._rebuild_sql(
                "array[" ~ engagement_panel._literal(relation) ~ "::regclass::oid]", engagement_panel._literal(change)
            ) }}
            select format('done, %s views put back', jsonb_array_length(views)) into status;
        {%- endcall -%}
    {%- endset -%}
    {%- set outcome = engagement_panel._attempt(relation, block) -%}
    {%- do adapter.commit() -%}
    {%- do log(relation ~ ': ' ~ outcome, info=true) -%}
{%- endmacro %}
