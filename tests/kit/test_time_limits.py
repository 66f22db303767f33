"""Nothing waits for ever: what PostgreSQL ends by itself, when the client gives up, and how more is asked for."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.services import DATABASES
from kit import database, roles
from kit.outage import is_outage
from tests.conftest import Databases

RELAY = roles.relay("consent")


@pytest.fixture
async def engine(new_database: Databases, admin: asyncpg.Connection) -> AsyncIterator[AsyncEngine]:
    """On a database where the role's limits are a small part of a second, and the zone has summer and winter."""
    url = await new_database("consent")
    name = url.rsplit("/", 1)[1]
    for limit in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        await admin.execute(f"alter role consent in database {name} set {limit} = '200ms'")
    await admin.execute(f"alter database {name} set timezone = 'Europe/Stockholm'")
    made = database.engine(url, 2)
    yield made
    await made.dispose()


async def test_each_role_that_serves_has_limits_and_an_owner_may_work_for_long(admin: asyncpg.Connection) -> None:
    known = {
        row["rolname"]: set(row["rolconfig"])
        for row in await admin.fetch("select * from pg_roles where rolconfig is not null")
    }
    limits = {f"{name}={value}" for name, value in database.ROLE_LIMITS.items()}
    assert {limit.partition("=")[0] for limit in limits} == {
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
    }
    for service in DATABASES:
        assert known[service] == limits
        assert known[roles.owner(service)] == {"idle_in_transaction_session_timeout=60s"}


async def test_a_session_is_in_utc_and_notices_a_way_that_was_cut(engine: AsyncEngine) -> None:
    async with database.driver(engine) as connection:
        assert await connection.fetchval("show timezone") == "UTC"
        assert await connection.fetchval("show tcp_keepalives_idle") == "30"


async def test_a_statement_ends_and_whoever_asks_may_take_longer(engine: AsyncEngine) -> None:
    for role in (None, RELAY):
        with pytest.raises(asyncpg.QueryCanceledError) as ended:
            async with database.transaction(engine, role=role) as connection:
                await connection.execute("select pg_sleep(0.5)")
        assert is_outage(ended.value)
        async with database.transaction(engine, role=role, seconds=5) as connection:
            await connection.execute("select pg_sleep(0.5)")
        async with database.begin(engine, role=role, seconds=5) as connection:
            await connection.execute(text("select pg_sleep(0.5)"))
    async with database.driver(engine) as connection:
        assert await connection.fetchval("show statement_timeout") == "200ms"


async def test_the_client_waits_as_long_as_was_asked_for_and_no_longer(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_LATER_SECONDS", 0)
    hasty = database.engine(engine.url.render_as_string(hide_password=False), 1, seconds=1)
    async with database.transaction(hasty, seconds=5) as connection:
        await connection.execute("select pg_sleep(1.2)")
    with pytest.raises((TimeoutError, asyncpg.QueryCanceledError)):
        async with database.transaction(hasty) as connection:
            await connection.execute("select pg_sleep(1.2)")
    await hasty.dispose()


async def test_a_transaction_whose_process_is_frozen_lets_its_locks_go(engine: AsyncEngine) -> None:
    async def frozen(connection: asyncpg.Connection) -> None:
        await connection.execute("select pg_advisory_xact_lock(1)")
        await asyncio.sleep(1)
        await connection.execute("select 1")

    async def take() -> None:
        async with database.transaction(engine, seconds=5) as connection:
            await connection.execute("select pg_advisory_xact_lock(1)")

    async def hold() -> None:
        async with database.transaction(engine) as connection:
            await frozen(connection)

    holding = asyncio.create_task(hold())
    await asyncio.sleep(0.1)
    async with asyncio.timeout(0.8):
        await take()
    with pytest.raises(Exception) as ended:  # noqa: PT011 - that it is an outage is what matters
        await holding
    assert is_outage(ended.value)


async def test_a_transaction_may_wait_for_something_else_where_it_says_so(engine: AsyncEngine) -> None:
    async with database.begin(engine, role=RELAY, idle=5) as connection:
        await connection.execute(text("select 1"))
        await asyncio.sleep(0.5)
        await connection.execute(text("select 1"))
