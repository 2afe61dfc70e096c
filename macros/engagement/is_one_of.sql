{#-
    Written as a value and not as a condition: PostgreSQL then looks each student up in one hash table. A join it plans by how many
    students it expects, which without statistics are four. Citus joins on the shards, but sends the list of a value to all of them.
-#}
{% macro is_one_of(people) -%}
    (student_id in (select student_id from {{ people }})){{ on_citus('', elsewhere=' is true') }}
{%- endmacro %}
