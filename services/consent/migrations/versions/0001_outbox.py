"""The outbox."""

from kit import migrations, outbox

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.script(outbox.DDL_V1)
