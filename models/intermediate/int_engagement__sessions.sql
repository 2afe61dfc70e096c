-- without CTEs, so that PostgreSQL plans it as part of the queries that read it
select
    student_id,
    checkin_time,
    {{ session_end('checkin_time', 'checkout_time') }} as ended_at
from {{ ref('stg_engagement__checkins') }}
where {{ is_one_of(ref('stg_engagement__students')) }}
