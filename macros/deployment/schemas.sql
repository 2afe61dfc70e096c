{#-
    dbt creates schemas before any hook runs: hence the check here, except if another project installs this one, whose vars are not
    visible here. Two runs must not create one schema at the same time. A transaction of its own, because Citus creates no schema in one
    that has read its tables.
-#}
{% macro postgres__create_schema(relation) -%}
    {%- if project_name == 'engagement_panel' -%}
        {%- do engagement_panel.check_before_deployment() -%}
    {%- endif -%}
    {%- do engagement_panel._log_other_deployment() -%}
    {%- call statement('create_schema') -%}
        {{ engagement_panel._begin() }}
        {{ engagement_panel._lift_time_limits() }}
        select {{ engagement_panel._turn() }};
        create schema if not exists {{ relation.without_identifier().include(database=false) }}
    {%- endcall -%}
{%- endmacro %}

{% macro _refuse_without_create(relation) -%}
if {{ engagement_panel._obstacle_to_creating(relation) }} is not null then
    raise exception using errcode = refusal, message = format(
        '%s was left as it is: %s', {{ engagement_panel._literal(relation.include(database=false).render()) }},
        {{ engagement_panel._obstacle_to_creating(relation) }}
    );
end if;
{%- endmacro %}
