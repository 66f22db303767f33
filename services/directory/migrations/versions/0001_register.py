"""The register of entities, and the outbox that tells of them."""

from kit import migrations, outbox

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.script(
        """
        create table entity (
            kind text not null,
            id text not null,
            data jsonb not null,
            primary key (kind, id)
        );
        """
        + outbox.DDL_V1
    )
