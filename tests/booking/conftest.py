from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.booking import register
from tests.booking.granted import grant
from tests.conftest import Clock, Knows, Run, Running, until


@pytest.fixture
async def booking(run: Run, knows: Knows, clock: Clock, secret_file: Path) -> AsyncIterator[Running]:
    """Booking with the small register, all of it read."""
    known = await knows(register.basic())
    async with run("booking", clock=clock, manage_secret_file=secret_file, database_url=known) as running:
        await until(lambda: ready(running))
        for person in ("maria", "olle", "eva"):
            await grant(running.admin, person, ["familjestod", "another"])
        yield running


async def ready(running: Running) -> bool:
    return (await running.http.get("/booking/readyz")).status_code == 200
