"""Messages, the versions of bookings that they are about, and the attempts to send them."""

from kit import inbox, migrations, outbox

revision = "0001"
down_revision = None

MESSAGES = """
create table booking (
    id uuid primary key,
    sequence integer not null
);

create table message (
    id uuid primary key,
    booking uuid not null,
    sequence integer not null,
    kind text not null
        check (kind in ('confirmation', 'change', 'cancellation', 'reminder_5d', 'reminder_24h')),
    due_at timestamptz not null,
    status text not null default 'pending' check (status in ('pending', 'sent', 'dropped', 'dead')),
    attempts integer not null default 0,
    next_attempt_at timestamptz not null,
    last_error text,
    trace jsonb not null,
    sent_at timestamptz,
    unique (booking, sequence, kind)
);
create index message_due on message (next_attempt_at) where status = 'pending';

create table attempt (
    message uuid not null,
    number integer not null,
    begun_at timestamptz not null,
    primary key (message, number)
);
"""


def upgrade() -> None:
    migrations.script(inbox.DDL_V1 + outbox.DDL_V1 + MESSAGES)
