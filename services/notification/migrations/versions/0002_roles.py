"""Roles that own nothing. The one that serves requests may read nothing at all: there is nothing to ask for."""

from kit import inbox, migrations, outbox, roles
from notification.roles import DELIVERY, NARROW, SERVICE

revision = "0002"
down_revision = "0001"

GRANTS = """
grant select, insert, update on booking, message to notification_reader;
grant select, update on message to notification_delivery;
grant select, insert on attempt to notification_delivery;
"""


def upgrade() -> None:
    migrations.script(
        roles.schema(SERVICE, *NARROW) + inbox.grants(SERVICE) + outbox.grants(SERVICE, DELIVERY) + GRANTS
    )
