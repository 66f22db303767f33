"""Since when this database has been the register: a restored one begins anew, and readers take all of it again."""

from directory.roles import SERVICE
from kit import migrations

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    migrations.script(
        f"""
        create table epoch (began_at timestamptz primary key, identity text not null);
        grant select, insert on epoch to {SERVICE};
        """
    )
