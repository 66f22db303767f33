"""The relay on real PostgreSQL and real NATS: in order, at least once, one at a time, through every failure."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import DiscardPolicy, StreamConfig
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy import installation
from kit import database, messaging, outbox, roles
from kit.messaging import Link
from tests import infra
from tests.conftest import Databases, until

RELAY = roles.relay("consent")


@pytest.fixture
async def engine(new_database: Databases) -> AsyncIterator[AsyncEngine]:
    made = database.engine(await new_database("consent"), 5)
    yield made
    await made.dispose()


@pytest.fixture
async def client(streams: Client) -> Client:
    """Who makes the streams, and looks at them."""
    await messaging.provision(streams, [])
    return streams


@pytest.fixture
async def own(nats_server: infra.NatsServer) -> AsyncIterator[Client]:
    """The relay's connection, in its own account."""
    made = await infra.connect(nats_server, "consent")
    yield made
    await made.close()


async def write(
    engine: AsyncEngine, count: int, subject: str = "events.consent.tested", payload: bytes = b"small"
) -> list[UUID]:
    rows = [outbox.Row(uuid4(), subject, payload, '{"traceparent": "00-x"}') for n in range(count)]
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


async def waiting(engine: AsyncEngine, count: int) -> bool:
    return await unpublished(engine) == count


async def published(client: Client, stream: str = "EVENTS") -> list[str]:
    """The ids of all messages of a stream, in order."""
    jetstream = client.jetstream()
    state = (await jetstream.stream_info(stream)).state
    numbers = range(state.first_seq, state.last_seq + 1)
    return [(await jetstream.get_msg(stream, n)).headers["Nats-Msg-Id"] for n in numbers] if state.messages else []


async def test_rows_are_published_in_order_and_kept(engine: AsyncEngine, client: Client, own: Client) -> None:
    ids = await write(engine, 700) + await write(engine, 1)
    async with running(outbox.Relay("consent", engine, Link(own))):
        await until(lambda: drained(engine))
    assert await published(client) == [i.hex for i in ids]
    message = await client.jetstream().get_msg("EVENTS", 1)
    assert message.headers["traceparent"] == "00-x"
    async with database.driver(engine, role=RELAY) as connection:
        assert await connection.fetchval("select count(*) from outbox") == 701


async def test_facts_and_state_go_to_their_own_streams(engine: AsyncEngine, client: Client, own: Client) -> None:
    facts = await write(engine, 3)
    state = await write(engine, 3, "state.consent.tested.one")
    facts += await write(engine, 2)
    async with running(outbox.Relay("consent", engine, Link(own))):
        await until(lambda: drained(engine))
    assert await published(client) == [i.hex for i in facts]
    assert await published(client, "STATE") == [state[-1].hex]


async def test_a_crash_between_publishing_and_marking_publishes_nothing_twice(
    engine: AsyncEngine, client: Client, own: Client
) -> None:
    ids = await write(engine, 10)
    async with running(outbox.Relay("consent", engine, Link(own))):
        await until(lambda: drained(engine))
    # As after a crash: published, but the mark was lost. New rows stand in the same batch.
    async with database.driver(engine, role=RELAY) as connection:
        await connection.execute("update outbox set published_at = null")
    ids += await write(engine, 5)
    async with running(outbox.Relay("consent", engine, Link(own))):
        await until(lambda: drained(engine))
    assert await published(client) == [i.hex for i in ids]


async def test_one_relay_publishes_and_the_other_takes_over(engine: AsyncEngine, client: Client, own: Client) -> None:
    first, second = (outbox.Relay("consent", engine, Link(own)) for _ in range(2))
    async with running(second):
        async with running(first):
            ids = await write(engine, 20)
            await until(lambda: drained(engine))
        ids += await write(engine, 20)
        await until(lambda: drained(engine))
    assert await published(client) == [i.hex for i in ids]


async def test_while_the_leader_is_held_up_the_other_publishes_nothing(
    engine: AsyncEngine, client: Client, own: Client
) -> None:
    """The leader has published and cannot mark what it did: were the other to go on, events would lose their order."""
    first, second = (outbox.Relay("consent", engine, Link(own)) for _ in range(2))
    ids = await write(engine, 3)

    async def count(number: int) -> bool:
        return len(await published(client)) == number

    async def refused_or_published() -> bool:
        async with database.driver(engine) as connection:
            asked = "select count(*) from pg_stat_activity where state = 'idle' and query like '%pg_try_advisory_lock%'"
            return bool(await connection.fetchval(asked)) or await count(5)

    async with running(first):
        async with database.transaction(engine, role=RELAY) as held:
            await held.execute("select from outbox for update")
            await until(lambda: count(3))
            late = await write(engine, 2)
            async with running(second):
                await until(refused_or_published, 20)
                assert await published(client) == [i.hex for i in ids]
        await until(lambda: drained(engine))
    assert await published(client) == [i.hex for i in ids + late]


async def test_what_nats_does_not_take_is_not_marked(engine: AsyncEngine, client: Client, own: Client) -> None:
    """A stream that is full takes nothing: each row of the batch waits, and is published when there is room."""
    events = next(s for s in messaging.STREAMS if s.name == "EVENTS")
    await client.jetstream().publish("events.consent.tested", b"", headers={"Nats-Msg-Id": "first"})
    await client.jetstream().update_stream(replace(events, max_msgs=1, discard=DiscardPolicy.NEW))
    ids = await write(engine, 5)
    seen: list[str] = []

    async def sent(message: Msg) -> None:
        seen.append((message.headers or {})["Nats-Msg-Id"])

    watch = await client.subscribe("events.consent.tested", cb=sent)

    async def tried_again() -> bool:
        return seen.count(ids[0].hex) > 2 or await drained(engine)

    async with running(outbox.Relay("consent", engine, Link(own))):
        await until(tried_again)
        assert await unpublished(engine) == 5
        await client.jetstream().update_stream(events)
        await until(lambda: drained(engine))
    await watch.unsubscribe()
    assert await published(client) == ["first", *(i.hex for i in ids)]


async def test_facts_are_kept_for_a_month_and_state_for_ever(engine: AsyncEngine, client: Client, own: Client) -> None:
    await write(engine, 3)
    await write(engine, 2, "state.consent.tested.one")
    async with running(outbox.Relay("consent", engine, Link(own))):
        await until(lambda: drained(engine))
    # Not published yet, whatever its age.
    await write(engine, 1)

    async def kept(days: float) -> list[tuple[str, int]]:
        async with database.transaction(engine, role=RELAY) as connection:
            await outbox.purge(connection, datetime.now(UTC) + timedelta(days=days))
            rows = await connection.fetch("select subject, count(*) as n from outbox group by subject order by subject")
        return [(row["subject"], row["n"]) for row in rows]

    assert await kept(29.9) == [("events.consent.tested", 4), ("state.consent.tested.one", 2)]
    assert await kept(31) == [("events.consent.tested", 1), ("state.consent.tested.one", 2)]
    async with database.transaction(engine, role=RELAY) as connection:
        assert await outbox.republish(connection) == 2
    async with running(outbox.Relay("consent", engine, Link(own))):
        await until(lambda: drained(engine))
    assert len(await published(client)) == 4


async def test_rows_wait_while_nats_is_down(
    engine: AsyncEngine, client: Client, own: Client, nats_server: infra.NatsServer
) -> None:
    link = Link(own)
    async with running(outbox.Relay("consent", engine, link)):
        await write(engine, 5)
        await until(lambda: drained(engine))
        await asyncio.to_thread(nats_server.kill)
        await write(engine, 5)
        await asyncio.to_thread(nats_server.start)
        link.client = await infra.connect(nats_server, "consent")
        await until(lambda: drained(engine))
    assert len(await published(client)) == 10
    await link.client.close()


async def test_a_lost_stream_loses_no_row(engine: AsyncEngine, client: Client, own: Client) -> None:
    """Where nothing covers the subject the relay waits, loudly, and goes on when the stream is there."""
    await client.jetstream().delete_stream("EVENTS")
    await write(engine, 3)
    async with running(outbox.Relay("consent", engine, Link(own))):
        second = await nats.connect(client.connected_url.geturl())
        await second.jetstream().add_stream(StreamConfig(name="EVENTS", subjects=["events.>"], allow_atomic=True))
        await second.close()
        await until(lambda: drained(engine), 60)
    assert len(await published(client)) == 3


@pytest.mark.parametrize("count", [1, 3])
async def test_a_lost_stream_holds_no_other_up(
    engine: AsyncEngine, client: Client, own: Client, caplog: pytest.LogCaptureFixture, count: int
) -> None:
    await client.jetstream().delete_stream("DEAD")
    lost = await write(engine, count, "dead.consent")
    facts = await write(engine, 2)
    async with running(outbox.Relay("consent", engine, Link(own))):
        await until(lambda: waiting(engine, count))
        facts += await write(engine, 2)
        await until(lambda: waiting(engine, count))
        assert await published(client) == [i.hex for i in facts]
        assert "no stream takes dead.>" in caplog.text
        await messaging.provision(client, [])
        await until(lambda: drained(engine))
    assert await published(client, "DEAD") == [i.hex for i in lost]


async def test_several_dead_letters_leave_together(engine: AsyncEngine, client: Client, own: Client) -> None:
    ids = await write(engine, 3, "dead.consent")
    async with running(outbox.Relay("consent", engine, Link(own))):
        await until(lambda: drained(engine))
    assert await published(client, "DEAD") == [i.hex for i in ids]


async def test_streams_of_before_learn_to_take_several_dead_letters(client: Client, engine: AsyncEngine) -> None:
    await client.jetstream().delete_stream("DEAD")
    await client.jetstream().add_stream(StreamConfig(name="DEAD", subjects=["dead.>"]))
    await messaging.provision(client, [])
    assert (await client.jetstream().stream_info("DEAD")).config.allow_atomic


async def test_what_takes_no_batches_is_published_to_one_by_one(
    engine: AsyncEngine, client: Client, own: Client
) -> None:
    await client.jetstream().delete_stream("EVENTS")
    await client.jetstream().add_stream(StreamConfig(name="EVENTS", subjects=["events.>"]))
    ids = await write(engine, 5)
    async with running(outbox.Relay("consent", engine, Link(own))):
        await until(lambda: drained(engine))
    assert await published(client) == [i.hex for i in ids]


async def test_another_service_that_leaves_its_batches_open_holds_nobody_up(
    engine: AsyncEngine, client: Client, own: Client, nats_server: infra.NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A stream takes so many at a time, whoever began them."""
    other = await infra.connect(nats_server, "booking")
    for _ in range(60):
        batch = {"Nats-Batch-Id": uuid4().hex, "Nats-Batch-Sequence": "1"}
        await other.publish("events.booking.tested", b"", headers=batch)
    # Taken after all of those.
    await other.jetstream().publish("dead.booking", b"")
    ids = await write(engine, 5)
    async with running(outbox.Relay("consent", engine, Link(own))):
        await until(lambda: drained(engine))
    await other.close()
    assert await published(client) == [i.hex for i in ids]
    assert "no batch" not in caplog.text


@pytest.mark.parametrize("size", [1_048_576 - 200, 2_000_000])
async def test_an_event_that_is_too_large_holds_nobody_up_and_is_named(
    engine: AsyncEngine, client: Client, own: Client, caplog: pytest.LogCaptureFixture, size: int
) -> None:
    first = await write(engine, 2)
    (large,) = await write(engine, 1, payload=b"x" * size)
    last = await write(engine, 2)
    async with running(outbox.Relay("consent", engine, Link(own))):
        await until(lambda: waiting(engine, 1))
    assert await published(client) == [i.hex for i in first + last]
    assert str(large) in caplog.text


async def test_an_event_that_the_stream_refuses_holds_nobody_up_and_follows_when_it_is_taken(
    engine: AsyncEngine, client: Client, own: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(outbox, "RETRY_REFUSED_SECONDS", 0.5)
    events = next(s for s in messaging.STREAMS if s.name == "EVENTS")
    await client.jetstream().update_stream(replace(events, max_msg_size=1000))
    first = await write(engine, 2)
    refused = await write(engine, 2, payload=b"x" * 2000)
    last = await write(engine, 2)
    async with running(outbox.Relay("consent", engine, Link(own))):
        await until(lambda: waiting(engine, 2))
        assert await published(client) == [i.hex for i in first + last]
        assert all(str(i) in caplog.text for i in refused)
        await client.jetstream().update_stream(replace(events, max_msg_size=-1))
        await until(lambda: drained(engine))
    assert await published(client) == [i.hex for i in first + last + refused]


async def test_a_state_that_was_refused_does_not_overwrite_a_later_one(
    engine: AsyncEngine, client: Client, own: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "RETRY_REFUSED_SECONDS", 0.5)
    state = next(s for s in messaging.STREAMS if s.name == "STATE")
    await client.jetstream().update_stream(replace(state, max_msg_size=1000))
    subject = "state.consent.tested.one"
    await write(engine, 1, subject, b"x" * 2000)
    (later,) = await write(engine, 1, subject)
    (other,) = await write(engine, 1, "state.consent.tested.two", b"x" * 2000)
    async with running(outbox.Relay("consent", engine, Link(own))):
        await until(lambda: waiting(engine, 1))
        await client.jetstream().update_stream(replace(state, max_msg_size=-1))
        await until(lambda: drained(engine))
    assert await published(client, "STATE") == [later.hex, other.hex]


LEADER = """
import asyncio, sys
from kit import database, messaging, outbox
outbox.LEASE_SECONDS, outbox.LEASE = 2, outbox.LEASE.replace("10s", "2s")
async def main(database_url, nats_url, seed_file):
    client = await messaging.connect(nats_url, open(seed_file).read(), "consent")
    await outbox.Relay("consent", database.engine(database_url, 2), messaging.Link(client)).run()
asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_relay_that_stands_still_loses_its_lead_and_does_not_publish_when_it_goes_on(
    engine: AsyncEngine, client: Client, own: Client, nats_server: infra.NatsServer
) -> None:
    database_url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    frozen = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", LEADER, database_url, nats_server.url),
        installation.seed_file(nats_server.keys, "consent"),
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        ids = await write(engine, 1)
        await until(lambda: drained(engine))
        frozen.send_signal(signal.SIGSTOP)
        ids += await write(engine, 20)
        async with running(outbox.Relay("consent", engine, Link(own))):
            await until(lambda: drained(engine), 20)
            frozen.send_signal(signal.SIGCONT)
            # What it would publish now is the oldest that waits, were it to lead still.
            ids += await write(engine, 20)
            await until(lambda: drained(engine))
            assert frozen.stderr
            await asyncio.wait_for(frozen.stderr.readuntil(b"pauses"), 20)
    finally:
        frozen.kill()
        await frozen.communicate()
    assert await published(client) == [i.hex for i in ids]


@pytest.mark.parametrize("turns", range(4))
async def test_a_relay_that_is_woken_while_it_is_ended_ends(
    engine: AsyncEngine, client: Client, own: Client, turns: int
) -> None:
    relay = outbox.Relay("consent", engine, Link(own))

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
