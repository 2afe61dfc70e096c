{#-
    One of two questions that this folder asks the project that uses it; disabled_views.sql has the other. A project that wants to
    look at something before anything is changed defines `postgres__before_deployment`, which returns a list of problems.
-#}
{% macro before_deployment(with_warnings) -%}
    {{ return(adapter.dispatch('before_deployment', 'engagement_panel')(with_warnings)) }}
{%- endmacro %}

{% macro default__before_deployment(with_warnings) -%}
    {{ return([]) }}
{%- endmacro %}

{#-
    dbt creates schemas before its on-run-start hooks run, and renders hooks in commands that write nothing: so this is called from
    both places (see create_schema), and acts only if something is about to be written.
-#}
{% macro check_before_deployment(with_warnings=false) -%}
    {%- if execute and flags.WHICH in ('run', 'build', 'seed') and engagement_panel.selected_nodes() -%}
        {%- set problems = engagement_panel._deployment_problems(with_warnings) -%}
        {%- if problems -%}
            {%- do exceptions.raise_compiler_error('Nothing was changed. Fix these first:\n  - ' ~ problems | join('\n  - ')) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro _deployment_problems(with_warnings) -%}
    {{ return((
        engagement_panel._standby_problems()
        + engagement_panel._lock_wait_problems()
        + engagement_panel._reader_problems()
        + engagement_panel._materialization_problems()
        + engagement_panel.before_deployment(with_warnings)
    ) | unique | list) }}
{%- endmacro %}

{#- A package's hooks run in every run of the project that installs it: they act only on what they find here. -#}
{% macro selected_nodes() -%}
    {%- set nodes = [] -%}
    {%- for unique_id in selected_resources if graph.nodes.get(unique_id, {}).get('package_name') == 'engagement_panel' -%}
        {%- do nodes.append(graph.nodes[unique_id]) -%}
    {%- endfor -%}
    {{ return(nodes) }}
{%- endmacro %}

{#- dbt ignores a package's override of its own `view`, and takes a setting of the installing project's for all models before ours. -#}
{% macro _materialization_problems() -%}
    {%- set others = [] -%}
    {%- for node in engagement_panel.selected_nodes() if node.resource_type == 'model' and project_name != 'engagement_panel' -%}
        {%- if node.config.materialized not in ('in_place_view', 'ephemeral') -%}
            {%- do others.append(node.name ~ ' as ' ~ node.config.materialized) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return([
        'dbt would deploy ' ~ others | length ~ ' models of engagement_panel in its own way (' ~ others[0] ~ ', …).'
        ~ ' Add to dbt_project.yml: models: {engagement_panel: {+materialized: in_place_view}}'
    ] if others else []) }}
{%- endmacro %}

{% macro _standby_problems() -%}
    {{ return([
        'The server is a standby, which nobody can write to. Deploy on its primary; the views then come here by themselves.'
    ] if run_query('select pg_is_in_recovery()').columns[0].values()[0] else []) }}
{%- endmacro %}
