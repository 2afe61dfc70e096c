{#- No two rows agree in all of the columns; nulls agree with each other. -#}
{% test unique_combination_of_columns(model, combination_of_columns) %}

select {{ combination_of_columns | join(', ') }}
from {{ model }}
group by {{ combination_of_columns | join(', ') }}
having count(*) > 1

{% endtest %}


{#- The column is within the given bounds; null is. -#}
{% test accepted_range(model, column_name, min_value=none, max_value=none) %}

select *
from {{ model }}
where false
    {%- if min_value is not none %} or not ({{ column_name }} >= {{ min_value }}){% endif %}
    {%- if max_value is not none %} or not ({{ column_name }} <= {{ max_value }}){% endif %}

{% endtest %}


{#- Each range ends before, or where, the next one begins; no bound is null. -#}
{% test mutually_exclusive_ranges(model, lower_bound_column, upper_bound_column, gaps='allowed') %}

{%- set end_to_next_start = {'allowed': '<=', 'not_allowed': '='} -%}
{%- if gaps not in end_to_next_start -%}
    {{ exceptions.raise_compiler_error(
        "mutually_exclusive_ranges: gaps is '" ~ gaps ~ "', not one of " ~ end_to_next_start | join(', ')
    ) }}
{%- endif -%}

with

ranges as (

    select
        *,
        lead({{ lower_bound_column }}) over (order by {{ lower_bound_column }}, {{ upper_bound_column }}) as next_lower_bound,
        row_number() over (order by {{ lower_bound_column }} desc, {{ upper_bound_column }} desc) = 1 as is_last
    from {{ model }}

)

select *
from ranges
where (
    {{ lower_bound_column }} < {{ upper_bound_column }}
    and coalesce({{ upper_bound_column }} {{ end_to_next_start[gaps] }} next_lower_bound, is_last)
) is not true

{% endtest %}


{#- Both relations have equally many rows; the failures are the difference. -#}
{% test equal_rowcount(model, compare_model) %}

{{ config(fail_calc='sum(difference)') }}

select abs((select count(*) from {{ model }}) - (select count(*) from {{ compare_model }})) as difference

{% endtest %}
