{#-
    The value of a var. Models and macros read vars by this, so that a var that is missing or wrong is reported in one line each, not
    by a stack trace. Names are checked as dbt parses the models, because the sources' yml, which it reads later, takes any value.
-#}
{% macro setting(name) -%}
    {%- set declared_vars = declared_vars() -%}
    {%- set broken = namespace(names=false) -%}
    {%- for each, declared in declared_vars.items() if not execute and (declared.type.stand_in is not defined or not var.has_var(each)) -%}
        {%- if var_problem(each, declared) -%}
            {%- set broken.names = true -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not broken.names and not var_problem(name, declared_vars[name]) -%}
        {{ return(var(name)) }}
    {%- elif not broken.names and flags.WHICH in ('run', 'build', 'seed') -%}
        {#- These commands refuse before they change anything, and report the problems of the sources in the same message. -#}
        {{ return(declared_vars[name].type.stand_in) }}
    {%- endif -%}
    {%- do exceptions.raise_compiler_error('Fix these first:\n  - ' ~ var_problems() | join('\n  - ')) -%}
{%- endmacro %}
