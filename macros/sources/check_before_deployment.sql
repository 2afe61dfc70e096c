{#-
    dbt makes schemas before its on-run-start hooks run, and renders hooks in commands that write nothing: so this stands in
    both places (see create_schema), and does its work only where something is about to be written.
-#}
{% macro check_before_deployment(with_warnings=false) -%}
    {%- if execute and flags.WHICH in ('run', 'build', 'seed') -%}
        {%- set findings = source_problems() -%}
        {%- set problems = var_problems() + findings.problems + missing_seeds() + unknown_readers() + lock_wait_problems() -%}
        {%- for warning in findings.warnings if with_warnings -%}
            {%- do exceptions.warn(warning ~ ' No view here reads it: the panel is deployed without.') -%}
        {%- endfor -%}
        {%- if problems -%}
            {%- do exceptions.raise_compiler_error(
                'Nothing was changed. To mend first:\n  - ' ~ problems | join('\n  - ')
            ) -%}
        {%- endif -%}
    {%- endif -%}
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
    {%- set hours = var('engagement_session_longest_hours') -%}
    {%- if hours is not number or hours is boolean or not 1 <= hours <= 20 -%}
        {%- do problems.append('engagement_session_longest_hours: is ' ~ tojson(hours) ~ ', must be a number from 1 to 20.') -%}
    {%- endif -%}
    {%- set days = var('engagement_visit_gap_days') -%}
    {%- if days is not none and (days is not integer or days is boolean or days <= 0) -%}
        {%- do problems.append(
            'engagement_visit_gap_days: is ' ~ tojson(days) ~ ', must be null or a whole number of days above 0.'
        ) -%}
    {%- endif -%}
    {{ return(problems) }}
{%- endmacro %}

{% macro tell_of_missing_checkouts() -%}
    {%- if execute and flags.WHICH in ('run', 'build') and var('engagement_attendance_checkout_time_column') is none -%}
        {%- do log('This school records no check-outs (engagement_attendance_checkout_time_column is null): all minutes are 0.', info=true) -%}
    {%- endif -%}
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
