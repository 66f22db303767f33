"""Families' routes log in as a role of their own, to which no booking is shown by units, and staff's need no link.

Run `samtid databases` before it, which makes the role. Code of before goes on working until it is stopped, but opens no
link.
"""

from kit import migrations

revision = "0028"
down_revision = "0027"

# What a family books and changes by its link, and what it searches in. It reads no log but that of its own booking.
GRANTS = """
grant usage on schema public to booking_public;
grant select on directory_copy, reach, open_block to booking_public;
grant select, update on advisor_day to booking_public;
grant select, insert, update, delete on busy to booking_public;
-- Whose a booking is does not change.
grant select, insert, delete,
      update (advisor, modality, place, start_at, end_at, zone, status, sequence, changed_at, late, expires_at)
    on booking to booking_public;
grant select, insert, update (sealed, phone_fingerprint, email_fingerprint) on family to booking_public;
grant select, insert on idempotency, booking_change to booking_public;
grant select, update (used, lent, borrowed) on entitlement to booking_public;
grant insert, select (id, at, pool, period, municipality, kind, minutes, lender) on ledger to booking_public;
grant insert on outbox to booking_public;
grant select (at, role, unit, booking, what) on read_log to booking_public;
grant execute on function given_token(), given_key(), refuse_overlap(), minutes_of(tstzmultirange) to booking_public;
set role booking_ahead;
grant execute on function may_book, under_pressure to booking_public;
reset role;
revoke select on read_log from booking;
revoke execute on function given_token() from booking;
"""

# A booking with a link of one's own would open its family, were it one that is there already: that of another. The
# function is stable, and sees nothing of the statement that makes both.
IS_NEW = """
create function is_new(family uuid) returns boolean language sql stable security definer
set search_path = pg_catalog, pg_temp return not exists (select from public.family f where f.id = is_new.family);
grant create on schema public to booking_ahead;
revoke execute on function is_new from public;
grant execute on function is_new to booking_public;
alter function is_new owner to booking_ahead;
revoke create on schema public from booking_ahead;
grant select (unit) on family to booking_ahead;
create policy known on family for select to booking_ahead using (unit <> '');
"""

POLICIES = """
alter policy held on booking to booking, booking_public, booking_sweep;
create policy new on booking for insert to booking_public with check (status = 'confirmed' and is_new(family));
alter policy of_token on booking to booking_public;
alter policy of_token_changed on booking to booking_public;
alter policy of_booking on booking to booking_answer;
alter policy made on family to booking, booking_public;
alter policy of_token on family to booking_public;
alter policy of_token_changed on family to booking_public;
alter policy made on idempotency to booking, booking_public;
alter policy of_key on idempotency to booking, booking_public;
alter policy of_booking on booking_change to booking, booking_public;
alter policy of_token on read_log to booking_public;
"""


def upgrade() -> None:
    migrations.script(GRANTS + IS_NEW + POLICIES)
