"""Each change of a message is told as a fact, by which way it went too; dead ones can be sent again."""

from kit import migrations

revision = "0005"
down_revision = "0004"

TOLD = """
alter table message
    add column channel text constraint message_channel_check check (channel in ('email', 'sms')),
    add column refused text constraint message_refused_check check (refused in ('email', 'sms')),
    add column version integer not null default 1;

grant insert on outbox to notification_reader;
grant select, delete on attempt to notification_reader;
"""


def upgrade() -> None:
    migrations.script(TOLD)
