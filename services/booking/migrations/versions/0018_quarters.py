"""Other municipalities' figures: what was counted of a quarter stays as it was first told."""

from kit import migrations

revision = "0018"
down_revision = "0017"

TABLES = """
create table figure_quarter (
    municipality text not null,
    first date not null,
    counted jsonb not null,
    primary key (municipality, first)
);
"""

GRANTS = """
grant select, insert on figure_quarter to booking;
"""


def upgrade() -> None:
    migrations.script(TABLES + GRANTS)
