"""Who changed what in the register. The role that serves may add to it, and change nothing of it."""

from directory.roles import SERVICE
from kit import migrations

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    migrations.script(
        f"""
        create table change (
            id bigint generated always as identity primary key,
            at timestamptz not null,
            who text not null,
            kind text not null,
            entity text not null,
            version integer not null,
            before jsonb,
            after jsonb not null
        );
        create index change_entity on change (kind, entity, id);
        grant select, insert on change to {SERVICE};
        """
    )
