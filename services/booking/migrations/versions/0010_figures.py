"""Figures: the facts that they are made of, and what follows from them."""

from kit import migrations

revision = "0010"
down_revision = "0009"

TABLES = """
create table figure_fact (
    event uuid primary key,
    type text not null,
    at timestamptz not null,
    data jsonb not null
);

create table figure_booking (
    booking uuid primary key,
    sequence integer not null,
    municipality text not null,
    modality text not null,
    place text,
    start_at timestamptz not null,
    status text not null
        constraint figure_booking_status_check check (status in ('confirmed', 'cancelled', 'fulfilled', 'no_show')),
    late boolean not null,
    confirmed_at timestamptz,
    first boolean
);
create index figure_booking_confirmed_idx on figure_booking (municipality, confirmed_at);
create index figure_booking_start_idx on figure_booking (municipality, start_at);

create table figure_search (
    municipality text not null,
    offering text not null,
    day date not null,
    searches integer not null,
    found_nothing integer not null,
    primary key (municipality, offering, day)
);

create table figure_availability (
    municipality text not null,
    offering text not null,
    day date not null,
    at timestamptz not null,
    next_days smallint,
    third_days smallint,
    primary key (municipality, offering, day)
);

create table measured_day (day date primary key);
"""

# Facts are added and never changed. What follows from them is deleted where it is built anew. Whoever serves reads that
# alone; whoever measures searches as a family does.
GRANTS = """
grant select, insert on figure_fact to booking_reader;
grant select, insert, update, delete on figure_booking, figure_search, figure_availability to booking_reader;
grant select on figure_booking, figure_search, figure_availability to booking;
grant select on directory_copy, reach, advisor_day, open_block, entitlement to booking_measure;
grant select, insert on measured_day to booking_measure;
grant insert on outbox to booking_measure;
"""


def upgrade() -> None:
    migrations.script(TABLES + GRANTS)
