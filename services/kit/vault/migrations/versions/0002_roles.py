"""The role that asks for keys owns nothing."""

from kit import migrations, roles

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    migrations.script(
        roles.schema(migrations.KEYS) + f"grant select, insert, update, delete on data_key to {migrations.KEYS};"
    )
