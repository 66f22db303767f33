"""What booking tells of that somebody has to attend to: ids and units, and nothing of whom it concerns."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from directory.roles import SERVICE
from directory.tables import attention
from kit.events import CloudEvent, Read
from kit.messaging import Handler, Reads


class Attention(Read):
    """Something that came up, or is settled."""

    attention: UUID
    kind: Literal["not_reached"]
    unit: str
    booking: UUID


async def on_raised(connection: AsyncConnection, event: CloudEvent[Attention], _now: datetime) -> None:
    """It came up, unless it is known already, and then as settled too."""
    await connection.execute(insert(attention).values(**_row(event.data), settled=False).on_conflict_do_nothing())


async def on_settled(connection: AsyncConnection, event: CloudEvent[Attention], _now: datetime) -> None:
    """It is settled, though its beginning may arrive later."""
    statement = insert(attention).values(**_row(event.data), settled=True)
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"settled": True}))


def _row(told: Attention) -> dict[str, object]:
    return {"id": told.attention, "kind": told.kind, "unit": told.unit, "booking": told.booking}


async def not_reached(connection: AsyncConnection, units: Collection[str]) -> int:
    """How many families of these units no message has reached."""
    counted = select(func.count(attention.c.booking.distinct()))
    found = await connection.scalar(
        counted.where(~attention.c.settled, attention.c.kind == "not_reached", attention.c.unit.in_(units))
    )
    return found or 0


# Each by its own subject: what else is told of bookings is not the register's business.
READS = (
    Reads(
        SERVICE,
        stream="EVENTS",
        subjects="events.booking.attention-raised",
        handlers={"se.samtid.booking.attention-raised.v1": Handler(Attention, on_raised)},
    ),
    Reads(
        SERVICE,
        stream="EVENTS",
        subjects="events.booking.attention-settled",
        handlers={"se.samtid.booking.attention-settled.v1": Handler(Attention, on_settled)},
    ),
)
