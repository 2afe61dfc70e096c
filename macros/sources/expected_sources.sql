{#- What is read of each source, by name and by the var that gives the name. No types: any type will do. -#}
{% macro expected_sources() -%}
    {%- set whole_number = ['smallint', 'integer', 'bigint'] -%}
    {%- set instant = ['timestamp with time zone'] -%}
    {%- set sources = [
        _expected_source(
            'engagement_students',
            {'id_column': whole_number, 'full_name_column': [], 'level_column': []},
            conditions=['condition', 'active_condition'],
            shown_id='id_column'
        ),
        _expected_source(
            'engagement_attendance',
            {'student_id_column': whole_number, 'checkin_time_column': instant, 'checkout_time_column': instant},
            conditions=['condition'] + (['checkout_condition'] if setting('engagement_attendance_checkout_time_column') else []),
            optional_columns=['checkout_time_column']
        ),
        _expected_source(
            'learning_at_risk',
            {'student_id_column': whole_number, 'stuck_column': ['boolean'], 'slow_column': ['boolean']},
            optional_columns=['stuck_column', 'slow_column']
        )
    ] -%}
    {%- if setting('learning_stuck_students_enabled') -%}
        {%- do sources.append(_expected_source('learning_stuck_students', {'student_id_column': whole_number})) -%}
    {%- endif -%}
    {{ return(sources) }}
{%- endmacro %}

{% macro _expected_source(var_prefix, columns, conditions=[], optional_columns=[], shown_id=none) -%}
    {%- set expected = {
        'schema': setting(var_prefix ~ '_schema'),
        'table': setting(var_prefix ~ '_table'),
        'var_prefix': var_prefix,
        'columns': [],
        'conditions': [],
        'shown_id': setting(var_prefix ~ '_' ~ shown_id) if shown_id else none,
    } -%}
    {%- for suffix, types in columns.items() -%}
        {%- set var_name = var_prefix ~ '_' ~ suffix -%}
        {%- if suffix not in optional_columns or setting(var_name) is not none -%}
            {%- do expected.columns.append({'name': setting(var_name), 'types': types, 'var': var_name}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for suffix in conditions -%}
        {%- do expected.conditions.append({'sql': setting(var_prefix ~ '_' ~ suffix), 'var': var_prefix ~ '_' ~ suffix}) -%}
    {%- endfor -%}
    {{ return(expected) }}
{%- endmacro %}
