"""PostgreSQL is the truth: all that JetStream holds can be lost and is published again, with no effect twice."""

from pathlib import Path

import asyncpg
import nats
import pytest

from directory.importing import import_files
from directory.tables import KINDS
from kit import database, messaging, outbox
from kit.app import utc_now
from tests import infra
from tests.booking.conftest import ready
from tests.booking.test_journey import request_for, slots
from tests.conftest import Run, Running, until
from tests.notification.conftest import Outside

DEMO = Path(__file__).parents[2] / "deploy" / "demo"


async def republish(service: Running) -> None:
    async with database.driver(service.admin) as connection:
        assert await outbox.republish(connection) > 0
    service.runtime.relay.wake()


async def test_all_of_jetstream_is_lost(
    run: Run, nats_server: infra.NatsServer, secret_file: Path, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What was under way when its stream went is answered by nobody, and tried again later.
    monkeypatch.setattr(outbox, "RETRY_REFUSED_SECONDS", 1)
    async with run("directory") as directory, run("notification", **outside.settings) as notification:
        await import_files(directory.runtime.engine, sorted(DEMO.glob("*.yaml")), utc_now())
        directory.runtime.relay.wake()
        async with run("booking", manage_secret_file=secret_file) as booking:
            # The offering that Hörby, Höör and Eslöv share in the demo.
            await until(lambda: ready(booking))
            await until(lambda: _offers(booking))
            offering = await _offers(booking)
            slot = (await slots(booking, offering=offering))[0]
            contact = {"name": "Kim", "email": "kim@example.org", "language": "sv"}
            modality = slot["modalities"][0]
            made = await booking.http.post(
                "/booking/v1/bookings", json=request_for(slot, contact=contact, modality=modality)
            )
            assert made.status_code == 201, made.text
            await until(lambda: _told(outside))
            client = await nats.connect(nats_server.url)
            jetstream = client.jetstream()
            events = (await jetstream.stream_info("EVENTS")).state.messages
            for stream in ("EVENTS", "STATE", "DEAD", "ADVISORIES"):
                await jetstream.delete_stream(stream)
            await messaging.provision(client, [*_reads("booking"), *_reads("notification")])
            for service in (directory, booking):
                await republish(service)
            known = {entity for (entity,) in await _rows(directory.admin_url, "select kind || id from entity")}

            async def published_again() -> bool:
                state = (await jetstream.stream_info("STATE")).state.messages
                return (
                    state == len(known) + len(KINDS)
                    and (await jetstream.stream_info("EVENTS")).state.messages >= events
                )

            await until(published_again)
            await until(lambda: _read_all(client))
            await client.close()
        async with run("booking", manage_secret_file=secret_file) as fresh:
            await until(lambda: ready(fresh))
            rows = await _rows(fresh.admin_url, "select kind || id from directory_copy")
            assert {entity for (entity,) in rows} == known
        assert len(outside.caught) == 1
        assert await _rows(notification.admin_url, "select 1 from message where kind = 'confirmation'") == [(1,)]


def _reads(service: str) -> list[messaging.Reads]:
    from importlib import import_module

    return list(import_module(f"{service}.app").READS)


async def _read_all(client: nats.aio.client.Client) -> bool:
    return not sum([await infra.pending(client, r) for s in ("booking", "notification") for r in _reads(s)])


async def _told(outside: Outside) -> bool:
    return bool(outside.caught)


async def _offers(booking: Running) -> str | None:
    """An offering that Hörby's families can book themselves, once booking has read of it."""
    rows = await _rows(booking.admin_url, "select offering from reach where municipality = '1266' limit 1")
    if not rows:
        return None
    offering = str(rows[0][0])
    answer = await booking.http.get("/booking/v1/slots", params={"offering": offering, "municipality": "1266"})
    return offering if answer.status_code == 200 and answer.json()["items"] else None


async def _rows(database_url: str, query: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(query)
    await connection.close()
    return [tuple(row) for row in rows]
