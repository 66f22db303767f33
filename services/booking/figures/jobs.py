"""What booking does by itself for figures."""

import asyncio

from booking.figures import service
from booking.roles import MEASURE
from kit import database
from kit.app import Runtime

MEASURE_SECONDS = 60


async def measure(runtime: Runtime) -> None:
    """Measure free time when a local day has begun, or later that day where nothing ran then.

    Not at once: a service that starts on an empty database first reads the register.
    """
    while True:
        await asyncio.sleep(MEASURE_SECONDS)
        async with database.transaction(runtime.engine, role=MEASURE, seconds=database.JOB_SECONDS) as connection:
            done = await service.measure(connection, runtime.clock())
        if done:
            runtime.relay.wake()
