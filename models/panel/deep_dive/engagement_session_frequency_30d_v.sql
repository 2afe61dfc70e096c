{%- set collation = setting('engagement_bin_label_collation') -%}

with

bins as (

    select * from {{ ref('session_frequency_bins') }}

),

session_counts as ( -- one row per number of sessions that occurs

    select
        sessions_30d,
        count(*) as student_count
    from {{ ref('int_engagement__sessions_30d') }}
    group by sessions_30d

)

select
    bins.bin_label{% if collation %} collate {{ collation }}{% endif %},
    coalesce(sum(session_counts.student_count), 0)::integer as student_count
from bins
left join session_counts
    on
        bins.sessions_from <= session_counts.sessions_30d
        and (bins.sessions_below > session_counts.sessions_30d or bins.sessions_below is null)
group by
    bins.bin_label,
    bins.sessions_from
order by bins.sessions_from asc
{{- keep_order() }}
