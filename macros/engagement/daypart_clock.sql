{#-
    Two lists in step: the instants of the last 30 local days at which a daypart begins or ends, and what begins there (null: nothing).
    A binary search among these hundred instants costs a fraction of asking every check-in for its local hour.
-#}
{% macro daypart_clock(dayparts) -%}
    select
        array_agg(edges.instant order by edges.instant, edges.hour_from nulls first) as instants,
        array_agg(edges.hour_from order by edges.instant, edges.hour_from nulls first) as hours_from
    from (
        select
            edge_hours.hour_from,
            {{ instant_of('(local_days.local_day + make_interval(hours => edge_hours.local_hour))') }} as instant
        from
            generate_series(
                date_trunc('day', {{ local_time(days_ago(30)) }}),
                date_trunc('day', {{ local_time(panel_now()) }}),
                interval '1 day'
            ) as local_days (local_day)
        cross join (
            select hour_from as local_hour, hour_from from {{ dayparts }}
            union all
            select hour_below as local_hour, null as hour_from from {{ dayparts }}
        ) as edge_hours
    ) as edges
{%- endmacro %}
