{#- The two indexes that the views are made for, and the columns that each begins with. They are the school's to create. -#}
{% macro attendance_indexes() -%}
    {%- set time_column = setting('engagement_attendance_checkin_time_column') -%}
    {{ return({
        'by_student': [setting('engagement_attendance_student_id_column'), time_column],
        'by_time': [time_column],
    }) }}
{%- endmacro %}

{% macro attendance_table() -%}
    {{ quoted(setting('engagement_attendance_schema')) }}.{{ quoted(setting('engagement_attendance_table')) }}
{%- endmacro %}

{% macro attendance_has_index(index) -%}
    (
        select count(*) > 0
        {{ indexes_of_attendance(index) }}
    )
{%- endmacro %}

{% macro indexes_of_attendance(index, are_valid=true) -%}
        from pg_catalog.pg_index
        inner join pg_catalog.pg_class on pg_index.indexrelid = pg_class.oid
        inner join pg_catalog.pg_am on pg_class.relam = pg_am.oid
        where
            pg_index.indrelid = {{ sql_literal(attendance_table()) }}::regclass
            and {{ '' if are_valid else 'not ' }}pg_index.indisvalid
            and pg_index.indpred is null
            and pg_am.amname = 'btree'
            {%- for column in attendance_indexes()[index] %}
            and pg_get_indexdef(pg_index.indexrelid, {{ loop.index }}, false) = quote_ident({{ sql_literal(column) }})
            {%- endfor %}
{%- endmacro %}
