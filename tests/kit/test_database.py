"""A connection that ended, hangs or kept a role is given to nobody, whichever way it was used."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database, roles
from kit.outage import is_outage
from kit.vault.sealing import Masters
from kit.vault.store import Vault
from tests import infra
from tests.conftest import AsRole, Databases, until

NOW = datetime(2026, 3, 30, 7, tzinfo=UTC)
RELAY = roles.relay("consent")
Use = Callable[[AsyncEngine, str], Awaitable[Any]]


async def driver(engine: AsyncEngine, sql: str) -> Any:
    async with database.driver(engine) as connection:
        return await connection.fetchval(sql)


async def driver_as_role(engine: AsyncEngine, sql: str) -> Any:
    async with database.driver(engine, role=RELAY) as connection:
        return await connection.fetchval(sql)


async def transaction(engine: AsyncEngine, sql: str) -> Any:
    async with database.transaction(engine) as connection:
        return await connection.fetchval(sql)


async def transaction_as_role(engine: AsyncEngine, sql: str) -> Any:
    async with database.transaction(engine, role=RELAY, tested="yes") as connection:
        return await connection.fetchval(sql)


async def begin(engine: AsyncEngine, sql: str) -> Any:
    async with database.begin(engine, role=RELAY) as connection:
        return await connection.scalar(text(sql))


async def connect(engine: AsyncEngine, sql: str) -> Any:
    async with engine.connect() as connection:
        return await connection.scalar(text(sql))


USES: list[Use] = [driver, driver_as_role, transaction, transaction_as_role, begin, connect]
each_use = pytest.mark.parametrize("use", USES, ids=lambda use: use.__name__)


@asynccontextmanager
async def opened(url: str, **limits: int) -> AsyncIterator[AsyncEngine]:
    made = database.engine(url, 1, **limits)
    yield made
    await made.dispose()


@pytest.fixture
async def url(new_database: Databases) -> str:
    return await new_database("consent")


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    async with opened(url) as made:
        yield made


async def end_backends(admin: asyncpg.Connection, url: str) -> None:
    """End all backends of a database, as a restart of its server does, and wait until they are gone."""
    name = url.rsplit("/", 1)[1]
    await admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)

    async def gone() -> bool:
        return not await admin.fetchval("select count(*) from pg_stat_activity where datname = $1", name)

    await until(gone)


async def failures(of: Callable[[], Awaitable[Any]], times: int = 3) -> list[bool]:
    """Which of so many tries failed; raises where it was for another reason than an outage."""
    failed = []
    for _ in range(times):
        try:
            await of()
        except Exception as error:
            if not is_outage(error):
                raise
            failed.append(True)
        else:
            failed.append(False)
    return failed


@each_use
async def test_after_the_server_ended_its_connections_at_most_one_use_fails(
    use: Use, engine: AsyncEngine, url: str, admin: asyncpg.Connection
) -> None:
    await use(engine, "select 1")
    await end_backends(admin, url)
    assert not any((await failures(lambda: use(engine, "select 1")))[1:])


@each_use
async def test_connections_that_ended_while_nobody_used_them_go_to_nobody(
    use: Use, engine: AsyncEngine, url: str, admin: asyncpg.Connection
) -> None:
    async with engine.connect() as connection:
        pooled = await database.driver_of(connection)

    async def ended() -> bool:
        return pooled.is_closed()

    await end_backends(admin, url)
    await until(ended)
    assert await failures(lambda: use(engine, "select 1")) == [False] * 3


@each_use
async def test_a_connection_that_ends_while_it_is_used_is_not_used_again(
    use: Use, engine: AsyncEngine, url: str, admin: asyncpg.Connection
) -> None:
    under_way = asyncio.create_task(use(engine, "select pg_sleep(30)"))
    await until(lambda: admin.fetchval("select count(*) from pg_stat_activity where query = 'select pg_sleep(30)'"))
    await end_backends(admin, url)
    with pytest.raises(Exception) as ended:  # noqa: PT011 - each way has its own, and all are of one kind
        await under_way
    assert is_outage(ended.value)
    assert await failures(lambda: use(engine, "select 1")) == [False] * 3


async def test_the_key_store_answers_again_after_a_restart_of_its_server(
    new_database: Databases, admin: asyncpg.Connection
) -> None:
    url = await new_database("vault")
    vault = Vault.at(url, Masters(["5a" * 32]))
    key = await vault.take(NOW)
    await end_backends(admin, url)
    assert not any((await failures(lambda: vault.keys([key.id])))[1:])
    await vault.close()


@each_use
async def test_what_hangs_is_given_up_and_the_next_use_is_good(use: Use, url: str) -> None:
    async with infra.wire(url) as wire, opened(wire.url, seconds=1) as engine:
        await use(engine, "select 1")
        wire.freeze()
        before = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(30):
                assert await failures(lambda: use(engine, "select 1"), 2) == [True, True]
            assert asyncio.get_running_loop().time() - before < 10
        finally:
            wire.thaw()
        assert await failures(lambda: use(engine, "select 1")) == [False] * 3


@each_use
async def test_a_statement_that_is_cancelled_leaves_a_connection_that_is_good(use: Use, engine: AsyncEngine) -> None:
    under_way = asyncio.create_task(use(engine, "select pg_sleep(30)"))
    await asyncio.sleep(0.2)
    under_way.cancel()
    with pytest.raises(asyncio.CancelledError):
        await under_way
    assert await use(engine, "select current_setting('role')") in ("none", RELAY)
    assert await driver(engine, "select current_setting('role') || pg_current_xact_id_if_assigned() is null") is True


async def test_a_role_that_cannot_be_taken_is_a_fault_and_the_connection_stays_good(engine: AsyncEngine) -> None:
    for way in (database.driver, database.transaction):
        with pytest.raises(asyncpg.PostgresError) as refused:
            async with way(engine, role="booking"):
                raise AssertionError("not reached")
        assert not is_outage(refused.value)
    assert await driver(engine, "select current_setting('role')") == "none"


async def test_a_transaction_that_was_left_open_goes_to_nobody(engine: AsyncEngine) -> None:
    async with database.driver(engine) as connection:
        await connection.execute("begin")
        left = connection
    async with database.driver(engine) as connection:
        assert connection is not left
        assert not connection.is_in_transaction()


async def test_a_fault_of_ours_and_another_ones_time_out_are_no_outage(engine: AsyncEngine, as_role: AsRole) -> None:
    async def raised(act: Awaitable[Any]) -> BaseException:
        with pytest.raises(Exception) as found:  # noqa: PT011 - what it is, is what is tried
            await act
        return found.value

    async def late() -> None:
        async with asyncio.timeout(0):
            await asyncio.sleep(1)

    async def twice() -> None:
        async with database.driver(engine) as connection:
            await asyncio.gather(connection.fetch("select pg_sleep(0.1)"), connection.fetch("select 1"))

    async def nobody_there() -> None:
        await asyncio.open_connection("127.0.0.1", 1)

    async def late_within(open_: Any) -> None:
        async with open_:
            await late()

    for open_ in (database.driver(engine), database.transaction(engine), database.begin(engine), engine.begin()):
        assert not is_outage(await raised(late_within(open_)))
    for act in (late(), twice(), nobody_there(), driver(engine, "select nonsense"), connect(engine, "select nonsense")):
        assert not is_outage(await raised(act))
    nowhere = database.engine("postgresql://nobody@127.0.0.1:1/none", 1)
    for use in USES:
        assert is_outage(await raised(use(nowhere, "select 1")))


@pytest.mark.parametrize(
    ("kind", "error"),
    [("text", asyncpg.CharacterNotInRepertoireError), ("jsonb", asyncpg.UntranslatableCharacterError)],
)
async def test_a_text_that_cannot_be_kept_is_told_as_one_whichever_way_it_takes(
    engine: AsyncEngine, kind: str, error: type[Exception]
) -> None:
    given = "\0" if kind == "text" else '"\\u0000"'
    with pytest.raises(error):
        async with database.driver(engine) as connection:
            await connection.fetchval(f"select $1::text::{kind}::text", given)
    with pytest.raises(error):
        async with database.begin(engine) as sqlalchemys:
            await sqlalchemys.scalar(text(f"select cast(cast(:given as text) as {kind})"), {"given": given})
