"""A contact is proved by a code, and opens the bookings that were made with it.

Run `samtid databases` before it, which makes the roles.
"""

from kit import migrations

revision = "0024"
down_revision = "0023"

TABLES = """
create table proof (
    id uuid primary key,
    channel text not null constraint proof_channel_check check (channel in ('sms', 'email')),
    fingerprint bytea not null constraint proof_fingerprint_check check (octet_length(fingerprint) = 32),
    family uuid references family,
    sealed bytea,
    municipality text,
    asked_at timestamptz not null,
    expires_at timestamptz not null,
    tries smallint not null default 0 constraint proof_tries_check check (tries between 0 and 5),
    proved_at timestamptz,
    token_hash bytea unique,
    ends_at timestamptz,
    constraint proof_proved_check check (proved_at is not null or token_hash is null),
    constraint proof_token_check check ((token_hash is null) = (ends_at is null))
);
create index proof_fingerprint_idx on proof (fingerprint);
create index proof_family_idx on proof (family) where family is not null;
create index proof_asked_idx on proof (asked_at);

create table code_count (
    day date not null,
    country smallint not null,
    codes integer not null,
    primary key (day, country)
);

alter table family add column phone_proved_at timestamptz, add column email_proved_at timestamptz;
"""

GIVEN = """
create function given_proof() returns uuid language sql stable
return nullif(current_setting('samtid.proof', true), '')::uuid;

create function given_fingerprint() returns bytea language sql stable
return decode(nullif(current_setting('samtid.fingerprint', true), ''), 'hex');

grant execute on function given_proof() to booking_proof, booking_answer;
grant execute on function given_fingerprint() to booking_proof;
grant execute on function given_token(), given_before() to booking_proved;
"""

# Whoever asks and confirms sees one contact's proofs, which families have it, and for which municipality they booked:
# no time, and no contact. Whoever has the token of a proof sees the bookings that were made with the contact, and an
# address alone shows none of which nothing may be told to it.
RIGHTS = """
grant usage on schema public to booking_proof, booking_proved;

grant select, insert, update (expires_at, tries, proved_at, token_hash, ends_at) on proof to booking_proof;
grant select, insert, update (codes) on code_count to booking_proof;
grant select (id, phone_fingerprint, email_fingerprint, protection, erased_at),
      update (phone_proved_at, email_proved_at) on family to booking_proof;
grant select (family, municipality, protected, created_at) on booking to booking_proof;
grant insert on outbox to booking_proof;

grant select on proof to booking_answer;

grant select, update (token_hash, ends_at) on proof to booking_proved;
grant select on family, booking, busy, directory_copy to booking_proved;

grant select (asked_at, family), delete on proof to booking_retention;
grant select (day), delete on code_count to booking_retention;
grant update (phone_proved_at, email_proved_at) on family to booking_retention;
"""

POLICIES = """
alter table proof enable row level security, force row level security;
create policy of_contact on proof to booking_proof
    using (fingerprint = (select given_fingerprint()) or id = (select given_proof()))
    with check (fingerprint = (select given_fingerprint()) or id = (select given_proof()));
create policy of_proof on proof for select to booking_answer using (id = (select given_proof()));
create policy of_token on proof for select to booking_proved
    using (token_hash = (select given_token()) and ends_at > (select given_before()));
create policy ended on proof for update to booking_proved
    using (token_hash = (select given_token())) with check (token_hash is null);
create policy old on proof to booking_retention using (asked_at <= (select given_before()));

create policy of_contact on family to booking_proof using (
    protection = 'none' and erased_at is null
    and (phone_fingerprint = (select given_fingerprint()) or email_fingerprint = (select given_fingerprint()))
);
create policy of_proof on family for select to booking_answer
    using (protection = 'none' and id = (select family from proof where id = (select given_proof())));
create policy of_proved on family for select to booking_proved using (
    protection = 'none' and erased_at is null
    and (phone_fingerprint = (select fingerprint from proof) or email_fingerprint = (select fingerprint from proof))
);

create policy of_contact on booking for select to booking_proof
    using (not protected and exists (select from family f where f.id = booking.family));
create policy of_proved on booking for select to booking_proved using (
    not protected and exists (
        select from family f where f.id = booking.family
        and (booking.by_email or f.phone_fingerprint = (select fingerprint from proof))
    )
);
"""


def upgrade() -> None:
    migrations.script(TABLES + GIVEN + RIGHTS + POLICIES)
