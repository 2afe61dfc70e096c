{#-
    The views that a project leaves to others, though it has a model for each: what is there stays, and is no leftover. A project that
    has its own way to say so defines `postgres__disabled_views`, which returns the views' `names` and, for messages, `how` to add one.
-#}
{% macro disabled_views() -%}
    {{ return(adapter.dispatch('disabled_views', 'engagement_panel')()) }}
{%- endmacro %}

{% macro default__disabled_views() -%}
    {{ return({'names': [], 'how': 'disable its model'}) }}
{%- endmacro %}

{#- Another project may deploy a model of its own in place, which is not in our list. -#}
{% macro _how_to_keep_a_view(package='engagement_panel') -%}
    {%- set disabled = engagement_panel.disabled_views if package == 'engagement_panel' else engagement_panel.default__disabled_views -%}
    {{ return(' To keep it as it is, ' ~ disabled().how ~ '.') }}
{%- endmacro %}
