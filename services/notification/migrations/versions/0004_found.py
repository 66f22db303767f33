"""Events that can be forgotten are found without going through all that are remembered; see booking's 0011."""

from kit import inbox, migrations

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    migrations.script(inbox.INDEX_V2)
