"""A new, empty booking database becomes complete by replaying STATE."""

from pathlib import Path

from kit import database
from tests import infra
from tests.booking import register
from tests.booking.conftest import ready
from tests.booking.test_journey import slots
from tests.conftest import Clock, Run, Running, until

COPIES = "select kind, id, version, ended, data::text from directory_copy order by kind, id"


async def copies(booking: Running) -> list[tuple[object, ...]]:
    async with database.driver(booking.admin) as connection:
        return [tuple(row) for row in await connection.fetch(COPIES)]


async def test_a_new_database_replays_what_an_old_one_knows(
    run: Run, nats_server: infra.NatsServer, clock: Clock, secret_file: Path
) -> None:
    await register.publish(nats_server.url, register.basic())
    async with run("booking", clock=clock, manage_secret_file=secret_file) as first:
        await until(lambda: ready(first))
        await register.publish(nats_server.url, [register.schedule(version=2, weekly=[])])
        await until(lambda: _no_slots(first))
        await register.publish(nats_server.url, [register.schedule(version=3)])
        await until(lambda: _some_slots(first))
        known, found = await copies(first), await slots(first)
    # The consumer has been read to its end; a second database starts it over.
    async with run("booking", clock=clock, manage_secret_file=secret_file) as second:
        await until(lambda: ready(second))
        assert await copies(second) == known
        assert await slots(second) == found
    # A database that knows something goes on where it was.
    async with run("booking", clock=clock, manage_secret_file=secret_file, database_url=second.database_url) as again:
        await until(lambda: ready(again))
        assert await copies(again) == known


async def test_an_older_version_changes_nothing(
    run: Run, nats_server: infra.NatsServer, clock: Clock, secret_file: Path
) -> None:
    await register.publish(nats_server.url, [*register.basic(), register.schedule(version=5)])
    async with run("booking", clock=clock, manage_secret_file=secret_file) as booking:
        await until(lambda: ready(booking))
        found = await slots(booking)
        await register.publish(nats_server.url, [register.schedule(version=4, weekly=[])])
        await register.publish(
            nats_server.url, [register.OFFERING.model_copy(update={"version": 2, "starts_every": 15})]
        )
        await until(lambda: _more_than(booking, len(found)))


async def _no_slots(booking: Running) -> bool:
    return not await slots(booking)


async def _some_slots(booking: Running) -> bool:
    return bool(await slots(booking))


async def _more_than(booking: Running, count: int) -> bool:
    return len(await slots(booking, limit=500)) > count
