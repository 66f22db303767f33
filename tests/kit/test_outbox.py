"""The relay on real PostgreSQL and real NATS: in order, at least once, one at a time, through every failure."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID, uuid4

import nats
import pytest
from nats.aio.client import Client
from nats.js.api import StreamConfig
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database, messaging, outbox, roles
from tests import infra
from tests.conftest import Databases, until

RELAY = roles.relay("consent")


@pytest.fixture
async def engine(new_database: Databases) -> AsyncIterator[AsyncEngine]:
    made = database.engine(await new_database("consent"), 5)
    yield made
    await made.dispose()


@pytest.fixture
async def client(nats_server: infra.NatsServer) -> AsyncIterator[Client]:
    made = await messaging.connect(nats_server.url, None, "consent")
    await messaging.provision(made, [])
    yield made
    await made.close()


async def write(engine: AsyncEngine, count: int, subject: str = "events.consent.tested") -> list[UUID]:
    rows = [outbox.Row(uuid4(), subject, str(n).encode(), '{"traceparent": "00-x"}') for n in range(count)]
    async with database.transaction(engine) as connection:
        for row in rows:
            await outbox.write(connection, row)
    return [row.event_id for row in rows]


@asynccontextmanager
async def running(relay: outbox.Relay) -> AsyncIterator[outbox.Relay]:
    task = asyncio.create_task(relay.run())
    yield relay
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def unpublished(engine: AsyncEngine) -> int:
    async with database.driver(engine, role=RELAY) as connection:
        found: int = await connection.fetchval("select count(*) from outbox where published_at is null")
        return found


async def drained(engine: AsyncEngine) -> bool:
    return await unpublished(engine) == 0


async def published(client: Client, stream: str = "EVENTS") -> list[str]:
    """The ids of all messages of a stream, in order."""
    jetstream = client.jetstream()
    state = (await jetstream.stream_info(stream)).state
    numbers = range(state.first_seq, state.last_seq + 1)
    return [(await jetstream.get_msg(stream, n)).headers["Nats-Msg-Id"] for n in numbers] if state.messages else []


async def test_rows_are_published_in_order_and_kept(engine: AsyncEngine, client: Client) -> None:
    ids = await write(engine, 700) + await write(engine, 1)
    async with running(outbox.Relay("consent", engine, client)):
        await until(lambda: drained(engine))
    assert await published(client) == [i.hex for i in ids]
    message = await client.jetstream().get_msg("EVENTS", 1)
    assert message.headers["traceparent"] == "00-x"
    async with database.driver(engine, role=RELAY) as connection:
        assert await connection.fetchval("select count(*) from outbox") == 701


async def test_facts_and_state_go_to_their_own_streams(engine: AsyncEngine, client: Client) -> None:
    facts = await write(engine, 3)
    state = await write(engine, 3, "state.consent.tested.one")
    facts += await write(engine, 2)
    async with running(outbox.Relay("consent", engine, client)):
        await until(lambda: drained(engine))
    assert await published(client) == [i.hex for i in facts]
    assert await published(client, "STATE") == [state[-1].hex]


async def test_a_crash_between_publishing_and_marking_publishes_nothing_twice(
    engine: AsyncEngine, client: Client
) -> None:
    ids = await write(engine, 10)
    async with running(outbox.Relay("consent", engine, client)):
        await until(lambda: drained(engine))
    # As after a crash: published, but the mark was lost. New rows stand in the same batch.
    async with database.driver(engine, role=RELAY) as connection:
        await connection.execute("update outbox set published_at = null")
    ids += await write(engine, 5)
    async with running(outbox.Relay("consent", engine, client)):
        await until(lambda: drained(engine))
    assert await published(client) == [i.hex for i in ids]


async def test_one_relay_publishes_and_the_other_takes_over(engine: AsyncEngine, client: Client) -> None:
    first, second = (outbox.Relay("consent", engine, client) for _ in range(2))
    async with running(second):
        async with running(first):
            ids = await write(engine, 20)
            await until(lambda: drained(engine))
        ids += await write(engine, 20)
        await until(lambda: drained(engine))
    assert await published(client) == [i.hex for i in ids]


async def test_rows_wait_while_nats_is_down(engine: AsyncEngine, client: Client, nats_server: infra.NatsServer) -> None:
    async with running(outbox.Relay("consent", engine, client)):
        await write(engine, 5)
        await until(lambda: drained(engine))
        await asyncio.to_thread(nats_server.kill)
        await write(engine, 5)
        await asyncio.to_thread(nats_server.start)
        await until(lambda: drained(engine), 60)
    assert len(await published(client)) == 10


async def test_a_lost_stream_loses_no_row(engine: AsyncEngine, client: Client) -> None:
    """Where nothing covers the subject the relay waits, loudly, and goes on when the stream is there."""
    await client.jetstream().delete_stream("EVENTS")
    await write(engine, 3)
    async with running(outbox.Relay("consent", engine, client)):
        second = await nats.connect(client.connected_url.geturl())
        await second.jetstream().add_stream(StreamConfig(name="EVENTS", subjects=["events.>"], allow_atomic=True))
        await second.close()
        await until(lambda: drained(engine), 60)
    assert len(await published(client)) == 3


@pytest.mark.parametrize("turns", range(4))
async def test_a_relay_that_is_woken_while_it_is_ended_ends(engine: AsyncEngine, client: Client, turns: int) -> None:
    relay = outbox.Relay("consent", engine, client)

    async def waits() -> bool:
        return bool(relay._wake._waiters)

    task = asyncio.create_task(relay.run())
    await until(waits)
    relay.wake()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=5)
    task.cancel()
    assert done == {task}
