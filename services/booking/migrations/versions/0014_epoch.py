"""Of which epoch of the register a copy is, and which has been heard of whole."""

from kit import migrations

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    migrations.script(
        """
        alter table directory_copy add column epoch timestamptz;
        create table directory_epoch (kind text primary key, epoch timestamptz not null);
        grant select, insert, update on directory_epoch to booking_reader;
        """
    )
