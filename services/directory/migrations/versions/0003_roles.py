"""Roles that own nothing."""

from directory.roles import NARROW, SERVICE
from kit import limits, migrations, outbox, roles

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    migrations.script(
        roles.schema(SERVICE, *NARROW)
        + outbox.grants(SERVICE, SERVICE)
        + limits.grants(SERVICE)
        + "grant select, insert, update on entity to directory;"
    )
