"""Staff see what the register grants them: a transaction's list of units can narrow that, and widen it no more."""

from kit import migrations

revision = "0023"
down_revision = "0022"

GIVEN = """
create or replace function given_units() returns text[] language sql stable
return (
    select array_agg(g->>'unit')
    from directory_copy s, jsonb_array_elements(s.data->'grants') g
    where s.kind = 'staff' and s.id = nullif(current_setting('samtid.staff', true), '') and not s.ended
    and g->>'unit' = any (string_to_array(nullif(current_setting('samtid.units', true), ''), ','))
    and (g->>'role' = 'reviewer') = (current_user = 'booking_review')
);
"""


def upgrade() -> None:
    migrations.script(GIVEN)
