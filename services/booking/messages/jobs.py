"""What is done about messages by itself."""

import asyncio

from booking.messages import service
from booking.roles import SWEEP
from kit import database
from kit.app import Runtime

SECONDS = 60


async def settle_past(runtime: Runtime) -> None:
    """Each minute, take off the list what nobody can attend to any more."""
    while True:
        now = runtime.clock()
        async with database.transaction(runtime.engine, role=SWEEP, before=now.isoformat()) as connection:
            await service.settle_past(connection, now)
        runtime.relay.wake()
        await asyncio.sleep(SECONDS)
