{#-
    What a deployment does with one view, as SQL of one row: the action and, if that is `refused`, the reason. The new definition is a
    temporary view by then, and so is `pg_temp.contracted`. The preview asks the same.
-#}
{% macro _decision_sql(relation, new_oid, is_same, node, full_refresh=false) -%}
{%- set view_name = engagement_panel._literal(relation.include(database=false).render()) -%}
with versions as (
    select
        deployed.oid,
        deployed.relkind,
        deployed.relowner,
        {{ engagement_panel._obstacle_to_creating(relation) }} as obstacle_to_creating,
        {{ is_same }} as is_same,
        {{ engagement_panel._column_differences('deployed.oid', 'new.oid') }} as difference,
        {% if node.config.contract.enforced -%}
        {{ engagement_panel._column_differences("'pg_temp.contracted'::regclass", 'new.oid', is_contract=true) }}
        {%- else -%} null {%- endif %} as breach
    from (select {{ new_oid }}::oid as oid) as new
    left join pg_class as deployed on deployed.oid = to_regclass({{ view_name }})
),

judged as (
    select
        case
            when oid is null then 'created'
            when is_same and difference is null then 'unchanged'
            when difference is null then 'replaced'
            else 'rebuilt'
        end as action,
        case
            when relkind <> 'v' then format(
                'it is a relation of another kind (%s). Rename it, or give the model an alias.',
                pg_describe_object('pg_class'::regclass, oid, 0)
            )
            when breach is not null then format('the model does not give the columns of its contract (%s).', breach)
            when is_same and difference is null then null
            when obstacle_to_creating is not null then obstacle_to_creating
            when not pg_has_role(relowner, 'usage') then {{ engagement_panel._not_ours('versions.oid') }}
            {%- if not full_refresh %}
            when difference is not null then format(
                'its columns would change under its readers (%s).%s To do so, add --full-refresh.%s',
                difference, (
                    select ' Views that stand on it: ' || string_agg(distinct pg_rewrite.ev_class::regclass::text, ', ') || '.'
                    from pg_depend
                    inner join pg_rewrite on pg_depend.objid = pg_rewrite.oid
                    where pg_depend.refobjid = versions.oid and pg_rewrite.ev_class <> versions.oid
                ), {{ engagement_panel._literal(engagement_panel._how_to_keep_a_view(node.package_name)) }}
            )
            {%- endif %}
        end as reason
    from versions
)

select
    case when reason is null then action else 'refused' end as action,
    reason
from judged
{%- endmacro %}

{% macro _not_ours(oid) -%}
    format(
        'it belongs to role %s, which role %s is no member of. Change its owner, or deploy as a member.',
        (select relowner::regrole from pg_class where pg_class.oid = {{ oid }}), current_user
    )
{%- endmacro %}

{#- SQL of why the deployer may not create in the relation's schema; null if it may. dbt creates a schema that is missing. -#}
{% macro _obstacle_to_creating(relation) -%}
{%- set schema = engagement_panel._literal(relation.schema) -%}
        (case
            when to_regnamespace(quote_ident({{ schema }})) is null then case
                when not has_database_privilege(current_database(), 'create') then format(
                    'there is no schema %s, and role %s may not create one. Grant it create on database %s.',
                    {{ schema }}, current_user, current_database()
                )
            end
            when not has_schema_privilege(to_regnamespace(quote_ident({{ schema }}))::oid, 'create') then format(
                'role %s may not create in schema %s. Grant it create.', current_user, {{ schema }}
            )
        end)
{%- endmacro %}

{#- A view of the columns that the model's contract promises. -#}
{% macro _create_contracted_view(node) -%}
    {%- if node.config.contract.enforced -%}
create temporary view contracted as select
    {%- for column in node.columns.values() %}
    null::{{ column.data_type }} as {{ adapter.quote(column.name) }}{{ ',' if not loop.last }}
    {%- endfor %};
    {%- endif -%}
{%- endmacro %}

{#-
    Columns of the first relation that the second has not, or has otherwise, as text; null if there are none. A contract names all
    columns, and no collation.
-#}
{% macro _column_differences(old_oid, new_oid, is_contract=false) -%}
        (
            select string_agg(format('%s -> %s', coalesce(old.description, 'none'), coalesce(new.description, 'none')), ', '
                order by attnum)
            from ({{ engagement_panel._described_columns(old_oid, not is_contract) }}) as old
            full join ({{ engagement_panel._described_columns(new_oid, not is_contract) }}) as new using (attnum)
            where old.description is distinct from new.description
            {%- if not is_contract %} and old.attnum is not null{% endif %}
        )
{%- endmacro %}

{% macro _described_columns(oid, with_collation) -%}
    select
        attnum,
        concat_ws(
            ' ', attname, format_type(atttypid, atttypmod)
            {%- if with_collation %},
            (select 'collate ' || collname from pg_collation where oid = attcollation and collname <> 'default')
            {%- endif %}
        ) as description
    from pg_attribute
    where attrelid = {{ oid }} and attnum > 0
{%- endmacro %}
