"""Booking needs NATS for nothing that a family waits for: it starts, is ready and takes bookings without."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import httpx
import nats
import pytest

from booking.app import READS
from deploy import embedded, services
from kit import health, messaging, outbox
from kit.database import driver
from tests import infra
from tests.booking import register
from tests.booking.conftest import ready
from tests.booking.test_journey import request_for, slots
from tests.conftest import Clock, Databases, Run, Running, until
from tests.notification.conftest import Outside


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH_SECONDS", 0)


async def book(booking: Running) -> str:
    slot = (await slots(booking))[0]
    contact = {"name": "Kim", "email": "kim@example.org", "language": "sv"}
    made = await booking.http.post("/booking/v1/bookings", json=request_for(slot, contact=contact, modality="video"))
    assert made.status_code == 201, made.text
    return str(made.json()["reference"])


async def facts(booking: Running) -> int:
    async with driver(booking.admin) as connection:
        found: int = await connection.fetchval("select count(*) from figure_fact")
        return found


async def test_a_replica_starts_and_takes_bookings_while_nats_is_away(
    booking: Running, run: Run, nats_server: infra.NatsServer, clock: Clock, secret_file: Path
) -> None:
    await asyncio.to_thread(nats_server.kill)
    again = {"clock": clock, "manage_secret_file": secret_file, "database_url": booking.database_url}
    async with run("booking", **again) as other:
        await until(lambda: ready(other), 10)
        await book(other)
        await asyncio.to_thread(nats_server.start)
        await until(lambda: facts(other))


async def test_an_empty_replica_serves_and_waits_for_the_register(
    run: Run, nats_server: infra.NatsServer, clock: Clock, secret_file: Path
) -> None:
    await register.publish(nats_server.url, register.basic())
    await asyncio.to_thread(nats_server.kill)
    async with run("booking", clock=clock, manage_secret_file=secret_file) as booking:
        assert (await booking.http.get("/booking/healthz")).is_success
        assert (await booking.http.get("/booking/readyz")).status_code == 503
        await asyncio.to_thread(nats_server.start)
        await until(lambda: ready(booking))
        await book(booking)


async def test_a_state_that_cannot_be_kept_keeps_no_replica_from_starting(
    booking: Running, run: Run, nats_server: infra.NatsServer, clock: Clock, secret_file: Path
) -> None:
    """Neither one that knows a register nor a new one, which has tried all of it once."""
    other = run("booking", clock=clock, manage_secret_file=secret_file)
    async with other as empty, driver(booking.admin) as old, driver(empty.admin) as new:
        for connection in (old, new):
            await connection.execute("alter table directory_copy add check (id <> 'broken')")
        await register.publish(nats_server.url, [register.UNIT.model_copy(update={"id": "broken"})])
        await until(lambda: ready(empty))
    again = {"clock": clock, "manage_secret_file": secret_file, "database_url": booking.database_url}
    async with run("booking", **again) as restarted:
        await until(lambda: ready(restarted), 10)


async def test_the_figures_reader_takes_nothing_else_down(booking: Running, nats_server: infra.NatsServer) -> None:
    figures = next(read for read in READS if read.stream == "EVENTS")
    client = await nats.connect(nats_server.url)
    await client.jetstream().delete_consumer("EVENTS", figures.durable)
    await book(booking)
    await until(lambda: ready(booking), 5)
    await messaging.provision(client, READS)
    await until(lambda: facts(booking))
    await client.close()


@pytest.mark.parametrize(
    "last_words", [b"", b"-ERR 'Server Shutdown'\r\n", b"-ERR 'Server Shutdown'\r\n-ERR 'Stale Connection'\r\n"]
)
async def test_all_works_again_however_the_connection_ended(
    booking: Running, run: Run, nats_server: infra.NatsServer, outside: Outside, clock: Clock, last_words: bytes
) -> None:
    """Ended without a word, and with one that the server gives as its reason."""
    async with (
        infra.wire(nats_server.url) as wire,
        run("notification", clock=clock, nats_url=wire.url, **outside.settings),
    ):
        await book(booking)
        await until(lambda: _told(outside))
        for told in range(1, 4):
            wire.say(last_words)
            await book(booking)
            await until(lambda told=told: _told(outside, told + 1), 20)


async def test_all_goes_on_where_the_storage_was_lost(
    booking: Running, run: Run, nats_server: infra.NatsServer, outside: Outside, clock: Clock
) -> None:
    """Storage and consumers are gone, and made anew by the operator: no service is started anew."""
    async with run("notification", clock=clock, **outside.settings):
        client = await nats.connect(nats_server.url)
        for stream in ("EVENTS", "STATE", "DEAD", "ADVISORIES"):
            await client.jetstream().delete_stream(stream)
        await asyncio.to_thread(nats_server.kill)
        await asyncio.to_thread(nats_server.start)
        await book(booking)
        await until(lambda: _provisioned(client, [*READS, *services.reads("notification")]))
        async with driver(booking.admin) as connection:
            await outbox.republish(connection)
        await until(lambda: facts(booking))
        # The question for the contact is answered again, too.
        await until(lambda: _told(outside))
        await client.close()


async def _provisioned(client: nats.aio.client.Client, reads: list[messaging.Reads]) -> bool:
    try:
        await messaging.provision(client, reads)
    except nats.errors.Error:
        return False
    return True


async def _told(outside: Outside, messages: int = 1) -> bool:
    return len(outside.caught) >= messages


async def test_a_service_that_waits_for_nats_ends_at_once(new_database: Databases) -> None:
    port = embedded.free_port()
    environment = {
        **os.environ,
        "ENVIRONMENT": "test",
        "DATABASE_URL": await new_database("consent"),
        "NATS_URL": "nats://127.0.0.1:1",
    }
    service = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kit", "serve", "consent", "--port", str(port)),
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:

        async def answers() -> bool:
            try:
                return (await http.get("/consent/readyz")).is_success
            except httpx.TransportError:
                return False

        await until(answers, 30)
    service.send_signal(signal.SIGTERM)
    _, said = await asyncio.wait_for(service.communicate(), 5)
    # The server ends in good order, and then of the signal, as it should.
    assert service.returncode == -signal.SIGTERM
    assert b"exception" not in said
    assert b"Traceback" not in said
