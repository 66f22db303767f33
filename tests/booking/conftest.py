from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests import infra
from tests.booking import register
from tests.conftest import Run, Running, until


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock(register.NOW)


@pytest.fixture(scope="session")
def secret_file(folder: Path) -> Path:
    path = folder / "manage-secret"
    path.write_text("a secret that only this test run knows")
    return path


@pytest.fixture
async def booking(run: Run, nats_server: infra.NatsServer, clock: Clock, secret_file: Path) -> AsyncIterator[Running]:
    """Booking with the small register, all of it read."""
    await register.publish(nats_server.url, register.basic())
    async with run("booking", clock=clock, manage_secret_file=secret_file) as running:
        await until(lambda: ready(running))
        yield running


async def ready(running: Running) -> bool:
    return (await running.http.get("/booking/readyz")).status_code == 200
