"""PostgreSQL: one engine per service, and the driver's own connection for the statements that must be fast.

Nothing waits for ever. Each role that serves has limits of its own in the database (`ROLE_LIMITS`); what may take
longer says so where it opens its transaction (`seconds`), and a little later the client gives up by itself, should the
server be frozen or the way to it be cut.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import URL, MetaData, event, make_url, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError
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


# What a request may take: a statement, a wait for a row that somebody else has, and a transaction that does nothing,
# whose process may be frozen and holds others up. A role that a transaction takes changes none of them.
STATEMENT_SECONDS = 10
ROLE_LIMITS = {
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "15s",
}
# For jobs and reports, that go through all there is, and for what a person runs from the command line.
JOB_SECONDS = 60
COMMAND_LINE_SECONDS = 3600
# How much later than the server the client gives up.
_LATER_SECONDS = 2
CONNECT_SECONDS = 5
POOL_SECONDS = 5


def engine(database_url: str, pool: int, *, seconds: int | None = None) -> AsyncEngine:
    """An engine with at most `pool` connections. Instants are written and reckoned in UTC, whatever the server's zone.

    `seconds` is what each statement and each wait for a lock may take, where that is not what the role may.
    """
    may_take = STATEMENT_SECONDS if seconds is None else seconds
    server_settings = {
        "timezone": "UTC",
        "tcp_keepalives_idle": "30",
        "tcp_keepalives_interval": "10",
        "tcp_keepalives_count": "3",
        **({} if seconds is None else _waiting(seconds)),
    }
    made = create_async_engine(
        url(database_url),
        pool_size=pool,
        max_overflow=0,
        pool_timeout=min(POOL_SECONDS, may_take),
        connect_args={
            "timeout": min(CONNECT_SECONDS, may_take),
            "command_timeout": may_take + _LATER_SECONDS,
            "server_settings": server_settings,
        },
    )
    event.listen(made.sync_engine, "checkout", _refuse_closed)
    event.listen(made.sync_engine, "handle_error", _give_up)
    event.listen(made.sync_engine, "handle_error", _say_as_the_driver)
    return made


@asynccontextmanager
async def opened(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine for what a person runs from the command line, until the end of the block: it takes its time."""
    made = engine(database_url, 1, seconds=COMMAND_LINE_SECONDS)
    try:
        yield made
    finally:
        await made.dispose()


def _waiting(seconds: int) -> dict[str, str]:
    return {"statement_timeout": f"{seconds}s", "lock_timeout": f"{seconds}s"}


def _refuse_closed(connection: Any, *_: Any) -> None:
    """Let the pool open a new connection instead of one that ended while it lay there, whoever ended it."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _give_up(context: ExceptionContext) -> None:
    """Throw a connection away that did not answer in time: a rollback would wait for it once more."""
    if isinstance(context.original_exception, TimeoutError):
        context.is_disconnect = True


def _say_as_the_driver(context: ExceptionContext) -> BaseException | None:
    """What is raised instead: for a text that cannot be kept what the driver raised, which `kit.problems` knows."""
    said: BaseException | None = context.original_exception.__cause__
    unkept = isinstance(said, asyncpg.CharacterNotInRepertoireError | asyncpg.UntranslatableCharacterError)
    return said if unkept else None


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
        try:
            if role is not None:
                await driver_connection.execute("select set_config('role', $1, false)", role)
            yield driver_connection
        except (TimeoutError, asyncpg.InternalClientError):
            # It may still be at it, be frozen, or be out of step because the server said farewell. PostgreSQL rolls
            # back what a connection leaves that ends.
            driver_connection.terminate()
            raise
        finally:
            # Nobody else is given a connection that ended, that a rollback did not reach, or that kept the role.
            unfit = driver_connection.is_closed() or driver_connection.is_in_transaction()
            if unfit or (role is not None and not await _left(driver_connection)):
                await connection.invalidate()


async def _left(connection: Connection) -> bool:
    try:
        await connection.execute("reset role")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        return False
    return True


_SET = "select set_config(name, value, true) from unnest({}, {}) as given (name, value)"
_SET_BY_NUMBER = _SET.format("$1::text[]", "$2::text[]")
_SET_BY_NAME = text(_SET.format("cast(:names as text[])", "cast(:values as text[])"))


def _local(
    role: str | None, settings: Mapping[str, str], seconds: int | None = None, idle: int | None = None
) -> dict[str, str]:
    return {
        **({"role": role} if role else {}),
        **(_waiting(seconds) if seconds else {}),
        **({"idle_in_transaction_session_timeout": f"{idle}s"} if idle else {}),
        **{f"samtid.{name}": value for name, value in settings.items()},
    }


_keeps_nothing: ContextVar[bool] = ContextVar("keeps nothing", default=False)


@contextmanager
def keeping_nothing() -> Iterator[None]:
    """Within it transactions are rolled back at their end, for what must change nothing."""
    token = _keeps_nothing.set(True)
    try:
        yield
    finally:
        _keeps_nothing.reset(token)


def keeps_nothing() -> bool:
    """Whether what is done now must change nothing."""
    return _keeps_nothing.get()


@asynccontextmanager
async def transaction(
    engine: AsyncEngine, *, role: str | None = None, seconds: int | None = None, **settings: str
) -> AsyncIterator[Connection]:
    """The driver's own connection in one transaction, committed at the end and rolled back on any exception, or where
    nothing is to be kept (`keeping_nothing`).

    In it, and no longer, the connection acts as `role` and the settings `samtid.<name>` hold, by which policies know
    whose rows the request may see. `seconds` is what a statement of it may take, where a request's would be too little.
    """
    async with driver(engine) as connection:
        within = connection.transaction()
        await within.start()
        try:
            with _patience(connection, seconds):
                if local := _local(role, settings, seconds):
                    await connection.execute(_SET_BY_NUMBER, list(local), list(local.values()))
                yield connection
        except (TimeoutError, asyncpg.InternalClientError):
            raise
        except BaseException:
            if not connection.is_closed():
                await within.rollback()
            raise
        else:
            await (within.rollback() if keeps_nothing() else within.commit())


async def tell(connection: Connection, *, role: str | None = None, **settings: str) -> None:
    """Set `role` and the settings for what is left of the transaction that the connection is in."""
    if local := _local(role, settings):
        await connection.execute(_SET_BY_NUMBER, list(local), list(local.values()))


@asynccontextmanager
async def begin(
    engine: AsyncEngine,
    *,
    role: str | None = None,
    seconds: int | None = None,
    idle: int | None = None,
    **settings: str,
) -> AsyncIterator[AsyncConnection]:
    """The same with SQLAlchemy's connection. `idle` is how many seconds it may wait for something else meanwhile."""
    async with engine.begin() as connection:
        with _patience(await driver_of(connection), seconds):
            if local := _local(role, settings, seconds, idle):
                await connection.execute(_SET_BY_NAME, {"names": list(local), "values": list(local.values())})
            yield connection
            if keeps_nothing():
                await connection.rollback()


@contextmanager
def _patience(connection: Connection, seconds: int | None) -> Iterator[None]:
    """Let the client wait a little longer for each answer than the server works on it."""
    if seconds is None:
        yield
        return
    # asyncpg lets a time-out be given with each statement, and no other way to change that of a connection.
    kept = connection._config  # noqa: SLF001
    connection._config = kept._replace(command_timeout=seconds + _LATER_SECONDS)  # noqa: SLF001
    try:
        yield
    finally:
        connection._config = kept  # noqa: SLF001


async def driver_of(connection: AsyncConnection) -> Connection:
    """The driver's connection under a SQLAlchemy one, in the same transaction."""
    raw = await connection.get_raw_connection()
    driver_connection: Any = raw.driver_connection
    return driver_connection
