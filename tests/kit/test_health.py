"""When a service is ready: its database answers and takes what is written. Asked of the running service."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy import event

from kit import health
from tests.conftest import AsRole, Databases, Run, Running, until


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH_SECONDS", 0)
    monkeypatch.setattr(health, "TRUSTED_SECONDS", 0)


async def why(running: Running) -> str:
    answer = await running.http.get(f"/{running.runtime.service}/readyz")
    return "" if answer.is_success else str(answer.json()["reason"])


@asynccontextmanager
async def altered(running: Running, setting: str) -> AsyncIterator[None]:
    """The database with another setting, for all of its sessions."""
    name = running.database_url.rsplit("/", 1)[1]
    admin = await asyncpg.connect(running.admin_url)
    end = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()"
    try:
        await admin.execute(f"alter database {name} set {setting}")
        await admin.execute(end, name)
        yield
        await admin.execute(f"alter database {name} reset all")
        await admin.execute(end, name)
    finally:
        await admin.close()


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("default_transaction_read_only = on", "the database takes no writes"),
        # As on a full disk, no file can be made longer.
        ("temp_file_limit = 0", "the database does not do its part (DBAPIError)"),
    ],
)
async def test_a_database_that_takes_no_writes_is_not_ready(run: Run, setting: str, reason: str) -> None:
    async with run("consent") as consent:
        assert await why(consent) == ""
        async with altered(consent, setting):
            # Not that it is not known in time, nor that the connection of before has ended.
            await until(lambda: _says(consent, reason))
        await until(lambda: _ready(consent))


async def _says(running: Running, reason: str) -> bool:
    return await why(running) == reason


async def _ready(running: Running) -> bool:
    return not await why(running)


async def test_a_database_that_says_nothing_is_not_ready_within_a_second(
    run: Run, postgres: str, as_role: AsRole, new_database: Databases
) -> None:
    """It takes connections, and answers nothing, as one does that is frozen."""
    taken: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: taken.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with run("consent", database_url=f"postgresql://consent:x@127.0.0.1:{port}/consent") as consent:
        began = time.monotonic()
        assert await why(consent)
        assert time.monotonic() - began < 1
        assert (await consent.http.get("/consent/healthz")).is_success
    for writer in taken:
        writer.close()
    server.close()


async def test_many_who_ask_cost_one_look(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "ANSWER_SECONDS", 30)
    monkeypatch.setattr(health, "FRESH_SECONDS", 60)
    looks: list[object] = []
    async with run("consent") as consent:
        event.listen(consent.app.state.health._engines[0].sync_engine, "begin", looks.append)
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(consent.http.get("/consent/readyz")) for _ in range(200)]
        assert all(task.result().is_success for task in asked)
        assert len(looks) == 1
