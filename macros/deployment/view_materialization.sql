{#- In place of dbt's own view materialization, which swaps by renaming and drops the old view with all that stands on it. -#}
{% materialization view, adapter='postgres' %}
    {%- set target_relation = this.incorporate(type='view') -%}

    {%- if flags.EMPTY or invocation_args_dict.get('sample') -%}
        {%- call noop_statement('main', 'left as it is, readers would miss rows') -%} {{ sql }} {%- endcall -%}
        {{ return({'relations': [target_relation]}) }}
    {%- endif -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- set outcome = attempt_deployment(this.render(), deploy_view_sql(this, sql)) -%}
    {%- call noop_statement('main', outcome) -%} {{ sql }} {%- endcall -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
