"""A key per family: who somebody is, is sealed; identities end by rule; some are seen by named staff alone.

A migration cannot seal: the keys lie in another database. The names of families that were known before are taken away,
and the log of erasures says so. No installation was in use when it came.
"""

from kit import migrations

revision = "0007"
down_revision = "0006"

TABLES = """
alter table family
    add column sealed bytea,
    add column phone_hint smallint,
    add column email_hint smallint,
    add column protection text not null default 'none' constraint family_protection_check
        check (protection in ('none', 'sekretessmarkering', 'skyddad_folkbokforing')),
    add column erased_at timestamptz,
    add column erasing boolean not null default false,
    add constraint family_id_unit_key unique (id, unit),
    add constraint family_erasing_check check (not erasing or erased_at is not null);
create index family_erasing on family (id) where erasing;

create table erasure (
    family uuid primary key,
    at timestamptz not null,
    rule text not null
);
-- The owner too sees only what policies show it, and there is none for it: for once it sees all.
alter table family no force row level security;
insert into erasure (family, at, rule) select id, now(), 'known before keys' from family;
update family set erased_at = now();
alter table family force row level security;
alter table family
    drop column name,
    drop column phone,
    drop column email,
    add constraint family_sealed_or_erased_check check (sealed is not null or erased_at is not null);

create table family_access (
    family uuid not null,
    unit text not null,
    staff text not null,
    primary key (family, staff),
    constraint family_access_family_fkey foreign key (family, unit) references family (id, unit)
);

alter table booking add column protected boolean not null default false;
create index booking_family_idx on booking (family) where family is not null;

-- Copies of offerings did not hold how long identities are kept: they are read anew.
delete from directory_copy where kind = 'offering';
delete from inbox where consumer = 'booking-state-directory';
"""

GIVEN = """
create function given_family() returns uuid language sql stable
return nullif(current_setting('samtid.family', true), '')::uuid;

grant execute on function given_family() to booking;
grant execute on function given_before() to booking_retention;
"""

GRANTS = """
grant select, insert on family_access to booking;

grant select (id, unit, protection, created_at, erased_at, erasing),
      update (sealed, phone_hint, email_hint, erased_at, erasing) on family to booking_retention;
grant select (id, family, offering, status, end_at, changed_at) on booking to booking_retention;
grant select on directory_copy to booking_retention;
grant select, delete on family_access to booking_retention;
grant select, insert on erasure to booking_retention;
"""

POLICIES = """
-- Of a protected family nobody of the unit sees anything but whom it was named to.
alter table family_access enable row level security, force row level security;
create policy own on family_access for select to booking using (staff = (select given_staff()));
create policy of_units on family_access for insert to booking with check (unit = any ((select given_units())::text[]));

drop policy of_units on family;
create policy of_units on family for select to booking using (
    unit = any ((select given_units())::text[])
    and (protection = 'none' or exists (select from family_access a where a.family = family.id))
);
drop policy of_units on booking;
create policy of_units on booking for select to booking using (
    unit = any ((select given_units())::text[])
    and (not protected or exists (select from family_access a where a.family = booking.family))
);
drop policy of_units_changed on booking;
create policy of_units_changed on booking for update to booking using (
    unit = any ((select given_units())::text[])
    and (not protected or exists (select from family_access a where a.family = booking.family))
);
-- All that is kept about the family of a manage link, whose transaction learns first which family that is.
create policy of_family on booking for select to booking using (family = (select given_family()));

-- What ends identities sees when families were booked for, up to the instant that it was given, and no contact: it has
-- leave for no column that holds one.
create policy kept on family for select to booking_retention using (created_at <= (select given_before()));
create policy ended on family for update to booking_retention using (created_at <= (select given_before()))
    with check (erased_at is not null);
create policy visits on booking for select to booking_retention using (status <> 'held');
create policy ended on family_access to booking_retention
    using (exists (select from family f where f.id = family_access.family and f.erased_at is not null));

alter table erasure enable row level security, force row level security;
create policy logged on erasure for insert to booking_retention with check (at = (select given_before()));
create policy read on erasure for select to booking_retention using (at <= (select given_before()));
"""


def upgrade() -> None:
    migrations.script(f"grant usage on schema public to booking_retention;\n{TABLES}{GIVEN}{GRANTS}{POLICIES}")
