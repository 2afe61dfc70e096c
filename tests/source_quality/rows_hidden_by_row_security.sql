-- What: a table behind the panel has row-level security, whose policies may hide rows from the role that is named.
-- When it matters: if they do; the panel counts only the rows that it is shown, and raises no error.
-- To resolve: create a policy `for select to that role using (true)`, as the owner of the table.
{{ config(severity='warn') }}

select
    relation_name,
    role_name,
    finding
from (
    {{ row_security_sql() | indent(4) }}
) as hidden
