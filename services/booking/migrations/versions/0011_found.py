"""What is looked for often is found without going through all that there ever was.

An index is built in moments here, while who would write waits. Where a table has many millions of rows, make the index
before, by hand and with the same name, by `create index concurrently`, which no transaction may hold: what is there
already is left as it is.
"""

from kit import inbox, migrations

revision = "0011"
down_revision = "0010"

# That no booking is longer tells an advisor's day how far back one may have begun.
LENGTH = "alter table booking add constraint booking_length_check check (end_at - start_at <= interval '1 day');\n"

INDEXES = """
create index if not exists booking_advisor_idx on booking (advisor, start_at);
create index if not exists family_phone_idx on family (phone_hint, unit) where sealed is not null and erased_at is null;
create index if not exists family_kept on family (id) where erased_at is null;
create index if not exists erasure_at_idx on erasure (at);
create index if not exists busy_pool_idx on busy (pool, day) where pool is not null;
create index if not exists entitlement_open on entitlement (last) where not closed;
create index if not exists figure_booking_place_idx on figure_booking (municipality, place) where modality = 'visit';
create index if not exists directory_copy_slug_idx on directory_copy ((data->>'slug')) where kind = 'municipality';
create index if not exists directory_copy_advisor_idx on directory_copy ((data->>'advisor')) where kind = 'schedule';
create index if not exists directory_copy_identity_idx on directory_copy ((data->>'identity')) where kind = 'staff';
create index if not exists directory_copy_grants_idx on directory_copy using gin ((data->'grants'))
    where kind = 'staff';
"""


def upgrade() -> None:
    migrations.script(LENGTH + INDEXES + inbox.INDEX_V2)
