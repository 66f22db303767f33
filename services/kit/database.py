"""PostgreSQL: one engine per service, and the driver's own connection for the statements that must be fast."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import URL, MetaData, make_url
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
async def driver(engine: AsyncEngine) -> AsyncIterator[Connection]:
    """Asyncpg's connection from the engine's pool, in autocommit: each statement is one transaction.

    For hot paths only (SQLAlchemy's own execution costs more than the statement itself there).
    """
    async with engine.connect() as connection:
        yield await driver_of(connection)


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[Connection]:
    """The driver's own connection in one transaction, committed at the end and rolled back on any exception."""
    async with driver(engine) as connection, connection.transaction():
        yield connection


async def driver_of(connection: AsyncConnection) -> Connection:
    """The driver's connection under a SQLAlchemy one, in the same transaction."""
    raw = await connection.get_raw_connection()
    driver_connection: Any = raw.driver_connection
    return driver_connection
