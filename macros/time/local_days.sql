{#- The first of the last so many local days, of which today is the last. -#}
{% macro first_of_local_days(number) -%}
    ({{ local_date(panel_now()) }} - {{ number - 1 }})
{%- endmacro %}

{#- If the clocks go back over midnight, as in Havana, midnight comes twice and the date begins with the first. -#}
{% macro start_of_local_day(local_day) -%}
    {%- set midnight = instant_of(local_day ~ '::timestamp') -%}
    {%- set hour_before = '(' ~ midnight ~ " - interval '1 hour')" -%}
    case when {{ local_date(hour_before) }} = {{ local_day }} then {{ hour_before }} else {{ midnight }} end
{%- endmacro %}

{% macro week_of(local_day) -%}
    date_trunc('week', {{ local_day }}::timestamp)::date
{%- endmacro %}

{% macro local_days(first_day) -%}
    select
        days.day_number,
        days.local_day::date as local_day,
        {{ start_of_local_day('days.local_day::date') }} as starts_at
    from
        generate_series(
            {{ first_day }}::timestamp,
            {{ local_date(panel_now()) }}::timestamp,
            interval '1 day'
        ) with ordinality as days (local_day, day_number)
{%- endmacro %}

{#-
    A zone may be off by part of an hour, and its clocks may change within an hour of any name. Both happen in quarters of an hour,
    so the hour changes at one of the quarters, counted by elapsed time.
-#}
{% macro local_hours(first_day) -%}
    select
        row_number() over (order by instants.starts_at) as hour_number,
        date_trunc('hour', {{ local_time('instants.starts_at') }}) as local_hour,
        instants.starts_at
    from
        generate_series(
            {{ start_of_local_day(first_day) }},
            {{ panel_now() }},
            interval '15 minutes'
        ) with ordinality as instants (starts_at, quarter_number)
    where
        instants.quarter_number = 1
        or date_trunc('hour', {{ local_time('instants.starts_at') }})
        <> date_trunc('hour', {{ local_time("(instants.starts_at - interval '15 minutes')") }})
{%- endmacro %}
