"""Who changed what in the register, and when. Rows are added and never changed: the service's role may do no more.

Signing out, which ends sessions, is no change of the register and is not written here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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


async def record(
    connection: AsyncConnection, who: str, kind: str, before: Entity | None, after: Entity, now: datetime
) -> None:
    """Write a change, in the transaction that makes it. `who` is an id of staff or IMPORT, `now` an aware datetime."""
    await connection.execute(
        insert(change).values(
            at=now,
            who=who,
            kind=kind,
            entity=after.id,
            version=after.version,
            before=before.model_dump(mode="json") if before else None,
            after=after.model_dump(mode="json"),
        )
    )


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
    return Change(row.id, row.at, row.who, row.kind, before, model.model_validate(row.after))
