"""The keys of families."""

from kit import migrations, roles

revision = "0001"
down_revision = None

DDL = """
create table data_key (
    id uuid primary key,
    wrapped bytea not null,
    master text not null,
    created_at timestamptz not null,
    used_at timestamptz
)
-- A key that was destroyed is gone from the table's file too as soon as can be, and not when much has gathered.
with (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0);
create index data_key_unused on data_key (created_at) where used_at is null;
"""
GRANTS = """
grant select, insert, delete, update (wrapped, master, used_at) on data_key to vault;
"""


def upgrade() -> None:
    migrations.script(roles.schema(roles.VAULT) + DDL + GRANTS)
