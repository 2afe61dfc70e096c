{#-
    Drops the plain views that depend on some relations (and those relations, if they are views), makes a change, and puts
    the views back with owner, options, grants and comments. Nothing is dropped by cascade: what could not be put back is named.

    Goes inside a deployment block. roots: SQL of an array of oids. change: SQL of the text of a statement.
-#}
{% macro _rebuild_sql(roots, change) -%}
select {{ engagement_panel._views_above(roots) }} into views;
select {{ roots }} || array_agg(oid) into involved from jsonb_to_recordset(views) as view (oid oid);

select string_agg(distinct obstacle, '; ') into obstacles from ({{ engagement_panel._obstacles_to_rebuilding() }}) as found;
if obstacles is not null then
    raise exception using errcode = refusal, message = format(
        '%s: nothing was changed, because not everything that depends on it could be put back: %s. Drop that by hand first;'
        ' what belongs to another role, a member of that role can put back (grant that role to %I).',
        (select string_agg(root::regclass::text, ', ') from unnest({{ roots }}) as root), obstacles, current_user
    );
end if;

-- the outermost first, as readers lock them
for item in select * from jsonb_to_recordset(views) as view (name text, depth integer) order by depth desc loop
    {{ engagement_panel._limit_lock_wait() }}
    execute 'drop view ' || item.name;
end loop;

{{ engagement_panel._limit_lock_wait() }}
begin
    execute {{ change }};
exception when insufficient_privilege then
    raise exception using errcode = refusal, message = format(
        'Nothing was changed: role %s may not make the change (%s). Run it as a member of the role that may.', current_user, sqlerrm
    );
end;

for item in
    select *
    from jsonb_to_recordset(views) as view (
        name text, depth integer, is_root boolean, definition text, column_types jsonb, casts text, has_own_acl boolean,
        restorations jsonb, column_comments jsonb
    )
    order by depth
loop
    begin
        if not item.is_root then
            execute format('create view %s as %s', item.name, item.definition);
            -- PostgreSQL keeps no cast to the type that a column had
            if {{ engagement_panel._column_types('item.name::regclass') }} <> item.column_types then
                execute 'drop view ' || item.name;
                execute format('create view %s as select %s from (%s) as put_back', item.name, item.casts, item.definition);
            end if;
        end if;
        for restoration in
            {{ engagement_panel._revocations('item.name', 'item.has_own_acl') | indent(12) }}
            union all
            select * from jsonb_array_elements_text(item.restorations)
            union all
            select format('comment on column %s.%I is %L', item.name, attname, item.column_comments ->> attname)
            from pg_attribute
            where attrelid = item.name::regclass and item.column_comments ? attname
        loop
            execute restoration;
        end loop;
    exception
        when lock_not_available then
            raise;
        when others then
            raise exception using errcode = refusal, message = format(
                'Nothing was changed: %s could not be put back upon the change (%s).', item.name, sqlerrm
            );
    end;
end loop;
{%- endmacro %}

{#- One entry per plain view to take down, with all that is needed to put it back. -#}
{% macro _views_above(roots) -%}
(
    with recursive tree (oid, depth) as (
        select root, 0 from unnest({{ roots }}) as root
        union
        select pg_rewrite.ev_class, tree.depth + 1
        from tree
        inner join pg_depend on pg_depend.refclassid = 'pg_class'::regclass and tree.oid = pg_depend.refobjid
        inner join pg_rewrite on pg_depend.classid = 'pg_rewrite'::regclass and pg_depend.objid = pg_rewrite.oid
        inner join pg_class on pg_rewrite.ev_class = pg_class.oid and pg_class.relkind = 'v'
        where pg_rewrite.ev_class <> tree.oid
    )

    select coalesce(jsonb_agg(jsonb_build_object(
        'oid', pg_class.oid,
        'name', named.name,
        'depth', placed.depth,
        'is_root', pg_class.oid = any({{ roots }}),
        'definition', rtrim(pg_get_viewdef(pg_class.oid), ';'),
        'column_types', {{ engagement_panel._column_types('pg_class.oid') }},
        'casts', (
            select string_agg(format('%1$I::%2$s as %1$I', attname, format_type(atttypid, atttypmod)), ', ' order by attnum)
            from pg_attribute
            where attrelid = pg_class.oid and attnum > 0
        ),
        'has_own_acl', pg_class.relacl is not null,
        'restorations', (
            select jsonb_agg(statement) from (
                select format('alter view %s owner to %s', named.name, pg_class.relowner::regrole)
                union all
                select format('alter view %s set (%s)', named.name, array_to_string(pg_class.reloptions, ', '))
                where pg_class.reloptions is not null
                union all
                select format('comment on view %s is %L', named.name, obj_description(pg_class.oid, 'pg_class'))
                union all
                select format(
                    'grant %s%s on %s to %s%s', acl.privilege_type, acl.columns, named.name, {{ engagement_panel._role_name('acl.grantee') }},
                    case when acl.is_grantable then ' with grant option' else '' end
                )
                from ({{ engagement_panel._privileges_on('pg_class.oid') }}) as acl
            ) as listed (statement)
        ),
        'column_comments', (
            select coalesce(jsonb_object_agg(attname, col_description(attrelid, attnum)), '{}')
            from pg_attribute
            where attrelid = pg_class.oid and col_description(attrelid, attnum) is not null
        )
    )), '[]')
    from (select oid, max(depth) as depth from tree group by oid) as placed
    inner join pg_class on placed.oid = pg_class.oid and pg_class.relkind = 'v'
    inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
    cross join format('%I.%I', pg_namespace.nspname, pg_class.relname) as named (name)
)
{%- endmacro %}

{#- What depends on the views to drop and is no plain view, and what this role could not restore of them. -#}
{% macro _obstacles_to_rebuilding() -%}
    select pg_describe_object(pg_depend.classid, pg_depend.objid, pg_depend.objsubid) as obstacle
    from pg_class
    inner join pg_type on pg_class.reltype = pg_type.oid
    inner join pg_depend
        on
            (pg_depend.refclassid = 'pg_class'::regclass and pg_depend.refobjid = pg_class.oid)
            or (pg_depend.refclassid = 'pg_type'::regclass and pg_depend.refobjid in (pg_type.oid, pg_type.typarray))
    left join pg_rewrite on pg_depend.classid = 'pg_rewrite'::regclass and pg_depend.objid = pg_rewrite.oid
    where
        pg_class.oid = any(involved) and pg_class.relkind = 'v'
        and pg_depend.deptype <> 'i'
        and (pg_rewrite.ev_class = any(involved) and pg_rewrite.rulename = '_RETURN') is not true
    union all
    select format('%s belongs to role %s', pg_class.oid::regclass, pg_class.relowner::regrole)
    from pg_class
    where pg_class.oid = any(involved) and pg_class.relkind = 'v' and not pg_has_role(pg_class.relowner, 'usage')
    union all
    select format('role %s granted %s on %s', acl.grantor::regrole, acl.privilege_type, pg_class.oid::regclass)
    from pg_class
    cross join lateral ({{ engagement_panel._privileges_on('pg_class.oid') }}) as acl
    where pg_class.oid = any(involved) and pg_class.relkind = 'v' and acl.grantor <> pg_class.relowner
{%- endmacro %}

{#- Privileges on a relation and, with `columns` as ' (name)', on its columns. -#}
{% macro _privileges_on(oid) -%}
    select acl.grantor, acl.grantee, acl.privilege_type, acl.is_grantable, '' as columns
    from pg_class as relation, aclexplode(relation.relacl) as acl
    where relation.oid = {{ oid }}
    union all
    select acl.grantor, acl.grantee, acl.privilege_type, acl.is_grantable, format(' (%I)', pg_attribute.attname) as columns
    from pg_attribute, aclexplode(pg_attribute.attacl) as acl
    where pg_attribute.attrelid = {{ oid }}
{%- endmacro %}

{#- Statements that take back what default privileges gave to a new relation. -#}
{% macro _revocations(name, from_owner='false') -%}
select format('revoke all on %s from %s', {{ name }}, {{ engagement_panel._role_name('acl.grantee') }})
from pg_class, aclexplode(coalesce(pg_class.relacl, acldefault('r', pg_class.relowner))) as acl
where pg_class.oid = {{ name }}::regclass and (acl.grantee <> pg_class.relowner or {{ from_owner }})
{%- endmacro %}

{% macro _role_name(oid) -%}
    case when {{ oid }} = 0 then 'public' else {{ oid }}::regrole::text end
{%- endmacro %}

{% macro _column_types(oid) -%}
    (
        select jsonb_agg(format_type(atttypid, atttypmod) order by attnum)
        from pg_attribute
        where attrelid = {{ oid }} and attnum > 0
    )
{%- endmacro %}
