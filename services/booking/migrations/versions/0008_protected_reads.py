"""Reviewers see that a read was of a protected family, so that chance looks there first."""

from kit import migrations

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    migrations.script("grant select (protected) on booking to booking_review;")
