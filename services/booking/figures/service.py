"""Measuring free time each day, and building figures anew from the facts that they were made of."""

import json
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from booking import events
from booking.figures import tables
from booking.figures.handlers import READS, name_of, take
from booking.roles import SERVICE
from booking.sharing.rules import today
from booking.slots import tables as slots
from booking.slots.tables import Search
from kit import database, outbox, roles
from kit.database import Connection
from kit.events import CloudEvent

BATCH = 1000
# The third start, because the first is often one that somebody has just given back.
THIRD = 3


async def measure(connection: Connection, now: datetime) -> bool:
    """Write how soon each municipality's families could have each offering, once a local day; whether it was done now.

    A time that can only be a visit in another municipality counts where none of its own places takes visits.

    By the role `booking.roles.MEASURE`.
    """
    offered = await tables.offered(connection)
    # Nothing is offered where the register has not been read yet: that is no measurement.
    if not offered or not await tables.begin_day(connection, today(now)):
        return False
    for municipality, offering in offered:
        free = await slots.free_starts(
            connection, Search(now=now, offering=offering, municipality=municipality, limit=THIRD, near=True)
        )
        data = events.AvailabilityMeasured(
            municipality=municipality,
            offering=offering,
            at=now,
            next=free[0].start if free else None,
            third_next=free[THIRD - 1].start if len(free) == THIRD else None,
        )
        await outbox.write(
            connection, outbox.row(events.AVAILABILITY_MEASURED, entity_id=municipality, data=data, now=now)
        )
    return True


async def rebuild(engine: AsyncEngine, now: datetime, progress: Callable[[int], None] = lambda _: None) -> int:
    """Build all figures anew from facts; how many there are. Those that the outbox still has are added where they lack.

    Bookings go on meanwhile, and what they give rise to waits for this. `progress` is told how many facts are done.
    """
    await _add_lacking(engine, now)
    models = {name_of(kind): handler.data for kind, handler in READS.handlers.items()}
    done = 0
    async with database.transaction(engine, role=roles.reader(SERVICE)) as connection:
        await tables.empty(connection)
        async for facts in tables.kept(connection, models, BATCH):
            await tables.project(connection, facts)
            done += len(facts)
            progress(done)
    return done


async def _add_lacking(engine: AsyncEngine, now: datetime) -> None:
    """Take the facts of the outbox that never arrived."""
    async with database.transaction(engine, role=roles.relay(SERVICE)) as connection:
        rows = await connection.fetch("select event_id from outbox where subject like 'events.booking.%'")
    ids: set[UUID] = {row["event_id"] for row in rows}
    async with database.transaction(engine, role=roles.reader(SERVICE)) as connection:
        lacking = ids - await tables.is_kept(connection, ids)
    async with database.transaction(engine, role=roles.relay(SERVICE)) as connection:
        payloads = await connection.fetch("select payload from outbox where event_id = any($1)", [*lacking])
    for row in payloads:
        handler = READS.handlers.get(json.loads(row["payload"])["type"])
        if handler is not None:
            event = CloudEvent[handler.data].model_validate_json(row["payload"])  # type: ignore[name-defined]
            async with database.begin(engine, role=roles.reader(SERVICE)) as transaction:
                await take(transaction, event, now)
