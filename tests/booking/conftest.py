from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests import infra
from tests.booking import register
from tests.conftest import Clock, Run, Running, until


@pytest.fixture
async def booking(run: Run, nats_server: infra.NatsServer, clock: Clock, secret_file: Path) -> AsyncIterator[Running]:
    """Booking with the small register, all of it read."""
    await register.publish(nats_server.url, register.basic())
    async with run("booking", clock=clock, manage_secret_file=secret_file) as running:
        await until(lambda: ready(running))
        yield running


async def ready(running: Running) -> bool:
    return (await running.http.get("/booking/readyz")).status_code == 200
