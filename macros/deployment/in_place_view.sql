{#-
    In place of dbt's own view materialization, which swaps by renaming and drops the old view with everything that depends on it.
    Two names: dbt ignores a package's `view`, so a project that installs this one says `in_place_view`; `dbt clone` calls `view`.
-#}
{% materialization view, adapter='postgres' %}
    {{ return(engagement_panel._deploy_view()) }}
{% endmaterialization %}

{% materialization in_place_view, adapter='postgres' %}
    {{ return(engagement_panel._deploy_view()) }}
{% endmaterialization %}

{% macro _deploy_view() -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}

    {%- set outcome = engagement_panel._attempt(this.render(), engagement_panel._deploy_view_sql(this, sql), pre_hooks) -%}
    {%- call noop_statement('main', outcome) -%} {{ sql }} {%- endcall -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [this.incorporate(type='view')]}) }}
{%- endmacro %}
