{#- What the check of health has to know to time the panel's views (engagement_panel/timing.py). -#}
{% macro panel_to_time() -%}
    {%- if not execute -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set views, seed_schemas = [], [] -%}
    {%- for node in graph.nodes.values() if node.package_name == 'engagement_panel' -%}
        {%- if node.config.meta.get('for_readers') -%}
            {%- do views.append({
                'name': node.alias,
                'relation': adapter.quote(node.schema) ~ '.' ~ adapter.quote(node.alias),
                'indexes': node.config.meta.indexes,
                'reads_whole_history': node.config.meta.days_read is none
                    and setting('engagement_avg_gap_history_days') is none,
            }) -%}
        {%- elif node.resource_type == 'seed' -%}
            {%- do seed_schemas.append(node.schema) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return({
        'limit_ms': setting('engagement_view_limit_ms'),
        'reader': setting('deployment_readers') | first if setting('deployment_readers') else none,
        'schema': setting('engagement_attendance_schema'),
        'table': setting('engagement_attendance_table'),
        'checkin_time': setting('engagement_attendance_checkin_time_column'),
        'seed_schemas': seed_schemas | unique | list,
        'views': views | sort(attribute='name'),
    }) }}
{%- endmacro %}
