-- What: row-level security of a table behind the panel may hide some rows from the role that is named.
-- When it matters: unless it is meant to; the panel counts only the rows that the policies show.
-- To resolve: as the owner of the table, create a policy `for select to` that role `using (true)`.
{{ config(severity='warn') }}

select
    relation_name,
    role_name,
    finding
from (
    {{ row_security_sql() | indent(4) }}
) as secured
where not shows_nothing
