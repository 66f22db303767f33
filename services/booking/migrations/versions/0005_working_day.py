"""What happened to each booking and who did it, and the secret addresses of advisors' calendars."""

from kit import migrations

revision = "0005"
down_revision = "0004"

TABLES = """
create table booking_change (
    id bigint generated always as identity primary key,
    booking uuid not null references booking,
    what text not null constraint booking_change_what_check
        check (what in ('confirmed', 'rescheduled', 'cancelled', 'fulfilled', 'no_show', 'reopened')),
    at timestamptz not null,
    staff text,
    start_at timestamptz not null,
    reason text constraint booking_change_reason_check
        check (reason in ('advisor_away', 'family_asked', 'double', 'other'))
);
create index booking_change_booking_idx on booking_change (booking, at);

create table calendar_feed (
    id uuid primary key,
    staff text not null,
    name text not null,
    secret_hash bytea not null unique,
    created_at timestamptz not null
);
create index calendar_feed_staff_idx on calendar_feed (staff);
"""

GIVEN = """
create or replace function given_staff() returns text language sql stable
return nullif(current_setting('samtid.staff', true), '');

create function given_feed() returns bytea language sql stable
return decode(nullif(current_setting('samtid.feed', true), ''), 'hex');

grant execute on function given_staff(), given_feed() to booking;
"""

# Whoever sees a booking sees what happened to it. A feed is seen by whoever made it, and by whoever has its address.
POLICIES = """
grant select, insert on booking_change to booking;
alter table booking_change enable row level security, force row level security;
create policy of_booking on booking_change to booking
    using (exists (select from booking b where b.id = booking_change.booking));

grant select, insert, delete on calendar_feed to booking;
alter table calendar_feed enable row level security, force row level security;
create policy own on calendar_feed to booking using (staff = (select given_staff()));
create policy of_address on calendar_feed for select to booking using (secret_hash = (select given_feed()));
"""


def upgrade() -> None:
    migrations.script(TABLES + GIVEN + POLICIES)
