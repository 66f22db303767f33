"""What happened to a booking can be asked by its reference, and no family is known by that.

Run `samtid databases` before it, which makes the role.
"""

from kit import migrations

revision = "0015"
down_revision = "0014"

# Of what was moved or known before it is not known to which way, nor when it became so.
TABLES = """
alter table booking_change
    add column modality text constraint booking_change_modality_check check (modality in ('video', 'phone', 'visit'));
alter table message add column changed_at timestamptz;
create index if not exists read_log_booking_idx on read_log (booking) where booking is not null;
"""

# A booking by its reference alone, and never one of a family of protected identity. Of the family there is an id; of
# staff whether it was them, and not who read.
RIGHTS = """
create function given_reference() returns text language sql stable
return nullif(current_setting('samtid.reference', true), '');

grant usage on schema public to booking_history;
grant execute on function given_reference() to booking_history;

grant select (id, reference, status, municipality, unit, modality, start_at, end_at, zone, created_at,
              family, protected)
    on booking to booking_history;
create policy told on booking for select to booking_history
    using (reference = (select given_reference()) and not protected);

grant select (id, booking, what, at, staff, start_at, reason, modality) on booking_change to booking_history;
create policy told on booking_change for select to booking_history
    using (exists (select from booking b where b.id = booking_change.booking));

grant select on message to booking_history;
create policy asked on message for select to booking_history
    using (exists (select from booking b where b.id = message.booking));

grant select (booking, since, settled_at, why) on attention to booking_history;
create policy asked on attention for select to booking_history
    using (exists (select from booking b where b.id = attention.booking));

grant select (id, at, role, family, booking, what, why) on read_log to booking_history;
create policy told on read_log for select to booking_history using (
    booking = (select id from booking) or booking is null and family = (select family from booking)
);

grant select (id, payload, created_at, published_at) on outbox to booking_history;
"""


def upgrade() -> None:
    migrations.script(TABLES + RIGHTS)
