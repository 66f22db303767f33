"""An index for what is measured: the message due longest, and those that reached nobody."""

from kit import migrations

revision = "0003"
down_revision = "0002"

DDL = """
create index message_open on message (status, due_at) where status in ('pending', 'dead');
"""


def upgrade() -> None:
    migrations.script(DDL)
