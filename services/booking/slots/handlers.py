"""Directory's state, kept as booking's own copy. A new, empty database becomes complete by replaying it."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from booking.slots import reads, service, tables
from booking.slots.reads import Entity
from kit import database
from kit.events import CloudEvent
from kit.messaging import Handler, Reads


async def keep(connection: AsyncConnection, event: CloudEvent[Any], now: datetime) -> None:
    """Store a newer version and work out anew what depends on it; an older one changes nothing."""
    kind = event.type.split(".")[3]
    driver = await database.driver_of(connection)
    await tables.lock_register(driver)
    entity: Entity = event.data
    newer = await tables.store(
        driver, kind, entity.id, entity.version, ended=entity.ended, data=entity.model_dump_json()
    )
    if not newer:
        return
    if isinstance(entity, reads.Schedule):
        await service.refresh_open_hours(driver, entity.advisor, now)
    elif kind in ("offering", "advisor", "unit", "pool"):
        await service.refresh_reach(driver)


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
