"""What others tell of that somebody has to attend to; and the inbox and the role that read it.

Run `samtid databases` before it, which makes the role, and `samtid provision` after it.
"""

from directory.roles import SERVICE
from kit import inbox, migrations, roles

revision = "0006"
down_revision = "0005"

ATTENTION = """
create table attention (
    id uuid primary key,
    kind text not null,
    unit text not null,
    booking uuid not null,
    settled boolean not null
);
create index attention_open on attention (unit) where not settled;
grant select on attention to directory;
grant select, insert, update, delete on attention to directory_reader;
"""


def upgrade() -> None:
    usage = f"grant usage on schema public to {roles.reader(SERVICE)};\n"
    migrations.script(usage + inbox.DDL_V1 + inbox.INDEX_V2 + inbox.grants(SERVICE) + ATTENTION)
