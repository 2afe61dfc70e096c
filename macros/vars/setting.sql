{#-
    The value of a var. Models and macros read vars by this, so that a var that is missing or wrong is reported in one line each, not
    by a stack trace.
-#}
{% macro setting(name) -%}
    {%- set declared = declared_vars()[name] -%}
    {%- if not var_problem(name, declared) -%}
        {{ return(var(name)) }}
    {%- elif declared.type.stand_in is defined and flags.WHICH in ('run', 'build', 'seed') -%}
        {#- These commands refuse before they change anything, and report the problems of the sources in the same message. -#}
        {{ return(declared.type.stand_in) }}
    {%- endif -%}
    {%- do refuse_vars() -%}
{%- endmacro %}

{#- Models of staging call this when dbt parses them: the sources' yml, which it reads later, takes any value for a name. -#}
{% macro check_names() -%}
    {%- for name, declared in declared_vars().items() if declared.type.stand_in is not defined or not var.has_var(name) -%}
        {%- if var_problem(name, declared) -%}
            {%- do refuse_vars() -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{% macro refuse_vars() -%}
    {%- do exceptions.raise_compiler_error('Fix these first:\n  - ' ~ var_problems() | join('\n  - ')) -%}
{%- endmacro %}
