"""How much of the database statements read, by PostgreSQL's own account: the pages that they touch when they run.

What grows with all that there ever was touches as many as the tables have; what is found, a few. The statements are the
real ones, run by whoever the connection acts as, with row security and the plans of this database's own statistics.
"""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from kit.database import Connection

_PLANNED = ("select", "with", "insert", "update", "delete")

Statement = tuple[str, tuple[Any, ...]]


@asynccontextmanager
async def undone(connection: Connection) -> AsyncIterator[None]:
    """What is done within leaves nothing behind."""
    attempt = connection.transaction()
    await attempt.start()
    try:
        yield
    finally:
        await attempt.rollback()


async def statements(connection: Connection, work: Awaitable[Any]) -> list[Statement]:
    """The statements that `work` runs on the connection, with their arguments. What they do is undone."""
    heard: list[Any] = []
    async with undone(connection):
        with connection.query_logger(heard.append):
            await work
    return [(one.query, one.args) for one in heard if one.query.strip().lower().startswith(_PLANNED)]


async def sent(engine: AsyncEngine, work: Awaitable[Any]) -> list[Statement]:
    """The statements that `work` sends by SQLAlchemy, with their arguments."""
    heard: list[Statement] = []

    def hear(_: Any, __: Any, query: str, arguments: tuple[Any, ...], *___: Any) -> None:
        heard.append((query, arguments))

    event.listen(engine.sync_engine, "before_cursor_execute", hear)
    await work
    event.remove(engine.sync_engine, "before_cursor_execute", hear)
    return heard


async def pages(connection: Connection, work: Awaitable[Any]) -> int:
    """The pages that the statements of `work` touch, each run once more."""
    return sum([await touched(connection, *one) for one in await statements(connection, work)])


async def touched(connection: Connection, query: str, arguments: tuple[Any, ...]) -> int:
    """The pages that one statement touches when it is run; what it does is undone."""
    async with undone(connection):
        plan = await connection.fetchval(f"explain (analyze, buffers, format json) {query}", *arguments)
    top = plan[0]["Plan"]
    return int(top["Shared Hit Blocks"] + top["Shared Read Blocks"])
