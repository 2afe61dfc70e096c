{#- The major versions of PostgreSQL that the panel works on. README.md says so too, and .github/workflows/test.yml tests them. -#}
{% macro supported_postgres() -%}
    {{ return({'from': 14, 'to': 18}) }}
{%- endmacro %}

{#- An older server lacks what the views need; a newer one may do. -#}
{% macro postgres_version_findings(server_version_num) -%}
    {%- set supported = supported_postgres() -%}
    {%- set major = server_version_num // 10000 -%}
    {%- set sentence = 'The server is PostgreSQL ' ~ major ~ '; the panel supports ' ~ supported.from ~ ' to ' ~ supported.to ~ '.' -%}
    {{ return({
        'problems': [sentence ~ ' Upgrade the server.'] if major < supported.from else [],
        'warnings': [sentence ~ ' Look for a newer panel.'] if major > supported.to else [],
    }) }}
{%- endmacro %}
