{#- What this project looks at before anything is changed: see macros/deployment/before_deployment.sql. -#}
{% macro postgres__before_deployment(with_warnings) -%}
    {%- set version = postgres_version_findings(run_query('show server_version_num').columns[0].values()[0] | int) -%}
    {%- if version.problems -%}
        {{ return(version.problems) }}
    {%- endif -%}
    {%- set findings = source_problems() -%}
    {%- if with_warnings -%}
        {%- do log_removed_vars() -%}
        {%- for warning in version.warnings + findings.warnings -%}
            {%- do exceptions.warn(warning) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(var_problems() + findings.problems + missing_seeds()) }}
{%- endmacro %}

{#- See macros/deployment/disabled_views.sql. -#}
{% macro postgres__disabled_views() -%}
    {{ return({
        'names': setting('engagement_disabled_views'), 'how': 'add its name to the var engagement_disabled_views'
    }) }}
{%- endmacro %}

{% macro log_missing_checkouts() -%}
    {%- if execute and flags.WHICH in ('run', 'build') and selected_nodes() and setting('engagement_attendance_checkout_time_column') is none -%}
        {%- do log('This school records no check-outs (engagement_attendance_checkout_time_column is null): all minutes are 0.', info=true) -%}
    {%- endif -%}
{%- endmacro %}

{#- Seeds that a selected model reads and that neither exist nor are about to be loaded. -#}
{% macro missing_seeds() -%}
    {%- set problems = [] -%}
    {%- set needed = [] -%}
    {%- for node in selected_nodes() -%}
        {%- do needed.extend(node.depends_on.nodes) -%}
    {%- endfor -%}
    {%- for unique_id in needed | unique if unique_id.startswith('seed.') and unique_id not in selected_resources -%}
        {%- set seed = graph.nodes[unique_id] -%}
        {%- if not adapter.get_relation(seed.database, seed.schema, seed.alias) -%}
            {%- do problems.append(seed.schema ~ '.' ~ seed.alias ~ ': is not loaded yet. Run dbt seed first, or dbt build.') -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(problems) }}
{%- endmacro %}
