"""PostgreSQL: one engine per service, and the driver's own connection for the statements that must be fast."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import URL, MetaData, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

NAMING = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


def metadata() -> MetaData:
    """A MetaData whose constraint names are the ones that PostgreSQL gives by itself."""
    return MetaData(naming_convention=NAMING)


def url(database_url: str) -> URL:
    """The SQLAlchemy URL for a plain `postgresql://` one."""
    return make_url(database_url).set(drivername="postgresql+asyncpg")


def engine(database_url: str, pool: int) -> AsyncEngine:
    """An engine with at most `pool` connections; a request waits 10 s for one before it fails."""
    return create_async_engine(url(database_url), pool_size=pool, max_overflow=0, pool_timeout=10)


class Statement:
    """A statement with :named parameters, prepared once for the driver, which knows only numbers."""

    def __init__(self, sql: str) -> None:
        self.names: list[str] = []
        self.sql = re.sub(r"(?<![:\w]):([a-z_]+)", self._number, sql)

    def _number(self, match: "re.Match[str]") -> str:
        name = match[1]
        if name not in self.names:
            self.names.append(name)
        return f"${self.names.index(name) + 1}"

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The values in the driver's order. Raises KeyError for one that is missing."""
        return [values[name] for name in self.names]

    async def row(self, connection: Connection, **values: Any) -> asyncpg.Record | None:
        """The first row, or None."""
        return await connection.fetchrow(self.sql, *self.arguments(values))

    async def rows(self, connection: Connection, **values: Any) -> list[asyncpg.Record]:
        """All rows."""
        found: list[asyncpg.Record] = await connection.fetch(self.sql, *self.arguments(values))
        return found


@asynccontextmanager
async def driver(engine: AsyncEngine, *, role: str | None = None) -> AsyncIterator[Connection]:
    """Asyncpg's connection from the engine's pool, in autocommit: each statement is one transaction.

    For hot paths (SQLAlchemy's own execution costs more than the statement itself there), and for work that holds a
    connection for long, as `role` where one is named.
    """
    async with engine.connect() as connection:
        driver_connection = await driver_of(connection)
        if role is None:
            yield driver_connection
            return
        try:
            await driver_connection.execute("select set_config('role', $1, false)", role)
            yield driver_connection
        finally:
            # Nobody else is given the connection unless it has left the role.
            if driver_connection.is_closed() or not await _left(driver_connection):
                await connection.invalidate()


async def _left(connection: Connection) -> bool:
    try:
        await connection.execute("reset role")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return True


_SET = "select set_config(name, value, true) from unnest({}, {}) as given (name, value)"
_SET_BY_NUMBER = _SET.format("$1::text[]", "$2::text[]")
_SET_BY_NAME = text(_SET.format("cast(:names as text[])", "cast(:values as text[])"))


def _local(role: str | None, settings: Mapping[str, str]) -> dict[str, str]:
    return {**({"role": role} if role else {}), **{f"samtid.{name}": value for name, value in settings.items()}}


@asynccontextmanager
async def transaction(engine: AsyncEngine, *, role: str | None = None, **settings: str) -> AsyncIterator[Connection]:
    """The driver's own connection in one transaction, committed at the end and rolled back on any exception.

    In it, and no longer, the connection acts as `role` and the settings `samtid.<name>` hold, by which policies know
    whose rows the request may see.
    """
    async with driver(engine) as connection, connection.transaction():
        await tell(connection, role=role, **settings)
        yield connection


async def tell(connection: Connection, *, role: str | None = None, **settings: str) -> None:
    """Set `role` and the settings for what is left of the transaction that the connection is in."""
    if local := _local(role, settings):
        await connection.execute(_SET_BY_NUMBER, list(local), list(local.values()))


@asynccontextmanager
async def begin(engine: AsyncEngine, *, role: str | None = None, **settings: str) -> AsyncIterator[AsyncConnection]:
    """The same with SQLAlchemy's connection."""
    async with engine.begin() as connection:
        if local := _local(role, settings):
            await connection.execute(_SET_BY_NAME, {"names": list(local), "values": list(local.values())})
        yield connection


async def driver_of(connection: AsyncConnection) -> Connection:
    """The driver's connection under a SQLAlchemy one, in the same transaction."""
    raw = await connection.get_raw_connection()
    driver_connection: Any = raw.driver_connection
    return driver_connection
