"""What happens to a message whose handler fails, on real NATS."""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from nats.aio.client import Client
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit import database, inbox, messaging
from kit.app import utc_now
from kit.events import CloudEvent, Read
from kit.messaging import Handler, Reads
from tests import infra
from tests.conftest import Databases, until

INBOX = inbox.table(database.metadata())


class Counted(Read):
    number: int


class Reader:
    """A reader whose handler does what the test says, and remembers what it was given."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.times: list[float] = []
        self.fail: Callable[[int], bool] = lambda _: False
        self.reads = Reads(
            service="notification",
            stream="EVENTS",
            subjects="events.booking.>",
            handlers={"se.samtid.booking.counted.v1": Handler(Counted, self.handle)},
        )

    async def handle(self, _connection: AsyncConnection, event: CloudEvent[Counted], now: datetime) -> None:
        self.times.append(time.monotonic())
        if self.fail(len(self.times)):
            raise RuntimeError("as the test wants it")
        assert now.tzinfo is UTC
        self.seen.append(event.data.number)


@pytest.fixture
async def client(nats_server: infra.NatsServer) -> AsyncIterator[Client]:
    made = await messaging.connect(nats_server.url, None, "notification")
    yield made
    await made.close()


@pytest.fixture
async def engine(new_database: Databases) -> AsyncIterator[AsyncEngine]:
    made = database.engine(await new_database("notification"), 5)
    yield made
    await made.dispose()


@asynccontextmanager
async def reading(reader: Reader, client: Client, engine: AsyncEngine, url: str) -> AsyncIterator[None]:
    await messaging.provision(client, [reader.reads])
    broker = messaging.broker(url, None, "notification", client)
    messaging.subscribe(broker, reader.reads, engine, INBOX, utc_now)
    await broker.start()
    yield
    await broker.stop()


def event(number: Any, event_id: UUID | None = None, kind: str = "counted") -> bytes:
    return json.dumps(
        {
            "specversion": "1.0",
            "id": str(event_id or uuid4()),
            "source": "/booking",
            "type": f"se.samtid.booking.{kind}.v1",
            "subject": "x",
            "time": "2026-03-02T07:00:00Z",
            "data": {"number": number},
        }
    ).encode()


async def publish(client: Client, body: bytes) -> None:
    await client.jetstream().publish("events.booking.counted", body, headers={"traceparent": "00-y"})


async def waiting(client: Client, reader: Reader) -> int:
    return await messaging.pending(client, reader.reads)


async def none_waiting(client: Client, reader: Reader) -> bool:
    return await waiting(client, reader) == 0


async def dead(client: Client) -> list[Any]:
    jetstream = client.jetstream()
    count = (await jetstream.stream_info("DEAD")).state.messages
    return [await jetstream.get_msg("DEAD", n) for n in range(1, count + 1)]


async def test_an_event_that_comes_twice_takes_effect_once_and_an_unknown_one_is_passed_over(
    client: Client, engine: AsyncEngine, nats_server: infra.NatsServer
) -> None:
    reader = Reader()
    async with reading(reader, client, engine, nats_server.url):
        twice = event(1, uuid4())
        for body in (twice, twice, event(2), event(3, kind="of-tomorrow")):
            await publish(client, body)
        await until(lambda: none_waiting(client, reader))
    assert sorted(reader.seen) == [1, 2]
    assert await dead(client) == []


async def test_a_failure_is_tried_again_later_and_later(
    client: Client, engine: AsyncEngine, nats_server: infra.NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messaging, "BACKOFF_SECONDS", (0.2, 0.6))
    reader = Reader()
    reader.fail = lambda attempt: attempt <= 2
    async with reading(reader, client, engine, nats_server.url):
        await publish(client, event(1))
        await until(lambda: none_waiting(client, reader))
    assert reader.seen == [1]
    first, second = (reader.times[n + 1] - reader.times[n] for n in range(2))
    assert first >= 0.2
    assert second >= 0.6


async def test_after_the_last_try_it_is_a_dead_letter(
    client: Client, engine: AsyncEngine, nats_server: infra.NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messaging, "BACKOFF_SECONDS", (0.01,))
    monkeypatch.setattr(messaging, "MAX_DELIVERIES", 3)
    reader = Reader()
    reader.fail = lambda _: True
    async with reading(reader, client, engine, nats_server.url):
        await publish(client, event(1))
        await until(lambda: none_waiting(client, reader))
    assert len(reader.times) == 3
    (letter,) = await dead(client)
    assert letter.subject == "dead.notification-events-booking"
    assert letter.headers["Samtid-Error"] == "RuntimeError"
    assert letter.headers["Samtid-Deliveries"] == "3"
    assert letter.headers["traceparent"] == "00-y"
    assert json.loads(letter.data)["data"] == {"number": 1}


@pytest.mark.parametrize("body", [b"not json", b"[]", event("many"), b'{"type": "se.samtid.booking.counted.v1"}'])
async def test_what_cannot_be_read_is_a_dead_letter_at_once_and_holds_nobody_up(
    client: Client, engine: AsyncEngine, nats_server: infra.NatsServer, body: bytes
) -> None:
    reader = Reader()
    async with reading(reader, client, engine, nats_server.url):
        await publish(client, body)
        await publish(client, event(2))
        await until(lambda: none_waiting(client, reader))
    assert reader.seen == [2]
    (letter,) = await dead(client)
    assert letter.headers["Samtid-Deliveries"] == "1"


async def test_a_consumer_that_is_gone_is_noticed(
    client: Client, engine: AsyncEngine, nats_server: infra.NatsServer
) -> None:
    from nats.js.errors import NotFoundError

    reader = Reader()
    async with reading(reader, client, engine, nats_server.url):
        await client.jetstream().delete_consumer("EVENTS", reader.reads.durable)
        with pytest.raises(NotFoundError):
            await messaging.pending(client, reader.reads)
