"""What happens to a message whose handler fails, on real NATS."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from nats.aio.client import Client
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit import database, ending, inbox, messaging, readers
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
        self.meanwhile: Callable[[int], Awaitable[None]] | None = None
        self.connection: AsyncConnection | None = None
        self.reads = Reads(
            service="notification",
            stream="EVENTS",
            subjects="events.booking.>",
            handlers={"se.samtid.booking.counted.v1": Handler(Counted, self.handle)},
        )

    async def handle(self, connection: AsyncConnection, event: CloudEvent[Counted], now: datetime) -> None:
        self.times.append(time.monotonic())
        self.connection = connection
        if self.meanwhile:
            await self.meanwhile(len(self.times))
        if self.fail(len(self.times)):
            raise RuntimeError("as the test wants it")
        assert now.tzinfo is UTC
        self.seen.append(event.data.number)


@pytest.fixture
def client(streams: Client) -> Client:
    """Who publishes, and looks at the streams."""
    return streams


@pytest.fixture
async def own(nats_server: infra.NatsServer) -> AsyncIterator[Client]:
    """The reader's connection, in its own account."""
    made = await infra.connect(nats_server, "notification")
    yield made
    await made.close()


@pytest.fixture
async def engine(new_database: Databases) -> AsyncIterator[AsyncEngine]:
    made = database.engine(await new_database("notification"), 5)
    yield made
    await made.dispose()


@asynccontextmanager
async def reading(reader: Reader, client: Client, own: Client, engine: AsyncEngine) -> AsyncIterator[readers.Reader]:
    await messaging.provision(client, [reader.reads])
    made = readers.Reader(messaging.Link(own), reader.reads, engine, INBOX, utc_now)
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    await asyncio.wait({task})


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


async def none_waiting(client: Client, reader: Reader) -> bool:
    """Whether all was acknowledged or given up: what a consumer is about to hand out, it counts nowhere."""
    manager = client.jetstream()
    done = (await manager.consumer_info("EVENTS", reader.reads.durable)).ack_floor
    return bool(done) and done.stream_seq == (await manager.stream_info("EVENTS")).state.last_seq


async def dead(client: Client) -> list[Any]:
    jetstream = client.jetstream()
    count = (await jetstream.stream_info("DEAD")).state.messages
    return [await jetstream.get_msg("DEAD", n) for n in range(1, count + 1)]


async def test_an_event_that_comes_twice_takes_effect_once_and_an_unknown_one_is_passed_over(
    client: Client, own: Client, engine: AsyncEngine
) -> None:
    reader = Reader()
    async with reading(reader, client, own, engine):
        twice = event(1, uuid4())
        for body in (twice, twice, event(2), event(3, kind="of-tomorrow")):
            await publish(client, body)
        await until(lambda: none_waiting(client, reader))
    assert sorted(reader.seen) == [1, 2]
    assert await dead(client) == []


async def test_a_failure_is_tried_again_later_and_later(
    client: Client, own: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "BACKOFF_SECONDS", (0.2, 0.6))
    reader = Reader()
    reader.fail = lambda attempt: attempt <= 2
    async with reading(reader, client, own, engine):
        await publish(client, event(1))
        await until(lambda: none_waiting(client, reader))
    assert reader.seen == [1]
    first, second = (reader.times[n + 1] - reader.times[n] for n in range(2))
    assert first >= 0.2
    assert second >= 0.6


async def test_after_the_last_try_it_is_a_dead_letter(
    client: Client, own: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "BACKOFF_SECONDS", (0.01,))
    monkeypatch.setattr(readers, "MAX_TRIES", 3)
    reader = Reader()
    reader.fail = lambda _: True
    async with reading(reader, client, own, engine):
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
    client: Client, own: Client, engine: AsyncEngine, body: bytes
) -> None:
    reader = Reader()
    async with reading(reader, client, own, engine):
        await publish(client, body)
        await publish(client, event(2))
        await until(lambda: none_waiting(client, reader))
    assert reader.seen == [2]
    (letter,) = await dead(client)
    assert letter.headers["Samtid-Deliveries"] == "1"


async def test_what_a_handler_cannot_make_sense_of_is_not_poison(
    client: Client, own: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another, kept document that cannot be read says nothing of the event at hand."""
    monkeypatch.setattr(readers, "BACKOFF_SECONDS", (0.01,))
    monkeypatch.setattr(readers, "MAX_TRIES", 4)
    reader = Reader()

    async def fail(attempt: int) -> None:
        if attempt < 4:
            Counted.model_validate_json('{"number": "what was kept long ago"}')

    reader.meanwhile = fail
    async with reading(reader, client, own, engine):
        await publish(client, event(1))
        await until(lambda: none_waiting(client, reader))
    assert reader.seen == [1]
    assert await dead(client) == []


async def test_while_the_database_is_away_an_event_is_tried_without_end(
    client: Client, own: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "OUTAGE_SECONDS", (0.01,))
    monkeypatch.setattr(readers, "MAX_TRIES", 3)
    reader = Reader()

    async def fail(attempt: int) -> None:
        assert reader.connection
        if attempt <= 30:
            await reader.connection.execute(text("do $$ begin raise sqlstate '57P01'; end $$"))

    reader.meanwhile = fail
    async with reading(reader, client, own, engine):
        await publish(client, event(1))
        await until(lambda: none_waiting(client, reader))
    assert reader.seen == [1]
    assert len(reader.times) == 31
    assert await dead(client) == []


async def test_events_that_fail_let_others_pass(
    client: Client, own: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "BACKOFF_SECONDS", (600,))
    reader = Reader()
    reader.fail = lambda attempt: attempt <= 40
    async with reading(reader, client, own, engine):
        for number in range(40):
            await publish(client, event(number))
        await until(lambda: _tried(reader, 40))
        await publish(client, event(99))
        await until(lambda: _tried(reader, 41))
    assert reader.seen == [99]


async def _tried(reader: Reader, times: int) -> bool:
    return len(reader.times) == times


async def test_an_event_that_takes_long_is_given_to_nobody_else(
    client: Client, own: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (messaging, readers):
        monkeypatch.setattr(module, "ACK_WAIT_SECONDS", 0.6)
    reader = Reader()

    async def take_long(_: int) -> None:
        await asyncio.sleep(2)

    reader.meanwhile = take_long
    async with reading(reader, client, own, engine):
        await publish(client, event(1))
        await until(lambda: none_waiting(client, reader))
        info = await client.jetstream().consumer_info("EVENTS", reader.reads.durable)
    # Another worker would wait for the first one's inbox, and do nothing: what counts is that it got nothing.
    assert info.delivered.consumer_seq == 1


async def test_a_handler_that_always_takes_too_long_is_a_dead_letter_in_the_end(
    client: Client, own: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BACKOFF_SECONDS", "OUTAGE_SECONDS"):
        monkeypatch.setattr(readers, name, (0.01,))
    monkeypatch.setattr(readers, "MAX_TRIES", 2)
    monkeypatch.setattr(database, "JOB_SECONDS", 1)
    reader = Reader()

    async def take_long(attempt: int) -> None:
        assert reader.connection
        if attempt <= 4:
            await reader.connection.execute(text("select pg_sleep(2)"))

    reader.meanwhile = take_long
    async with reading(reader, client, own, engine):
        await publish(client, event(1))
        await until(lambda: none_waiting(client, reader))
    assert len(reader.times) == 2
    (letter,) = await dead(client)
    assert letter.headers["Samtid-Error"] == "DBAPIError"


async def test_what_was_handed_out_and_put_back_has_not_failed(
    client: Client, own: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "BACKOFF_SECONDS", (0.01,))
    monkeypatch.setattr(readers, "MAX_TRIES", 3)
    reader = Reader()
    reader.fail = lambda attempt: attempt <= 2
    await messaging.provision(client, [reader.reads])
    await publish(client, event(1))
    subscription = await client.jetstream().pull_subscribe_bind(reader.reads.durable, "EVENTS")
    for _ in range(5):
        (message,) = await subscription.fetch(1)
        await message.nak()
    async with reading(reader, client, own, engine):
        await until(lambda: none_waiting(client, reader))
    assert reader.seen == [1]
    assert await dead(client) == []


async def test_an_epoch_that_begins_soon_waits_for_it(
    client: Client, own: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that is slow costs no state."""
    monkeypatch.setattr(readers, "BACKOFF_SECONDS", (0.5,))
    reader = Reader()
    async with reading(reader, client, own, engine):
        epoch = utc_now() + messaging.AHEAD + timedelta(seconds=3)
        await publish(client, json.dumps({**json.loads(event(1)), "epoch": epoch.isoformat()}).encode())
        await until(lambda: none_waiting(client, reader))
        assert utc_now() + messaging.AHEAD >= epoch
    assert reader.seen == [1]
    assert await dead(client) == []


async def test_state_takes_one_connection_from_the_requests(client: Client, engine: AsyncEngine) -> None:
    reader, release = Reader(), asyncio.Event()
    reader.reads = replace(reader.reads, stream="STATE", subjects="state.booking.>")

    async def hold(_: int) -> None:
        await release.wait()

    reader.meanwhile = hold
    # No service reads such state: read where the streams are.
    async with reading(reader, client, client, engine):
        for number in range(4):
            await client.jetstream().publish(f"state.booking.counted.{number}", event(number))
        await until(lambda: _tried(reader, 1))
        await asyncio.sleep(0.5)
        assert len(reader.times) == 1
        release.set()
        await until(lambda: _true(lambda: len(reader.seen) == 4))


async def test_what_is_being_handled_when_the_service_ends_is_finished(
    client: Client, own: Client, engine: AsyncEngine
) -> None:
    reader = Reader()

    async def take_long(_: int) -> None:
        await asyncio.sleep(2.5)

    reader.meanwhile = take_long
    await messaging.provision(client, [reader.reads])
    task = asyncio.create_task(readers.Reader(messaging.Link(own), reader.reads, engine, INBOX, utc_now).run())
    await publish(client, event(1))
    await until(lambda: _tried(reader, 1))
    await ending.end({task})
    assert reader.seen == [1]
    await until(lambda: none_waiting(client, reader))


async def test_what_never_ends_is_cancelled_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "AGAIN_SECONDS", 0.1)
    hangs = asyncio.create_task(asyncio.sleep(600))

    async def job() -> None:
        try:
            await asyncio.sleep(600)
        finally:
            await ending.finish({hangs}, 0.5)

    task = asyncio.create_task(job())
    await asyncio.sleep(0)
    before = time.monotonic()
    await ending.end({task})
    assert hangs.cancelled()
    assert 0.5 <= time.monotonic() - before < 5


async def test_an_event_that_everybody_dies_of_is_given_up_unread(
    client: Client, own: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "MAX_DELIVERIES", 2)
    reader = Reader()
    await messaging.provision(client, [reader.reads])
    await publish(client, event(1))
    subscription = await client.jetstream().pull_subscribe_bind(reader.reads.durable, "EVENTS")
    for _ in range(2):
        (message,) = await subscription.fetch(1)
        await message.nak()
    async with reading(reader, client, own, engine):
        await until(lambda: none_waiting(client, reader))
    assert reader.times == []
    (letter,) = await dead(client)
    assert letter.headers["Samtid-Error"] == "NeverEndedError"


@pytest.mark.parametrize("number", [2**31, -(2**31) - 1, 2**70])
async def test_an_integer_that_no_column_holds_is_a_dead_letter_at_once(
    client: Client, own: Client, engine: AsyncEngine, number: int
) -> None:
    reader = Reader()
    async with reading(reader, client, own, engine):
        await publish(client, event(number))
        await until(lambda: none_waiting(client, reader))
    (letter,) = await dead(client)
    assert letter.headers["Samtid-Deliveries"] == "1"


async def test_a_dead_letter_says_which_event_it_was_and_of_which_reader(
    client: Client, own: Client, engine: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    reader, one = Reader(), uuid4()
    async with reading(reader, client, own, engine):
        await publish(client, event("many", one))
        await until(lambda: none_waiting(client, reader))
    (letter,) = await dead(client)
    assert str(one) in letter.headers["Nats-Msg-Id"]
    expected = {
        "Samtid-Event": str(one),
        "Samtid-Type": "se.samtid.booking.counted.v1",
        "Samtid-Reader": "notification-events-booking",
        "Samtid-Sequence": "1",
        "Samtid-Error": "UnreadableEventError",
    }
    assert {name: letter.headers[name] for name in expected} == expected
    (line,) = [record.getMessage() for record in caplog.records if "dead letter" in record.getMessage()]
    for said in (str(one), "se.samtid.booking.counted.v1", "notification-events-booking", "sequence 1 of EVENTS"):
        assert said in line


async def test_a_reader_whose_consumer_is_lost_waits_for_it_and_goes_on(
    client: Client, own: Client, engine: AsyncEngine, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "CHECK_SECONDS", 0.5)
    caplog.set_level(logging.INFO)
    reader = Reader()

    def said(what: str) -> int:
        return sum(what in record.getMessage() for record in caplog.records)

    async with reading(reader, client, own, engine):
        await publish(client, event(1))
        await until(lambda: _tried(reader, 1))
        await client.jetstream().delete_consumer("EVENTS", reader.reads.durable)
        await until(lambda: _true(lambda: said("is down") == 1))
        await publish(client, event(2))
        await messaging.provision(client, [reader.reads])
        await until(lambda: _true(lambda: 2 in reader.seen))
        await client.jetstream().delete_stream("EVENTS")
        await until(lambda: _true(lambda: said("is down") == 2))
        await messaging.provision(client, [reader.reads])
        await publish(client, event(3))
        await until(lambda: _true(lambda: 3 in reader.seen))
    assert reader.seen == [1, 2, 3]


async def _true(condition: Callable[[], bool]) -> bool:
    return condition()


async def test_a_lost_consumer_costs_no_processor(client: Client, own: Client, engine: AsyncEngine) -> None:
    reader = Reader()
    async with reading(reader, client, own, engine):
        await publish(client, event(1))
        await until(lambda: _tried(reader, 1))
        await client.jetstream().delete_consumer("EVENTS", reader.reads.durable)
        before, messages = time.process_time(), own.stats["out_msgs"]
        await asyncio.sleep(3)
        assert own.stats["out_msgs"] - messages < 60
        assert time.process_time() - before < 1


@asynccontextmanager
async def greeter(answer: bytes) -> AsyncIterator[tuple[str, asyncio.Event, asyncio.Event]]:
    """A server that greets as NATS does, answers whoever greets back with `answer`, and notes that, and who hung up."""
    greeted, ended = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"INFO {}\r\n")
        await reader.readuntil(b"PING\r\n")
        writer.write(answer)
        greeted.set()
        await reader.read()
        ended.set()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}", greeted, ended


async def test_a_connection_that_is_given_up_while_it_is_made_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a service ends just then."""
    kept: list[Client] = []
    monkeypatch.setattr(messaging, "Client", lambda: kept.append(Client()) or kept[-1])
    async with greeter(b"") as (url, greeted, ended):
        making = asyncio.create_task(messaging.connect(url, None, "consent"))
        await greeted.wait()
        making.cancel()
        await asyncio.wait([making])
        await asyncio.wait_for(ended.wait(), 5)


async def test_a_connection_is_closed_though_whoever_closes_it_is_told_to_end() -> None:
    async with greeter(b"PONG\r\n") as (url, _, ended):
        client = await messaging.connect(url, None, "consent")
        closing = asyncio.create_task(messaging.close(client))
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
        assert closing.cancelled()
        await asyncio.wait_for(ended.wait(), 5)
