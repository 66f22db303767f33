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
    async with _shares(driver, entity, now):
        newer = await tables.store(
            driver, kind, entity.id, entity.version, ended=entity.ended, data=entity.model_dump_json()
        )
        if newer and isinstance(entity, reads.Schedule):
            await service.refresh_open_hours(driver, entity.advisor, now)
        elif newer and kind in ("offering", "advisor", "unit", "pool"):
            await service.refresh_reach(driver)


def _shares(connection: Connection, entity: Entity, now: datetime) -> AbstractAsyncContextManager[None]:
    """What municipalities are entitled to follows from agreements, and from what their advisors work."""
    match entity:
        case reads.Pool():
            return sharing.recalculating(connection, now)
        case reads.Advisor(id=advisor) | reads.Schedule(advisor=advisor):
            return sharing.recalculating(connection, now, advisor)
    return nullcontext()


READS = Reads(
    service="booking",
    stream="STATE",
    subjects="state.directory.>",
    handlers={
        "se.samtid.directory.municipality.v1": Handler(reads.Municipality, keep),
        "se.samtid.directory.unit.v1": Handler(reads.Unit, keep),
        "se.samtid.directory.centre.v1": Handler(reads.Centre, keep),
        "se.samtid.directory.advisor.v1": Handler(reads.Advisor, keep),
        "se.samtid.directory.pool.v1": Handler(reads.Pool, keep),
        "se.samtid.directory.schedule.v1": Handler(reads.Schedule, keep),
        "se.samtid.directory.offering.v1": Handler(reads.Offering, keep),
        "se.samtid.directory.staff.v1": Handler(reads.Staff, keep),
    },
)
