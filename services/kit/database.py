"""PostgreSQL: one engine per service, and the driver's own connection for the statements that must be fast."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import URL, MetaData, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

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


@asynccontextmanager
async def driver(engine: AsyncEngine) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Asyncpg's connection from the engine's pool, in autocommit: each statement is one transaction.

    For hot paths only (SQLAlchemy's own execution costs more than the statement itself there).
    """
    async with engine.connect() as connection:
        raw = await connection.get_raw_connection()
        driver_connection: Any = raw.driver_connection
        yield driver_connection


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """The driver's own connection in one transaction, committed at the end and rolled back on any exception."""
    async with driver(engine) as connection, connection.transaction():
        yield connection
