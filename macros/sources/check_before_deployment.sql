{#- What this project looks at before anything is changed: see macros/deployment/before_deployment.sql. -#}
{% macro postgres__before_deployment(with_warnings) -%}
    {%- set findings = source_problems() -%}
    {%- for warning in findings.warnings if with_warnings -%}
        {%- do exceptions.warn(warning ~ ' No view here reads it: the panel is deployed without.') -%}
    {%- endfor -%}
    {{ return(var_problems() + findings.problems + missing_seeds()) }}
{%- endmacro %}

{#- See macros/deployment/disabled_views.sql. -#}
{% macro postgres__disabled_views() -%}
    {{ return({
        'names': var('engagement_disabled_views', []), 'how': 'add its name to the var engagement_disabled_views'
    }) }}
{%- endmacro %}

{% macro var_problems() -%}
    {%- set problems = [] -%}
    {%- set target = var('engagement_consistency_sessions_target') -%}
    {%- if target is not number or target is boolean or target <= 0 -%}
        {%- do problems.append('engagement_consistency_sessions_target: is ' ~ tojson(target) ~ ', must be a number above 0.') -%}
    {%- endif -%}
    {%- set days = var('engagement_avg_gap_history_days') -%}
    {%- if days is not none and (days is not integer or days is boolean or days <= 0) -%}
        {%- do problems.append(
            'engagement_avg_gap_history_days: is ' ~ tojson(days) ~ ', must be null or a whole number of days above 0.'
        ) -%}
    {%- endif -%}
    {{ return(problems) }}
{%- endmacro %}

{#- Seeds that a selected model reads and that neither exist nor are about to be loaded. -#}
{% macro missing_seeds() -%}
    {%- set problems = [] -%}
    {%- set needed = [] -%}
    {%- for unique_id in selected_resources if unique_id in graph.nodes -%}
        {%- do needed.extend(graph.nodes[unique_id].depends_on.nodes) -%}
    {%- endfor -%}
    {%- for unique_id in needed | unique if unique_id.startswith('seed.') and unique_id not in selected_resources -%}
        {%- set seed = graph.nodes[unique_id] -%}
        {%- if not adapter.get_relation(seed.database, seed.schema, seed.alias) -%}
            {%- do problems.append(seed.schema ~ '.' ~ seed.alias ~ ': is not loaded yet. Run dbt seed first, or dbt build.') -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(problems) }}
{%- endmacro %}
