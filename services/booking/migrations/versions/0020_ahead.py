"""How many bookings to come somebody has made with a number or an address, counted by a role of its own."""

from kit import migrations

revision = "0020"
down_revision = "0019"

# One contact's requests one after the other, until each has committed: what is counted after the lock is seen by a
# snapshot of its own, also where the function is called within a statement that began before.
MAY_BOOK = """
create function may_book(phone bytea, email bytea, wanted text, at timestamptz, most integer)
returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    contact bytea;
    ahead integer;
begin
    for contact in select given from unnest(array[phone, email]) given where given is not null order by given loop
        perform pg_advisory_xact_lock(('x' || encode(substr(contact, 1, 8), 'hex'))::bit(64)::bigint);
    end loop;
    select count(*) into ahead
    from public.family f
    join public.booking b on b.family = f.id
    where (f.phone_fingerprint = phone or f.email_fingerprint = email) and f.sealed is not null and f.erased_at is null
        and b.status = 'confirmed' and b.offering = wanted and b.start_at > at
        and not exists (select from public.booking_change c
                        where c.booking = b.id and c.what = 'confirmed' and c.staff is not null);
    return ahead < most;
end $$;

grant usage on schema public to booking_ahead;
grant create on schema public to booking_ahead;
revoke execute on function may_book from public;
grant execute on function may_book to booking;
alter function may_book owner to booking_ahead;
revoke create on schema public from booking_ahead;

grant select (id, sealed, erased_at, phone_fingerprint, email_fingerprint) on family to booking_ahead;
create policy counted on family for select to booking_ahead using (octet_length(phone_fingerprint) = 32
    or octet_length(email_fingerprint) = 32);
grant select (id, family, status, offering, start_at) on booking to booking_ahead;
create policy counted on booking for select to booking_ahead using (status = 'confirmed');
grant select (booking, what, staff) on booking_change to booking_ahead;
create policy counted on booking_change for select to booking_ahead using (what = 'confirmed');
"""


def upgrade() -> None:
    migrations.script(MAY_BOOK)
