"""The log of reads takes its time of the database itself, and takes no read that the person could not have made."""

from kit import migrations

revision = "0025"
down_revision = "0024"

# A time of its own, that whoever serves can neither say nor hold back in a transaction that began long ago.
READ_AT = """
create function read_at() returns timestamptz language sql volatile set search_path = pg_catalog, pg_temp
return clock_timestamp();
grant execute on function read_at() to booking_log;
grant execute on function given_staff(), given_units() to booking_log;
grant select on directory_copy to booking_log;
grant select (id, unit, family, status) on booking to booking_log;
grant select (id, unit, protection) on family to booking_log;
grant select on family_access to booking_log;
"""

LOG_READ = """
drop function log_read(timestamptz, text, text, uuid, uuid, text, text);
create function log_read(role text, unit text, family uuid, booking uuid, what text, why text)
returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    staff text := nullif(current_setting('samtid.staff', true), '');
    head record;
    at timestamptz;
    made bytea;
begin
    if (role = 'reviewer') <> (what = 'review') or not exists (
        select from public.directory_copy s
        where s.kind = 'staff' and s.id = staff and not s.ended
        and s.data->'grants' @> jsonb_build_array(jsonb_build_object('role', role, 'unit', unit))
    ) then
        raise insufficient_privilege using message = 'the register does not grant it';
    end if;
    if family is not null and (what = 'review' or not exists (
        select from public.family f where f.id = log_read.family and f.unit = log_read.unit
    )) or booking is not null and not exists (
        select from public.booking b where b.id = log_read.booking and b.unit = log_read.unit
        and (what = 'review' or b.family = log_read.family)
    ) then
        raise insufficient_privilege using message = 'the person does not see it';
    end if;
    select h.id, h.hash into strict head from public.read_log_head h for update;
    at := public.read_at();
    made := sha256(head.hash || convert_to(
        public.of_length((head.id + 1)::text) || public.of_length((extract(epoch from at) * 1000000)::bigint::text)
        || public.of_length(staff) || public.of_length(role) || public.of_length(unit)
        || public.of_length(family::text) || public.of_length(booking::text)
        || public.of_length(what) || public.of_length(why), 'UTF8'));
    insert into public.read_log values
        (head.id + 1, at, staff, role, unit, family, booking, what, why, head.hash, made);
    update public.read_log_head set id = head.id + 1, hash = made;
    return head.id + 1;
end $$;
grant create on schema public to booking_log;
revoke execute on function log_read from public;
grant execute on function log_read to booking, booking_review;
alter function log_read owner to booking_log;
revoke create on schema public from booking_log;
"""

# What the function asks for: a family that the transaction's person sees, and a booking of a unit that is theirs.
POLICIES = """
create policy seen on family for select to booking_log using (
    unit = any ((select given_units())::text[])
    and (protection = 'none' or exists (select from family_access a where a.family = family.id))
);
alter policy own on family_access to booking, booking_log;
create policy seen on booking for select to booking_log using (status <> 'held');
"""


def upgrade() -> None:
    migrations.script(READ_AT + LOG_READ + POLICIES)
