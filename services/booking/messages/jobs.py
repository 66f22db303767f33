"""What is done about messages by itself."""

import asyncio

from booking.messages import service, tables
from booking.roles import MESSAGES, SWEEP
from kit import database
from kit.app import Runtime

SECONDS = 60


async def attend(runtime: Runtime) -> None:
    """Each minute, put on the list what fails for too long, and take off it what nobody can attend to any more."""
    while True:
        await weigh(runtime)
        await settle_past(runtime)
        runtime.relay.wake()
        await asyncio.sleep(SECONDS)


async def weigh(runtime: Runtime) -> None:
    """Put on the list what fails for too long: one booking at a time, as when something is told of it."""
    async with database.transaction(runtime.engine, role=SWEEP) as connection:
        failing = await tables.failing(connection)
    for booking in failing:
        async with database.transaction(runtime.engine, role=MESSAGES, booking=str(booking)) as connection:
            await service.weigh(connection, booking, runtime.clock())


async def settle_past(runtime: Runtime) -> None:
    """Take off the list what nobody can attend to any more."""
    now = runtime.clock()
    async with database.transaction(runtime.engine, role=SWEEP, before=now.isoformat()) as connection:
        await service.settle_past(connection, now)
