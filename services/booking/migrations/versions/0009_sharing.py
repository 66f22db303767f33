"""Shares of agreements: what each municipality is entitled to in a period, and the ledger of what it used."""

from kit import migrations

revision = "0009"
down_revision = "0008"

# Bookings of before are charged to nobody; no installation was in use when it came.
TABLES = """
create table entitlement (
    pool text not null,
    first date not null,
    municipality text not null,
    last date not null,
    release_days smallint not null,
    carry_over smallint not null,
    minutes integer not null,
    credit integer not null default 0,
    used integer not null default 0,
    lent integer not null default 0,
    borrowed integer not null default 0,
    closed boolean not null default false,
    primary key (pool, first, municipality),
    constraint entitlement_counts_check
        check (minutes >= 0 and credit >= 0 and used >= 0 and lent >= 0 and borrowed >= 0)
) with (fillfactor = 50);
create index entitlement_municipality_idx on entitlement (municipality, last);

create table ledger (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    pool text not null,
    period date not null,
    municipality text not null,
    kind text not null constraint ledger_kind_check check (kind in ('entitlement', 'credit', 'use', 'loan')),
    minutes integer not null constraint ledger_minutes_check check (minutes <> 0),
    lender text,
    booking uuid,
    constraint ledger_lender_check check ((kind = 'loan') = (lender is not null)),
    constraint ledger_booking_check check ((kind in ('use', 'loan')) = (booking is not null))
);
create index ledger_period_idx on ledger (pool, period);

-- What a busy time is charged to: null where its advisor is not shared.
alter table busy
    add column municipality text,
    add column pool text,
    add column period date,
    add constraint busy_charged_check
        check ((pool is null) = (period is null) and (pool is null or municipality is not null));

create function minutes_of(tstzmultirange) returns smallint language sql immutable
return (select coalesce(sum(extract(epoch from upper(r) - lower(r))), 0) / 60 from unnest($1) r)::smallint;

-- Minutes of `open`, and of it what is not `free`.
alter table advisor_day
    add column capacity smallint not null default 0,
    add column taken smallint not null default 0;
update advisor_day set capacity = minutes_of(open), taken = minutes_of(open - free);

-- Copies of pools did not hold their terms, nor copies of centres their town: they are read anew.
delete from directory_copy where kind in ('pool', 'centre', 'municipality');
delete from inbox where consumer = 'booking-state-directory';
"""

# Nobody may change or delete a row of the ledger, its owner included unless it first gives itself leave to; nor may
# whoever serves read whose booking it was.
GRANTS = """
grant execute on function minutes_of(tstzmultirange) to booking, booking_sweep, booking_reader;
grant select, update (used, lent, borrowed) on entitlement to booking, booking_sweep;
grant update (credit, closed) on entitlement to booking_sweep;
grant insert, delete, update (minutes, last, release_days, carry_over) on entitlement to booking_sweep, booking_reader;
grant select, update (used, lent, borrowed) on entitlement to booking_reader;
revoke update, delete, truncate on ledger from booking_owner;
grant insert on ledger to booking, booking_sweep, booking_reader;
grant select (id, at, pool, period, municipality, kind, minutes, lender)
    on ledger to booking, booking_sweep, booking_reader;
grant update (period) on busy to booking_sweep, booking_reader;
"""


def upgrade() -> None:
    migrations.script(TABLES + GRANTS)
