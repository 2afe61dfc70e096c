{#- What each var may be. Its default and its meaning are in dbt_project.yml. -#}
{% macro declared_vars() -%}
    {%- set types = var_types() -%}
    {%- set name = {'type': types.text} -%}
    {%- set name_or_null = {'type': types.text, 'or_null': true} -%}
    {%- set condition = {'type': types.condition} -%}
    {%- set score = {'type': types.number, 'from': 0, 'to': 100} -%}
    {{ return({
        'engagement_students_schema': name,
        'engagement_students_table': name,
        'engagement_students_id_column': name,
        'engagement_students_full_name_column': name,
        'engagement_students_level_column': name,
        'engagement_students_condition': condition,
        'engagement_students_active_condition': condition,
        'engagement_attendance_schema': name,
        'engagement_attendance_table': name,
        'engagement_attendance_student_id_column': name,
        'engagement_attendance_checkin_time_column': name,
        'engagement_attendance_checkout_time_column': name_or_null,
        'engagement_attendance_condition': condition,
        'engagement_attendance_checkout_condition': condition,
        'learning_at_risk_schema': name,
        'learning_at_risk_table': name,
        'learning_at_risk_student_id_column': name,
        'learning_at_risk_stuck_column': name_or_null,
        'learning_at_risk_slow_column': name_or_null,
        'learning_stuck_students_enabled': {'type': types.true_or_false},
        'learning_stuck_students_schema': name,
        'learning_stuck_students_table': name,
        'learning_stuck_students_student_id_column': name,
        'engagement_disabled_views': {'type': types.list},
        'deployment_readers': {'type': types.list},
        'deployment_lock_wait_ms': {'type': types.whole_number, 'unit': 'milliseconds', 'above': 0, 'to': 60000},
        'engagement_timezone': name,
        'engagement_consistency_sessions_target': {'type': types.number, 'above': 0, 'to': 1000},
        'engagement_avg_gap_history_days': {'type': types.whole_number, 'unit': 'days', 'above': 0, 'to': 36500, 'or_null': true},
        'engagement_visit_gap_days': {'type': types.whole_number, 'unit': 'days', 'above': 0, 'to': 36500, 'or_null': true},
        'engagement_session_longest_hours': {'type': types.number, 'unit': 'hours', 'from': 1, 'to': 20},
        'engagement_bin_label_collation': name_or_null,
        'engagement_checkin_silence_hours': {'type': types.whole_number, 'unit': 'hours', 'above': 0, 'to': 8760},
        'engagement_view_limit_ms': {'type': types.whole_number, 'unit': 'milliseconds', 'from': 0, 'to': 60000},
        'engagement_call_from_days': {'type': types.whole_number, 'unit': 'days', 'above': 0, 'to': 36500},
        'engagement_high_from_sessions': {'type': types.whole_number, 'unit': 'sessions', 'above': 0, 'to': 1000},
        'engagement_high_from_score': score,
        'engagement_ambassador_from_score': score,
        'engagement_list_length': {'type': types.whole_number, 'unit': 'students', 'above': 0, 'to': 100000},
    }) }}
{%- endmacro %}
