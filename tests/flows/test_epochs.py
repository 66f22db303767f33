"""Directory restored, made anew, or told by somebody else: booking takes the true register anew."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import nats
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy import cli
from directory import editing, events, history
from directory.events import Entity
from kit import database, readers
from tests import infra
from tests.booking import register
from tests.booking.conftest import ready
from tests.booking.test_journey import QUERY, request_for, slots
from tests.conftest import AsRole, Clock, Databases, Run, Running, until

OTHER = register.OFFERING.model_copy(update={"id": "gruppen", "name": events.Text(sv="Gruppen")})
NURSE = events.Staff(
    id="lena-forss",
    version=1,
    name="Lena Forss",
    identity="lena",
    grants=[events.Grant(role="nurse", centre="bvc-horby")],
)


async def write(engine: AsyncEngine, entities: Iterable[Entity], now: datetime) -> None:
    """Change the register as an import does."""
    async with engine.begin() as connection:
        known = await editing.register(connection)
        await editing.write(connection, known, entities, history.IMPORT, now)


async def value(running: Running, query: str) -> object:
    async with database.driver(running.admin) as connection:
        return await connection.fetchval(query)


def holds(running: Running, query: str, wanted: object) -> Callable[[], Awaitable[bool]]:
    async def is_so() -> bool:
        return bool(await value(running, query) == wanted)

    return is_so


async def offered(booking: Running) -> bool:
    answer = await booking.http.get("/booking/v1/slots", params=QUERY)
    return answer.is_success and bool(answer.json()["items"])


async def not_offered(booking: Running) -> bool:
    return not await offered(booking)


async def test_a_register_that_is_made_anew_takes_the_place_of_the_old_one(
    run: Run, clock: Clock, secret_file: Path
) -> None:
    async with run("booking", clock=clock, manage_secret_file=secret_file) as booking:
        async with run("directory", clock=clock) as directory:
            await write(directory.runtime.engine, [*register.basic(), OTHER], clock())
            await until(lambda: offered(booking))
            await until(holds(booking, "select ended from directory_copy where id = 'gruppen'", wanted=False))
            slot = (await slots(booking))[0]
            made = await booking.http.post("/booking/v1/bookings", json=request_for(slot))
            assert made.status_code == 201, made.text
        clock.move(minutes=1)
        async with run("directory", clock=clock) as anew:
            await write(anew.runtime.engine, [*register.basic()[:-1], register.schedule(weekly=[])], clock())
            await until(lambda: not_offered(booking))
            await until(holds(booking, "select ended from directory_copy where id = 'gruppen'", wanted=True))
            assert await value(booking, "select count(*) from reach where offering = 'gruppen'") == 0
            assert await value(booking, "select sum(capacity) from advisor_day where day > '2026-03-03'") == 0
            assert await value(booking, "select status from booking") == "confirmed"
        await until(lambda: ready(booking))


async def test_an_older_copy_of_the_register_is_followed_and_so_are_its_next_changes(
    run: Run, clock: Clock, secret_file: Path, admin: asyncpg.Connection, new_database: Databases, as_role: AsRole
) -> None:
    restored = await new_database("directory")
    name = restored.rsplit("/", 1)[1]
    async with run("booking", clock=clock, manage_secret_file=secret_file) as booking:
        async with run("directory", clock=clock) as directory:
            await write(directory.runtime.engine, register.basic(), clock())
            await until(lambda: offered(booking))
            old = directory.database_url.rsplit("/", 1)[1]
        await admin.execute(f"drop database {name}")
        await admin.execute(f"create database {name} owner directory_owner template {old}")
        async with run("directory", clock=clock, database_url=directory.database_url) as directory:
            await write(directory.runtime.engine, [register.schedule(weekly=[])], clock())
            await until(lambda: not_offered(booking))
        clock.move(minutes=1)
        async with run("directory", clock=clock, database_url=restored) as directory:
            # By itself: nobody changed anything.
            await until(lambda: offered(booking))
            assert await value(booking, "select version from directory_copy where kind = 'schedule'") == 1
            await write(directory.runtime.engine, [register.schedule(weekly=[])], clock())
            await until(lambda: not_offered(booking))


async def forge(nats_url: str, state: Entity, epoch: datetime | None = None) -> None:
    """What somebody who has directory's key can tell."""
    client = await nats.connect(nats_url)
    event = register.TYPES[type(state)]
    payload = event.encode(event_id=uuid4(), entity_id=state.id, data=state, now=register.NOW, epoch=epoch)
    await client.jetstream().publish(event.subject(state.id), payload)
    await client.close()


async def test_what_was_forged_is_gone_after_a_resync(
    run: Run,
    clock: Clock,
    secret_file: Path,
    nats_server: infra.NatsServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with (
        run("booking", manage_secret_file=secret_file) as booking,
        run("directory") as directory,
    ):
        grants = "select jsonb_array_length(data->'grants') from directory_copy where id = 'lena-forss'"
        await write(directory.runtime.engine, [*register.basic(), NURSE], directory.runtime.clock())
        await until(holds(booking, grants, 1))
        epoch = await value(directory, "select max(began_at) from epoch")
        assert isinstance(epoch, datetime)
        more = [*NURSE.grants, events.Grant(role="reviewer", unit="familjestod")]
        await forge(nats_server.url, NURSE.model_copy(update={"version": 2**31 - 1, "grants": more}), epoch)
        await forge(nats_server.url, NURSE.model_copy(update={"id": "nobody", "grants": more}), epoch)
        await until(holds(booking, grants, 2))
        await until(holds(booking, "select ended from directory_copy where id = 'nobody'", wanted=False))
        monkeypatch.setenv("DATABASE_URL", directory.database_url)
        assert await asyncio.to_thread(cli.main, ["resync"]) == 0
        assert "10 entities" in capsys.readouterr().out
        await until(holds(booking, grants, 1))
        await until(holds(booking, "select ended from directory_copy where id = 'nobody'", wanted=True))


async def test_an_epoch_of_the_future_is_not_read(
    booking: Running, nats_server: infra.NatsServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would outdate the true register until then."""
    monkeypatch.setattr(readers, "BACKOFF_SECONDS", (0.01,))
    await forge(nats_server.url, NURSE, clock() + timedelta(minutes=10))
    client = await nats.connect(nats_server.url)

    async def dead() -> int:
        return int((await client.jetstream().stream_info("DEAD")).state.messages)

    await until(dead)
    assert await value(booking, "select count(*) from directory_copy where id = 'lena-forss'") == 0
    await client.close()


async def test_what_comes_late_of_an_earlier_epoch_changes_nothing(
    booking: Running, nats_server: infra.NatsServer, clock: Clock
) -> None:
    """Workers take messages side by side: the list of all that there are may come before an old state."""
    client = await nats.connect(nats_server.url)
    there = events.Register(kind="staff", ids=["lena-forss"])
    payload = events.REGISTER.encode(event_id=uuid4(), entity_id="staff", data=there, now=clock(), epoch=clock())
    await client.jetstream().publish(events.REGISTER.subject("staff"), payload)
    await until(holds(booking, "select count(*) from directory_epoch", 1))
    await forge(nats_server.url, NURSE, clock() - timedelta(days=1))
    await forge(nats_server.url, NURSE.model_copy(update={"version": 7}))
    await forge(nats_server.url, NURSE.model_copy(update={"id": "later"}), clock())
    await until(holds(booking, "select count(*) from directory_copy where id = 'later'", 1))
    assert await value(booking, "select count(*) from directory_copy where id = 'lena-forss'") == 0
    await client.close()


async def test_two_states_of_one_version_are_noticed(
    booking: Running, nats_server: infra.NatsServer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("Lena Forss", "Lena Fors"):
        await forge(nats_server.url, NURSE.model_copy(update={"name": name}), clock())

    async def said() -> bool:
        return "two states of version 1" in caplog.text

    await until(said)
    assert "Lena" not in caplog.text
    assert await ready(booking)
