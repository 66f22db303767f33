"""An advisor's schedules, and who signs in, are found without going through all of a kind."""

from kit import migrations

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    migrations.script(
        """
        create index if not exists entity_advisor_idx on entity (kind, (data->>'advisor'));
        create index if not exists entity_identity_idx on entity (kind, (data->>'identity'));
        """
    )
