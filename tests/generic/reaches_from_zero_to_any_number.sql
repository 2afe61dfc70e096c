{#- The first range begins at 0, and the last, and no other, has no end. -#}
{% test reaches_from_zero_to_any_number(model, lower_bound_column, upper_bound_column) %}

select
    min({{ lower_bound_column }}) as first_lower_bound,
    max({{ lower_bound_column }}) as last_lower_bound,
    array_agg({{ lower_bound_column }}) filter (where {{ upper_bound_column }} is null) as without_end
from {{ model }}
having
    min({{ lower_bound_column }}) is distinct from 0
    or array_agg({{ lower_bound_column }}) filter (where {{ upper_bound_column }} is null)
    is distinct from array[max({{ lower_bound_column }})]

{% endtest %}
