"""Services that answer on a real port, so that others' tools can talk to them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
import uvicorn

from tests import infra
from tests.booking import register
from tests.booking.conftest import ready
from tests.conftest import Clock, Run, Running, until
from tests.directory.test_api import NOW as DIRECTORY_NOW
from tests.directory.test_api import SMALL

Serve = Callable[[str], AbstractAsyncContextManager[tuple[Running, str]]]


@pytest.fixture
def serve(run: Run, nats_server: infra.NatsServer, folder: Path) -> Serve:
    """`async with serve("booking") as (booking, url):` with a small register; its clock stands still."""

    @asynccontextmanager
    async def start(service: str) -> AsyncIterator[tuple[Running, str]]:
        settings: dict[str, object] = {}
        if service == "booking":
            secret = folder / "manage-secret-api"
            secret.write_text("a secret that only this test run knows")
            # All of the time is one municipality's, or it would be refused most of what is tried.
            shares = {"1266": 100}
            pool = register.pool("maria-ek").model_copy(update={"version": 2, "shares": shares})
            await register.publish(nats_server.url, [*register.basic(), pool])
            settings = {"clock": Clock(register.NOW), "manage_secret_file": secret}
        if service == "notification":
            settings = {
                "smtp_host": "127.0.0.1",
                "mail_from": "Samtid <samtid@samtid.example>",
                "sms_url": "http://sms.test",
            }
        async with run(service, **settings) as running:
            if service == "booking":
                await until(lambda: ready(running))
            if service == "directory":
                from directory.importing import import_files

                await import_files(running.runtime.engine, [SMALL], DIRECTORY_NOW)
            config = uvicorn.Config(running.app, host="127.0.0.1", port=0, log_config=None, lifespan="off")
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve())

            async def started() -> bool:
                return server.started

            await until(started)
            port = server.servers[0].sockets[0].getsockname()[1]
            try:
                yield running, f"http://127.0.0.1:{port}"
            finally:
                server.should_exit = True
                await serving

    return start
