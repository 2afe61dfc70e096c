{#-
    One line for each problem of the vars that are set: unknown names, missing ones, values that are not of the declared kind. A project
    that installs this one may have vars of its own, whatever they begin with, but not among those for this package alone.
-#}
{% macro var_problems() -%}
    {%- set problems = [] -%}
    {%- set our_prefixes = ('engagement_', 'deployment_', 'learning_') if project_name == 'engagement_panel' else () -%}
    {%- for name in set_vars() if name not in declared_vars() and name not in removed_vars() -%}
        {%- set nearest = nearest_var(name) -%}
        {%- if name.startswith(our_prefixes) or name in vars_for_this_package() or nearest.likeness >= 0.8 -%}
            {%- do problems.append(name ~ ': there is no such var. Did you mean ' ~ nearest.name ~ '?') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for name, declared in declared_vars().items() if var_problem(name, declared) -%}
        {%- do problems.append(var_problem(name, declared)) -%}
    {%- endfor -%}
    {%- if execute and not var_problem('engagement_disabled_views', declared_vars().engagement_disabled_views) -%}
        {%- for name in var('engagement_disabled_views') if 'model.engagement_panel.' ~ name not in disabled_models() -%}
            {%- do problems.append('engagement_disabled_views: the panel has no view ' ~ name ~ '.') -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if not problems and var('engagement_ambassador_from_score') < var('engagement_high_from_score') -%}
        {%- do problems.append(
            'engagement_ambassador_from_score: is ' ~ var('engagement_ambassador_from_score')
            ~ ', must not be below engagement_high_from_score (' ~ var('engagement_high_from_score') ~ ').'
        ) -%}
    {%- endif -%}
    {{ return(problems) }}
{%- endmacro %}

{% macro var_problem(name, declared) -%}
    {%- set value, types = var(name, none), var_types() -%}
    {%- if not var.has_var(name) -%}
        {{ return(name ~ ': is not set. Set it in dbt_project.yml, to its default or your own value.') }}
    {%- elif value is none -%}
        {%- set fits = declared.or_null -%}
    {%- elif declared.type == types.list -%}
        {%- set fits = value is sequence and value is not string and value is not mapping
            and value | reject('string') | list == [] and '' not in value -%}
    {%- elif declared.type == types.true_or_false -%}
        {%- set fits = value is boolean -%}
    {%- elif declared.type in (types.text, types.condition) -%}
        {%- set fits = value is string and value | trim != '' -%}
    {%- else -%}
        {%- set fits = (value is integer or (value is float and declared.type == types.number))
            and (declared.above is not defined or value > declared.above)
            and (declared.from is not defined or value >= declared.from) -%}
        {%- if fits and not value <= declared.to -%}
            {{ return(name ~ ': is ' ~ tojson(value) ~ ', must be no more than ' ~ declared.to ~ '.') }}
        {%- endif -%}
    {%- endif -%}
    {%- if not fits -%}
        {{ return(
            name ~ ': is ' ~ tojson(value) ~ ', must be ' ~ ('null or ' if declared.or_null else '') ~ declared.type.article
            ~ (' of ' ~ declared.unit if declared.unit is defined else '')
            ~ (' above ' ~ declared.above if declared.above is defined else '')
            ~ (' from ' ~ declared.from ~ ' to ' ~ declared.to if declared.from is defined else '') ~ '.'
        ) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#- `stand_in` is a value that SQL can be written with; a name has none, for models/staging/_sources.yml needs the right one. -#}
{% macro var_types() -%}
    {{ return({
        'text': {'article': 'text'},
        'condition': {'article': 'SQL in quotes: YAML reads no, yes, true and false without quotes as booleans', 'stand_in': 'true'},
        'true_or_false': {'article': 'true or false', 'stand_in': false},
        'number': {'article': 'a number', 'stand_in': 1},
        'whole_number': {'article': 'a whole number', 'stand_in': 1},
        'list': {'article': 'a list of names, for instance [one, another]', 'stand_in': []},
    }) }}
{%- endmacro %}

{#- The names that are set: in the project that runs, there for this package alone, or by --vars. -#}
{% macro set_vars() -%}
    {{ return((adapter.config.vars.to_dict() | list + vars_for_this_package() + adapter.config.cli_vars | list) | unique | list) }}
{%- endmacro %}

{% macro vars_for_this_package() -%}
    {{ return(adapter.config.vars.to_dict().get('engagement_panel', {}) | list) }}
{%- endmacro %}

{#- The declared var that shares most pairs of neighbouring letters with a name, and the share: 1 if they are the same. -#}
{% macro nearest_var(name) -%}
    {%- set found = namespace(name=none, likeness=-1) -%}
    {%- set pairs = letter_pairs(name) -%}
    {%- for declared in declared_vars() -%}
        {%- set declared_pairs = letter_pairs(declared) -%}
        {%- set likeness = 2 * pairs.intersection(declared_pairs) | length / (pairs | length + declared_pairs | length) -%}
        {%- if likeness > found.likeness -%}
            {%- set found.name = declared -%}
            {%- set found.likeness = likeness -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return({'name': found.name, 'likeness': found.likeness}) }}
{%- endmacro %}

{% macro letter_pairs(name) -%}
    {%- set pairs = [] -%}
    {%- for i in range(name | length - 1) -%}
        {%- do pairs.append(name[i:i + 2] | lower) -%}
    {%- endfor -%}
    {{ return(set(pairs)) }}
{%- endmacro %}

{#- `graph` has the enabled models only: dbt's own list of the others is where `ref` looks, too. -#}
{% macro disabled_models() -%}
    {{ return(ref.manifest.disabled | list) }}
{%- endmacro %}
