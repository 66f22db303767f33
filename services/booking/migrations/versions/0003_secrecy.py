"""Each booking and family belongs to a unit, and the database itself shows a row only to whom it may be shown.

Code of before cannot book beside this: it knows no units. No installation was in use when it came.
"""

from booking.roles import NARROW, SERVICE
from kit import inbox, limits, migrations, outbox, roles

revision = "0003"
down_revision = "0002"

# What was booked before belongs to the unit of its offering; where only its advisor is known, to the employer's; where
# neither is, to a unit that nobody has. Copies of offerings did not hold their unit: they are read anew.
UNITS = """
alter table booking add column unit text;
update booking b set unit = coalesce(
    (select data->>'unit' from directory_copy where kind = 'offering' and id = b.offering),
    (select data->>'unit' from directory_copy where kind = 'advisor' and id = b.advisor),
    '?'
);
alter table booking alter column unit set not null;
create index booking_unit_idx on booking (unit, start_at);

alter table family add column unit text;
update family f set unit = coalesce((select min(unit) from booking where family = f.id), '?');
alter table family alter column unit set not null;

delete from reach;
alter table reach add column unit text not null;
delete from directory_copy where kind = 'offering';
delete from inbox where consumer = 'booking-state-directory';
"""

# What the transaction was told (kit.database.transaction). Null, which equals nothing, where it was told nothing.
GIVEN = """
create function given_units() returns text[] language sql stable
return string_to_array(nullif(current_setting('samtid.units', true), ''), ',');

create function given_token() returns bytea language sql stable
return decode(nullif(current_setting('samtid.token', true), ''), 'hex');

create function given_booking() returns uuid language sql stable
return nullif(current_setting('samtid.booking', true), '')::uuid;

create function given_key() returns bytea language sql stable
return decode(nullif(current_setting('samtid.key', true), ''), 'hex');

create function given_before() returns timestamptz language sql stable
return nullif(current_setting('samtid.before', true), '')::timestamptz;

grant execute on function given_units(), given_token(), given_key() to booking;
grant execute on function given_booking() to booking, booking_answer;
grant execute on function given_before() to booking_sweep;
revoke execute on function refuse_overlap() from public;
grant execute on function refuse_overlap() to booking;
"""

GRANTS = """
grant select on directory_copy, reach, open_block to booking;
grant select, update on advisor_day to booking;
grant select, insert, update, delete on busy, booking to booking;
grant select, insert on family, idempotency to booking;

grant select, insert, update on directory_copy, advisor_day to booking_reader;
grant select, insert, delete on reach, open_block to booking_reader;
grant select on busy to booking_reader;

grant select on directory_copy to booking_sweep;
grant select, insert, delete on open_block to booking_sweep;
grant select, insert, update on advisor_day to booking_sweep;
grant select, delete on busy to booking_sweep;
grant select, update (expires_at), delete on booking to booking_sweep;
grant select (created_at), delete on idempotency to booking_sweep;

grant select on directory_copy, busy, booking, family to booking_answer;
"""

# (select …) has a setting read once a statement, not once a row.
POLICIES = """
alter table booking enable row level security, force row level security;
-- No family is known of a hold.
create policy held on booking to booking, booking_sweep using (status = 'held');
create policy confirmed on booking for insert to booking with check (status = 'confirmed');
create policy of_token on booking for select to booking using (token_hash = (select given_token()));
create policy of_token_changed on booking for update to booking using (token_hash = (select given_token()));
create policy of_units on booking for select to booking using (unit = any ((select given_units())::text[]));
create policy of_units_changed on booking for update to booking using (unit = any ((select given_units())::text[]));
create policy of_booking on booking for select to booking, booking_answer using (id = (select given_booking()));

alter table family enable row level security, force row level security;
create policy made on family for insert to booking with check (true);
create policy of_units on family for select to booking using (unit = any ((select given_units())::text[]));
create policy of_token on family for select to booking
    using (id = (select family from booking where token_hash = (select given_token())));
create policy of_booking on family for select to booking_answer
    using (id = (select family from booking where id = (select given_booking())));

alter table idempotency enable row level security, force row level security;
create policy made on idempotency for insert to booking with check (true);
create policy of_key on idempotency for select to booking using (key = (select given_key()));
create policy old on idempotency to booking_sweep using (created_at < (select given_before()));
"""


def upgrade() -> None:
    grants = inbox.grants(SERVICE) + outbox.grants(SERVICE, SERVICE) + limits.grants(SERVICE) + GRANTS
    migrations.script(roles.schema(SERVICE, *NARROW) + UNITS + GIVEN + grants + POLICIES)
