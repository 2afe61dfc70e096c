{#- Vars of older versions: a run says that they do nothing any more, and why. -#}
{% macro removed_vars() -%}
    {%- set daily_actives = 'the panel makes the daily actives itself.' -%}
    {{ return({
        'engagement_dau_schema': daily_actives,
        'engagement_dau_table': daily_actives,
    }) }}
{%- endmacro %}

{% macro log_removed_vars() -%}
    {%- for name in set_vars() if name in removed_vars() and name not in declared_vars() -%}
        {%- do log(name ~ ' does nothing any more, and can go: ' ~ removed_vars()[name], info=true) -%}
    {%- endfor -%}
{%- endmacro %}
