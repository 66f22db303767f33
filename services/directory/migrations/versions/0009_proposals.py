"""Changes that reach into what others answer for wait for their yes; what is taken back at once is told them."""

from directory.roles import SERVICE
from kit import migrations

revision = "0009"
down_revision = "0008"

PROPOSALS = f"""
create table proposal (
    id uuid primary key,
    kind text not null,
    entity text not null,
    document jsonb not null,
    base integer not null,
    by text not null,
    at timestamptz not null,
    state text not null,
    ended_at timestamptz
);
create index proposal_entity on proposal (kind, entity);
create index proposal_waiting on proposal (at) where state = 'offered';
create index proposal_ended on proposal (ended_at);
create table proposal_answer (
    id bigint generated always as identity primary key,
    proposal uuid not null references proposal,
    at timestamptz not null,
    who text not null,
    yes boolean not null,
    parties jsonb not null,
    reason text
);
create index proposal_answer_proposal on proposal_answer (proposal);
alter table change add column reason text, add column proposal uuid;
create index change_at on change (at);
create table told (
    change bigint not null references change,
    kind text not null,
    party text not null,
    primary key (change, kind, party)
);
grant select, insert, update (state, ended_at) on proposal to {SERVICE};
grant select, insert on proposal_answer, told to {SERVICE};
"""


def upgrade() -> None:
    migrations.script(PROPOSALS)
