{#- The relation holds exactly `expected` rows. -#}
{% test row_count(model, expected) %}

select count(*) as found
from {{ model }}
having count(*) <> {{ expected }}

{% endtest %}
