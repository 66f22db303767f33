"""Who asked to be erased is told to the stream, which no restored database takes back."""

from kit import migrations

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    migrations.script("grant insert on outbox to booking_retention;")
