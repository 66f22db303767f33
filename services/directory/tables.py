"""The register: one row per entity, whose `data` is the state as it was published last.

Directory is a register of documents. What it knows of an entity and what it tells others is the same thing, so there
is one table, and the event models are its schema.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from directory import events
from directory.events import Entity
from kit import database, inbox, limits, outbox
from kit.events import EventType

metadata = database.metadata()
outbox_table = outbox.table(metadata)
inbox_table = inbox.table(metadata)
limits.tables(metadata)
entity = Table(
    "entity",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("data", JSONB, nullable=False),
)
Index("entity_advisor_idx", entity.c.kind, entity.c.data["advisor"].astext)
Index("entity_identity_idx", entity.c.kind, entity.c.data["identity"].astext)
change = Table(
    "change",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("who", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("before", JSONB(none_as_null=True)),
    Column("after", JSONB, nullable=False),
    Column("reason", Text),
    Column("proposal", Uuid),
)
Index("change_at", change.c.at)
# What others tell of that somebody has to attend to. What is settled is kept: its beginning may arrive later.
attention = Table(
    "attention",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("booking", Uuid, nullable=False),
    Column("settled", Boolean, nullable=False),
)
Index("attention_open", attention.c.unit, postgresql_where=~attention.c.settled)
Index("change_entity", change.c.kind, change.c.entity, change.c.id)

# A change that waits for others' yes: one entity as it would be, held to the version that it was made on.
proposal = Table(
    "proposal",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("document", JSONB, nullable=False),
    Column("base", Integer, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("ended_at", DateTime(timezone=True)),
)
Index("proposal_entity", proposal.c.kind, proposal.c.entity)
Index("proposal_waiting", proposal.c.at, postgresql_where=proposal.c.state == "offered")
Index("proposal_ended", proposal.c.ended_at)
proposal_answer = Table(
    "proposal_answer",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("proposal", Uuid, ForeignKey(proposal.c.id, name="proposal_answer_proposal_fkey"), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("who", Text, nullable=False),
    Column("yes", Boolean, nullable=False),
    Column("parties", JSONB, nullable=False),
    Column("reason", Text),
)
Index("proposal_answer_proposal", proposal_answer.c.proposal)
# To whom a change that did not need their yes has to be shown.
told = Table(
    "told",
    metadata,
    Column("change", BigInteger, ForeignKey(change.c.id, name="told_change_fkey"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("party", Text, primary_key=True),
)

epoch = Table(
    "epoch",
    metadata,
    Column("began_at", DateTime(timezone=True), primary_key=True),
    Column("identity", Text, nullable=False),
)

# By the name of the list, in files and in addresses. What is referred to comes before what refers to it.
KINDS: Mapping[str, EventType] = {
    "municipalities": events.MUNICIPALITY,
    "units": events.UNIT,
    "centres": events.CENTRE,
    "advisors": events.ADVISOR,
    "pools": events.POOL,
    "schedules": events.SCHEDULE,
    "offerings": events.OFFERING,
    "staff": events.STAFF,
}
EVENTS: Mapping[str, EventType] = {event.name: event for event in KINDS.values()}

# Whoever changes the register takes turns: what one has checked must still be true when it commits.
LOCK = 7_269_842

_data = entity.c.data
_live = ~_data["ended"].as_boolean()


async def lock(connection: AsyncConnection) -> None:
    """Keep the register from everybody else's changes until the transaction ends."""
    await connection.execute(select(func.pg_advisory_xact_lock(LOCK)))


async def everything(connection: AsyncConnection) -> Sequence[tuple[str, dict[str, Any]]]:
    """Kind and state of every entity, ended ones too."""
    return [(row.kind, row.data) for row in await connection.execute(select(entity.c.kind, entity.c.data))]


async def save(connection: AsyncConnection, kind: str, state: Entity) -> None:
    """Write an entity's state in place of the one before."""
    data = state.model_dump(mode="json")
    statement = insert(entity).values(kind=kind, id=state.id, data=data)
    await connection.execute(statement.on_conflict_do_update(index_elements=["kind", "id"], set_={"data": data}))


async def one(connection: AsyncConnection, kind: str, entity_id: str) -> dict[str, Any] | None:
    """An entity's state, ended or not; None where there is none."""
    data: dict[str, Any] | None = await connection.scalar(
        select(_data).where(entity.c.kind == kind, entity.c.id == entity_id)
    )
    return data


async def find_staff(engine: AsyncEngine, by: Literal["id", "identity"], value: str) -> str | None:
    """The live member of staff with an id, or with an identity at the provider, as a JSON document."""
    # An id, which each request of staff is looked up by, is found by the primary key.
    wanted = entity.c.id == value if by == "id" else _data["identity"].astext == value
    statement = select(_data).where(entity.c.kind == "staff", _live, wanted)
    async with engine.connect() as connection:
        found = await connection.scalar(statement)
    return json.dumps(found) if found else None


async def locked(connection: AsyncConnection, kind: str, entity_id: str) -> dict[str, Any] | None:
    """An entity's state, kept from others' changes until the transaction ends."""
    await lock(connection)
    return await one(connection, kind, entity_id)


async def page(
    connection: AsyncConnection, kind: str, chosen: Sequence[ColumnElement[bool]], *, limit: int, offset: int
) -> list[dict[str, Any]]:
    """States of live entities by id, `chosen` being more conditions on them."""
    statement = select(_data).where(entity.c.kind == kind, _live, *chosen)
    rows = await connection.scalars(statement.order_by(entity.c.id).limit(limit).offset(offset))
    return list(rows)


def in_municipality(kind: str, code: str) -> ColumnElement[bool]:
    """Whether an entity of `kind` belongs to, or serves, the municipality. Advisors do both."""
    made: ColumnElement[bool] = _data["municipality"].astext == code
    if kind == "pool":
        made = _takes_part(_data, code)
    elif kind == "offering":
        made = _data["municipalities"].has_key(code)
    elif kind == "advisor":
        units, pools = entity.alias(), entity.alias()
        employed = select(units.c.id).where(units.c.kind == "unit", units.c.data["municipality"].astext == code)
        pooled = select(pools.c.id).where(
            pools.c.kind == "pool",
            ~pools.c.data["ended"].as_boolean(),
            _takes_part(pools.c.data, code),
            pools.c.data["advisors"].has_key(entity.c.id),
        )
        made = _data["unit"].astext.in_(employed) | pooled.exists()
    return made


def _takes_part(pool: ColumnElement[Any], code: str) -> ColumnElement[bool]:
    """Whether the municipality has a share at some time, by the agreement or an amendment."""
    by_amendment = func.jsonb_path_exists(
        pool,
        cast(literal("$.amendments[*].shares.keyvalue() ? (@.key == $code)"), JSONPATH),
        func.jsonb_build_object("code", code),
    )
    made: ColumnElement[bool] = pool["shares"].has_key(code) | by_amendment
    return made


def of_advisor(advisor: str) -> ColumnElement[bool]:
    """Whether a schedule is the advisor's."""
    made: ColumnElement[bool] = _data["advisor"].astext == advisor
    return made
