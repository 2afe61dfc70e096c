{#-
    A look-up per person is fast with an index on (student, time) and very slow without; one pass over all check-ins is neither.
    PostgreSQL cannot choose between them by itself, so both stand here, and a look at the catalogue, once a query, lets one run.
-#}
{% macro latest_checkins(people, columns, before=none) -%}
    {%- set people_columns -%}
        {%- for column in columns -%}
        people.{{ column }},
        {% endfor -%}
    {%- endset -%}

    select
        {{ people_columns -}}
        latest_checkin.checkin_time as last_checkin_time
    from {{ people }} as people
    cross join lateral (
        select checkins.checkin_time
        from (select * from {{ ref('stg_engagement__checkins') }}) as checkins
        where
            people.student_id = checkins.student_id
            {%- if before %}
            and checkins.checkin_time < people.{{ before }}
            {%- endif %}
        order by checkins.checkin_time desc
        limit 1
    ) as latest_checkin
    where {{ attendance_has_index('by_student') }}

    union all

    select
        {{ people_columns -}}
        max(checkins.checkin_time) as last_checkin_time
    from {{ people }} as people
    inner join (select * from {{ ref('stg_engagement__checkins') }}) as checkins
        on
            people.student_id = checkins.student_id
            {%- if before %}
            and checkins.checkin_time < people.{{ before }}
            {%- endif %}
    where not {{ attendance_has_index('by_student') }}
    group by
        people.{{ columns | join(',\n        people.') }}
{%- endmacro %}
