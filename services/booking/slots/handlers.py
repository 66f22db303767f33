"""Directory's state, kept as booking's own copy. A new, empty database becomes complete by replaying it."""

from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from booking.sharing import service as sharing
from booking.slots import reads, service, tables
from booking.slots.reads import Entity
from kit import database
from kit.database import Connection
from kit.events import CloudEvent
from kit.messaging import Handler, Reads


async def keep(connection: AsyncConnection, event: CloudEvent[Any], now: datetime) -> None:
    """Store a newer version and work out anew what depends on it; an older one changes nothing."""
    kind = event.type.split(".")[3]
    driver = await database.driver_of(connection)
    await tables.lock_register(driver)
    entity: Entity = event.data
    # In another register a schedule of this id may be somebody else's.
    before = await tables.advisor_of(driver, entity.id) if isinstance(entity, reads.Schedule) else None
    async with _shares(driver, entity, now, before):
        newer = await tables.store(driver, kind, entity, event.epoch)
        if newer and isinstance(entity, reads.Schedule):
            for advisor in sorted({entity.advisor, before or entity.advisor}):
                await service.refresh_open_hours(driver, advisor, now)
        elif newer and kind in ("offering", "advisor", "unit", "pool"):
            await service.refresh_reach(driver)


async def begin_epoch(connection: AsyncConnection, event: CloudEvent[reads.Register], now: datetime) -> None:
    """A register began: what it does not hold has ended, and what follows from that is worked out anew."""
    if event.epoch is None:
        return
    kind, driver = event.data.kind, await database.driver_of(connection)
    await tables.lock_register(driver)
    recalculated = kind in ("pool", "advisor", "schedule")
    async with sharing.recalculating(driver, now) if recalculated else nullcontext():
        ended = await tables.begin_epoch(driver, kind, event.epoch, event.data.ids)
        if ended is None:
            return
        if kind == "schedule":
            for advisor in sorted(ended):
                await service.refresh_open_hours(driver, advisor, now)
        elif kind in ("offering", "advisor", "unit", "pool"):
            await service.refresh_reach(driver)


def _shares(
    connection: Connection, entity: Entity, now: datetime, before: str | None
) -> AbstractAsyncContextManager[None]:
    """What municipalities are entitled to follows from agreements, and from what their advisors work."""
    match entity:
        case reads.Schedule(advisor=advisor) if before not in (None, advisor):
            return sharing.recalculating(connection, now)
        case reads.Pool():
            return sharing.recalculating(connection, now)
        case reads.Advisor(id=advisor) | reads.Schedule(advisor=advisor):
            return sharing.recalculating(connection, now, advisor)
    return nullcontext()


READS = Reads(
    service="booking",
    stream="STATE",
    subjects="state.directory.>",
    known="select exists (select from directory_copy)",
    handlers={
        "se.samtid.directory.municipality.v1": Handler(reads.Municipality, keep),
        "se.samtid.directory.unit.v1": Handler(reads.Unit, keep),
        "se.samtid.directory.centre.v1": Handler(reads.Centre, keep),
        "se.samtid.directory.advisor.v1": Handler(reads.Advisor, keep),
        "se.samtid.directory.pool.v1": Handler(reads.Pool, keep),
        "se.samtid.directory.schedule.v1": Handler(reads.Schedule, keep),
        "se.samtid.directory.offering.v1": Handler(reads.Offering, keep),
        "se.samtid.directory.staff.v1": Handler(reads.Staff, keep),
        "se.samtid.directory.register.v1": Handler(reads.Register, begin_epoch),
    },
)
