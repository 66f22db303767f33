"""Directory's state comes twice and out of order: what booking keeps of it is the newest that it ever heard."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from booking.slots.handlers import READS, keep
from directory.events import Entity
from kit import database, roles
from kit.events import CloudEvent
from tests.agenda.conftest import person
from tests.booking import register
from tests.conftest import Running


async def told(booking: Running, *entities: Entity, epoch: datetime | None = None) -> None:
    """What the reader does with these, one after the other."""
    for entity in entities:
        kind = register.TYPES[type(entity)].type
        data = READS.handlers[kind].data.model_validate(entity.model_dump())
        event = CloudEvent[Any](
            id=uuid4(), source="/directory", type=kind, subject=entity.id, time=register.NOW, epoch=epoch, data=data
        )
        async with database.begin(booking.runtime.engine, role=roles.reader("booking")) as connection:
            await keep(connection, event, booking.runtime.clock())


async def known(booking: Running) -> list[list[Any]]:
    """All that follows from the register: its copies, who reaches whom, open hours, and shares."""
    tables = {
        "directory_copy": "kind, id, version, ended, data::text",
        "reach": "*",
        "open_block": "*",
        "advisor_day": "*",
        "entitlement": "*",
    }
    async with database.driver(booking.admin) as connection:
        return [
            [tuple(row) for row in await connection.fetch(f"select {columns} from {table} order by 1, 2, 3")]
            for table, columns in tables.items()
        ]


async def test_an_older_version_changes_nothing(booking: Running) -> None:
    advisor = register.advisor()
    newest: list[Entity] = [
        register.schedule(version=3),
        person("asa", "familjestod", version=3),
        register.OFFERING.model_copy(update={"version": 3}),
        advisor.model_copy(update={"version": 3}),
        register.pool("maria-ek").model_copy(update={"version": 3}),
    ]
    await told(booking, *newest)
    before = await known(booking)
    older: list[Entity] = [
        register.schedule(version=2, weekly=[]),
        person("asa", "familjestod", "horby-stod", role="operator", version=2),
        register.OFFERING.model_copy(update={"version": 2, "advisors": [], "municipalities": ["1266"]}),
        advisor.model_copy(update={"version": 2, "ended": True}),
        register.pool("maria-ek").model_copy(update={"version": 2, "shares": {"1266": 100}}),
    ]
    await told(booking, *older)
    assert await known(booking) == before
    # The same version once more is no news either, whatever it says.
    await told(booking, *(entity.model_copy(update={"version": 3}) for entity in older))
    assert await known(booking) == before
    await told(booking, older[0].model_copy(update={"version": 4}))
    assert await known(booking) != before
