"""The codes that are still to be sent, by which somebody shows that a contact is theirs."""

from kit import migrations

revision = "0006"
down_revision = "0005"

CODES = """
create table code (
    proof uuid primary key,
    channel text not null constraint code_channel_check check (channel in ('email', 'sms')),
    language text not null constraint code_language_check check (language in ('sv', 'en')),
    asked_at timestamptz not null,
    expires_at timestamptz not null,
    attempts integer not null default 0,
    next_attempt_at timestamptz not null,
    trace jsonb not null
);
create index code_due on code (next_attempt_at);

grant select, insert on code to notification_reader;
grant select, update, delete on code to notification_delivery;
"""


def upgrade() -> None:
    migrations.script(CODES)
