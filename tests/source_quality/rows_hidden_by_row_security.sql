-- What: row-level security of a table behind the panel hides every row from the role that is named.
-- When it matters: always; the panel is empty or lacks a source, and nothing raises an error.
-- To resolve: as the owner of the table, create a policy `for select to` that role `using (true)`.
select
    relation_name,
    role_name,
    finding
from (
    {{ row_security_sql() | indent(4) }}
) as secured
where shows_nothing
