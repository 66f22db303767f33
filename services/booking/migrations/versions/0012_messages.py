"""How each message about a booking stands, and what staff have to attend to because nobody was reached.

Run `samtid databases` before it, which makes the role, and `samtid provision` after it.
"""

from kit import migrations

revision = "0012"
down_revision = "0011"

TABLES = """
create table message (
    id uuid primary key,
    version integer not null,
    booking uuid not null,
    sequence integer not null,
    kind text not null constraint message_kind_check
        check (kind in ('confirmation', 'change', 'cancellation', 'reminder_5d', 'reminder_24h')),
    status text not null constraint message_status_check check (status in ('pending', 'sent', 'dropped', 'dead')),
    channel text constraint message_channel_check check (channel in ('email', 'sms')),
    due_at timestamptz not null,
    sent_at timestamptz,
    attempts integer not null,
    code text,
    next_attempt_at timestamptz
);
create index message_booking_idx on message (booking, due_at);

create table attention (
    id uuid primary key,
    kind text not null constraint attention_kind_check check (kind in ('not_reached')),
    booking uuid not null,
    unit text not null,
    owner text not null,
    since timestamptz not null,
    due timestamptz not null,
    settled_at timestamptz,
    why text constraint attention_why_check check (why in ('reached', 'handled', 'past')),
    staff text,
    constraint attention_settled_check check ((settled_at is null) = (why is null))
);
create unique index attention_open on attention (booking, kind) where settled_at is null;
create index attention_due on attention (due) where settled_at is null;
create index attention_unit_idx on attention (unit) where settled_at is null;
"""

# Whoever sees a booking sees its messages, and what is to be done about it. What keeps them sees one booking at a time,
# and of it when and for whom it is, never of which family.
RIGHTS = """
grant usage on schema public to booking_messages;
grant execute on function given_booking() to booking_messages;
grant execute on function given_before() to booking_sweep;
grant select (id, status, unit, advisor, start_at, end_at) on booking to booking_messages;
create policy of_booking_told on booking for select to booking_messages using (id = (select given_booking()));

grant select on message to booking;
grant select, insert, update on message to booking_messages;
alter table message enable row level security, force row level security;
create policy of_booking on message for select to booking
    using (exists (select from booking b where b.id = message.booking));
create policy told on message to booking_messages using (booking = (select given_booking()));

grant select, update (settled_at, why, staff) on attention to booking;
grant select, insert, update on attention to booking_messages;
grant select, update (settled_at, why) on attention to booking_sweep;
alter table attention enable row level security, force row level security;
create policy of_booking on attention to booking
    using (exists (select from booking b where b.id = attention.booking));
create policy told on attention to booking_messages using (booking = (select given_booking()));
create policy past on attention to booking_sweep using (due <= (select given_before()));

grant insert on outbox to booking_messages, booking_sweep;
"""


def upgrade() -> None:
    migrations.script(TABLES + RIGHTS)
