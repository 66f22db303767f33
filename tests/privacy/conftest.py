from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests import infra
from tests.booking import conftest as booking_tests
from tests.booking import register
from tests.conftest import Clock, Run, Running, until
from tests.notification.conftest import notification, outside

__all__ = ["notification", "outside"]
SECRET = "a secret that only this test run knows"


@pytest.fixture
async def booking(run: Run, nats_server: infra.NatsServer, clock: Clock, folder: Path) -> AsyncIterator[Running]:
    """Booking with the small register, believing in the same clock as notification."""
    secret = folder / "manage-secret-privacy"
    secret.write_text(SECRET)
    await register.publish(nats_server.url, register.basic())
    async with run("booking", clock=clock, manage_secret_file=secret, public_url="https://samtid.example") as running:
        await until(lambda: booking_tests.ready(running))
        yield running
