"""The demo's own operator, who makes anew what NATS lost, also after NATS itself was away."""

import asyncio
from contextlib import suppress

import nats
import nats.js.errors
import pytest

from deploy import installation
from tests import infra
from tests.conftest import Run, until


async def test_streams_are_made_anew_after_nats_was_away(
    run: Run, nats_server: infra.NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "LOOK_SECONDS", 0.1)
    made = asyncio.Event()

    async def lost() -> None:
        made.set()

    keeping = asyncio.create_task(installation.keep_provisioned(nats_server.url, None, lost))
    await asyncio.sleep(0.5)
    nats_server.kill()
    nats_server.start()
    client = await nats.connect(nats_server.url)
    try:
        with suppress(nats.js.errors.NotFoundError):
            await client.jetstream().delete_stream("DEAD")

        async def again() -> bool:
            return made.is_set()

        await until(again, 20)
        assert await client.jetstream().stream_info("DEAD")
    finally:
        await client.close()
        keeping.cancel()
        await asyncio.wait({keeping})
