from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from directory.events import Entity
from tests.booking import register
from tests.booking.conftest import ready
from tests.conftest import Clock, Knows, Run, Running, until

Start = Callable[..., Awaitable[Running]]


@pytest.fixture
async def start(run: Run, knows: Knows, clock: Clock, secret_file: Path) -> AsyncIterator[Start]:
    """`await start(codes_per_hour=3)`: booking with the small register, or with `entities`, and these settings."""
    async with AsyncExitStack() as stack:

        async def begin(entities: Sequence[Entity] = (), **settings: Any) -> Running:
            known = await knows(entities or register.basic())
            service = run("booking", clock=clock, manage_secret_file=secret_file, database_url=known, **settings)
            booking = await stack.enter_async_context(service)
            await until(lambda: ready(booking))
            return booking

        yield begin


@pytest.fixture
async def booking(start: Start) -> Running:
    return await start()
