"""Copies of directory's state, free time, bookings."""

from kit import inbox, migrations, outbox

revision = "0001"
down_revision = None

BOOKING_DDL = """
create extension if not exists btree_gist;

create table directory_copy (
    kind text not null,
    id text not null,
    version integer not null,
    ended boolean not null,
    data jsonb not null,
    primary key (kind, id)
);

create table reach (
    offering text not null,
    municipality text not null,
    advisor text not null,
    first date not null,
    last date not null,
    pool text,
    modalities text[] not null,
    languages text[] not null,
    primary key (offering, municipality, advisor, first)
);

create table open_block (
    advisor text not null,
    day date not null,
    during tstzrange not null,
    modalities text[] not null,
    place text,
    zone text not null,
    primary key (advisor, day, during)
);

create table advisor_day (
    advisor text not null,
    day date not null,
    open tstzmultirange not null,
    free tstzmultirange not null,
    primary key (advisor, day)
) with (fillfactor = 70);

create table busy (
    id uuid primary key,
    advisor text not null,
    day date not null,
    during tstzrange not null,
    kind text not null constraint busy_kind_check check (kind in ('hold', 'booking')),
    constraint busy_no_overlap exclude using gist (advisor with =, during with &&)
);
create index busy_advisor_day_idx on busy (advisor, day);

create table family (
    id uuid primary key,
    name text not null,
    phone text,
    email text,
    language text not null,
    created_at timestamptz not null,
    constraint family_reachable_check check (phone is not null or email is not null)
);

create table booking (
    id uuid primary key,
    status text not null
        constraint booking_status_check check (status in ('held', 'confirmed', 'fulfilled', 'no_show', 'cancelled')),
    sequence integer not null default 0,
    offering text not null,
    municipality text not null,
    advisor text not null,
    modality text not null,
    place text,
    start_at timestamptz not null,
    end_at timestamptz not null,
    zone text not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    client bytea,
    family uuid references family,
    child_age smallint,
    reference text unique,
    token_hash bytea unique,
    changed_at timestamptz,
    late boolean,
    constraint booking_held_or_known_check check (
        (status = 'held') = (expires_at is not null) and (status = 'held') = (reference is null)
        and (status = 'held') = (family is null) and (status = 'held') = (token_hash is null)
    )
);
create index booking_expires on booking (expires_at) where status = 'held';
create index booking_client on booking (client) where status = 'held';

create table idempotency (
    key bytea primary key,
    request bytea not null,
    booking uuid not null,
    answer jsonb not null,
    created_at timestamptz not null
);

-- Called where the projection said free and the constraint said no: rolls the whole statement back.
create function refuse_overlap() returns boolean language plpgsql as $$
begin
    raise exclusion_violation using message = 'the time is taken', constraint = 'busy_no_overlap';
end $$;
"""


def upgrade() -> None:
    migrations.script(outbox.DDL_V1 + inbox.DDL_V1 + BOOKING_DDL)
