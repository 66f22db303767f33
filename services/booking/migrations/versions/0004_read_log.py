"""What staff read of families is written into a log that nobody can change."""

from kit import migrations

revision = "0004"
down_revision = "0003"

LOG = """
create table read_log (
    id bigint primary key,
    at timestamptz not null,
    staff text not null,
    role text not null,
    unit text not null,
    family uuid,
    booking uuid,
    what text not null constraint read_log_what_check
        check (what in ('booking', 'contact', 'list', 'export', 'calendar', 'search', 'review')),
    why text not null constraint read_log_why_check
        check (why ~ '^[a-z][a-z -]*( > [a-z][a-z -]*)*$' and length(why) <= 80),
    previous bytea not null,
    hash bytea not null
);
create index read_log_unit_at_idx on read_log (unit, at);
create index read_log_family_idx on read_log (family);

-- The last row that was written. Writers wait for each other here, so that ids have no gaps.
create table read_log_head (
    single boolean primary key default true constraint read_log_head_single_check check (single),
    id bigint not null,
    hash bytea not null
);
insert into read_log_head (id, hash) values (0, decode(repeat('00', 32), 'hex'));

-- Each value with its length in bytes, as booking.reviews.rules.digest has it.
create function of_length(value text) returns text language sql immutable set search_path = pg_catalog, pg_temp
return octet_length(convert_to(coalesce(value, ''), 'UTF8')) || ':' || coalesce(value, '') || ',';

-- Whoever serves has no other way to write. Who reads is whom the transaction was opened for.
create function log_read(at timestamptz, role text, unit text, family uuid, booking uuid, what text, why text)
returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    staff text := nullif(current_setting('samtid.staff', true), '');
    head record;
    made bytea;
begin
    if staff is null then
        raise insufficient_privilege using message = 'the transaction does not say who reads';
    end if;
    select h.id, h.hash into strict head from public.read_log_head h for update;
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
"""

# The function acts as a role that nobody can take, and that cannot read what it wrote. Not even the owner of the tables
# may change a row, unless it first gives itself leave to.
GRANTS = """
grant usage on schema public to booking_log, booking_review;
grant create on schema public to booking_log;
revoke execute on function log_read from public;
grant execute on function log_read to booking, booking_review;
alter function log_read owner to booking_log;
revoke create on schema public from booking_log;

revoke all on read_log, read_log_head from booking_owner;
grant insert on read_log to booking_log;
grant select, update on read_log_head to booking_log;
grant select on read_log, read_log_head to booking_owner;
grant select on read_log to booking_review;
grant select (at, role, unit, family, what) on read_log to booking;
grant select on directory_copy to booking_review;
grant select (id, reference, advisor, unit) on booking to booking_review;

grant execute on function of_length(text) to booking_log;
grant execute on function given_units() to booking_review;
"""

POLICIES = """
alter table read_log enable row level security, force row level security;
create policy written on read_log for insert to booking_log with check (true);
-- Whoever reviews sees what was read of these units, and of families nothing.
create policy of_units on read_log for select to booking_review using (unit = any ((select given_units())::text[]));
create policy of_units_reviewed on booking for select to booking_review
    using (unit = any ((select given_units())::text[]));
-- A family may know who has read of it.
create policy of_token on read_log for select to booking
    using (family = (select family from booking where token_hash = (select given_token())));
-- To verify the chain. The owner could give itself this and more.
create policy verified on read_log for select to booking_owner using (id is not null);
"""


def upgrade() -> None:
    migrations.script(LOG + GRANTS + POLICIES)
