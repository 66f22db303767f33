"""Counts of requests, shared by the service's processes."""

from kit import limits, migrations

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    migrations.script(limits.DDL_V1)
