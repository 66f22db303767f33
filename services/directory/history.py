"""Who changed what in the register, and when. Rows are added and never changed: the service's role may do no more.

Signing out, which ends sessions, is no change of the register and is not written here.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from directory.events import Entity
from directory.tables import EVENTS, change

# In place of a member of staff: the command, run by whoever may reach the database. No id of staff has a space.
IMPORT = "samtid import"


@dataclass(frozen=True)
class Change:
    """One change of one entity; `before` is None where it was added. `at` is in UTC, `who` an id of staff or IMPORT."""

    id: int
    at: datetime
    who: str
    kind: str
    before: Entity | None
    after: Entity
    reason: str | None
    proposal: UUID | None


@dataclass(frozen=True)
class Because:
    """Why a change was made: for a reason that somebody gave, or by a proposal to which all agreed."""

    reason: str | None = None
    proposal: UUID | None = None


async def record(
    connection: AsyncConnection,
    who: str,
    kind: str,
    before: Entity | None,
    after: Entity,
    now: datetime,
    because: Because,
) -> int:
    """Write a change, in the transaction that makes it; its id. `who` is an id of staff or IMPORT."""
    made = await connection.scalar(
        insert(change)
        .values(
            at=now,
            who=who,
            kind=kind,
            entity=after.id,
            version=after.version,
            before=before.model_dump(mode="json") if before else None,
            after=after.model_dump(mode="json"),
            reason=because.reason,
            proposal=because.proposal,
        )
        .returning(change.c.id)
    )
    return int(made)


async def some(connection: AsyncConnection, ids: Collection[int]) -> Sequence[Change]:
    """The changes with these ids, the latest first."""
    rows = await connection.execute(select(change).where(change.c.id.in_(ids)).order_by(change.c.id.desc()))
    return [_change(row) for row in rows]


async def of_entity(connection: AsyncConnection, kind: str, entity_id: str, above: int = 0) -> Sequence[Change]:
    """The changes of an entity to versions above one, the latest first."""
    chosen = (change.c.kind == kind, change.c.entity == entity_id, change.c.version > above)
    rows = await connection.execute(select(change).where(*chosen).order_by(change.c.id.desc()))
    return [_change(row) for row in rows]


async def latest(connection: AsyncConnection, before: int | None, limit: int) -> Sequence[Change]:
    """The latest changes of all, or those before the one with this id."""
    statement = select(change).order_by(change.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(change.c.id < before)
    return [_change(row) for row in await connection.execute(statement)]


def _change(row: Any) -> Change:
    model: Any = EVENTS[row.kind].data
    before = model.model_validate(row.before) if row.before else None
    after = model.model_validate(row.after)
    return Change(row.id, row.at, row.who, row.kind, before, after, row.reason, row.proposal)
