"""Roles that own nothing."""

from consent.roles import NARROW, SERVICE
from kit import migrations, outbox, roles

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    migrations.script(roles.schema(SERVICE, *NARROW) + outbox.grants(SERVICE, SERVICE))
