"""The key store: one key per family, apart from the data, so that erasing a family is destroying its key.

The store is a PostgreSQL database of its own, on a server of its own in real use, whose backups are kept briefly: what
older backups of the data hold of a family can then be read by nobody. No statement joins the two databases; the id of a
key is the family's.
"""

import asyncio
import hmac
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database, metrics
from kit.database import Connection, Statement
from kit.refusal import Refusal
from kit.roles import VAULT
from kit.vault.sealing import Masters, UnreadableError, new_key

log = logging.getLogger(__name__)

# Keys are made in the store before they are needed, so that a booking need not wait for a second database.
BATCH = 128
_FEW = BATCH // 2
# A process gives no key out that it made longer ago, so that one that is older and of no family is nobody's.
FRESH = timedelta(hours=12)
UNUSED_KEPT = timedelta(hours=24)
ROTATED_AT_ONCE = 500
POOL = 3
# How many may hold a connection of another database while they ask the store.
TURNS = 3
# One row by its key, or a batch of new ones: whoever waits for them longer than this waits for a store that is away.
SECONDS = 3
# The key that fingerprints are made with is kept as any other, under an id that is no family's.
LOOKUP = UUID(int=0)

_INSERT = Statement("""
    insert into data_key (id, wrapped, master, created_at)
    select id, wrapped, :master, :now::timestamptz from unnest(:ids::uuid[], :wrapped::bytea[]) as made (id, wrapped)
    on conflict do nothing
""")
_OLD = Statement("""
    select id, wrapped, master from data_key where master <> :master order by id limit :number for update
""")
_REWRAP = Statement("""
    update data_key k set wrapped = made.wrapped, master = :master
    from unnest(:ids::uuid[], :wrapped::bytea[]) as made (id, wrapped) where k.id = made.id
""")


NO_ANSWER = (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class KeysUnavailable(Refusal):
    status = 503
    code = "keys-unavailable"
    sv = ("Det går inte just nu", "Inget har sparats. Försök igen om en stund.")
    en = ("This is not possible right now", "Nothing has been saved. Try again in a moment.")
    headers = {"Retry-After": "5"}  # noqa: RUF012 - never changed


@dataclass(frozen=True)
class DataKey:
    """A family's key; `id` is the family's id."""

    id: UUID
    key: bytes
    created_at: datetime


class Vault:
    """The key store as one process uses it. Whatever asks the store raises KeysUnavailable where it does not answer."""

    def __init__(self, engine: AsyncEngine, masters: Masters) -> None:
        self._engine = engine
        self._masters = masters
        self._ready: deque[DataKey] = deque()
        self._filling = asyncio.Lock()
        self._wanted = asyncio.Event()
        self._lookup: bytes | None = None
        self._turns = asyncio.Semaphore(TURNS)
        self._failures = 0

    @classmethod
    def at(cls, url: str, masters: Masters, seconds: int = SECONDS) -> "Vault":
        """The key store at a PostgreSQL URL, each answer within so many seconds. Connects when it is first needed."""
        return cls(database.engine(url, POOL, seconds=seconds), masters)

    @property
    def stock(self) -> int:
        """How many keys are at hand."""
        return len(self._ready)

    async def take(self, now: datetime) -> DataKey:
        """A key that nobody has, committed in the store before; whoever has it need not ask for fingerprints either.

        Waits for the store only if none is at hand.
        """
        while True:
            if not self._ready or self._lookup is None:
                failures = self._failures
                async with self._filling:
                    if not self._ready or self._lookup is None:
                        self._give_up_after(failures)
                        await self._make(now)
            if len(self._ready) <= _FEW:
                self._wanted.set()
            if (made := self._ready.popleft()).created_at > now - FRESH:
                return made

    def put_back(self, key: DataKey) -> None:
        """Give a key back that was taken and certainly not used."""
        self._ready.append(key)

    @asynccontextmanager
    async def reserve(self, now: datetime) -> AsyncIterator[list[DataKey]]:
        """A list with what `take` gives, or with nothing where the store does not answer; what is left in it goes back.

        For whoever holds a connection of another database later, with which the store must not be waited for.
        """
        kept: list[DataKey] = []
        with suppress(KeysUnavailable):
            kept.append(await self.take(now))
        try:
            yield kept
        finally:
            for key in kept:
                self.put_back(key)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A turn to ask the store, before a connection of another database is taken: a frozen store holds few of them.

        Raises KeysUnavailable where the store failed while this waited.
        """
        failures = self._failures
        async with self._turns:
            self._give_up_after(failures)
            yield

    async def have_one(self, now: datetime) -> None:
        """Make sure that the next booking gets its key. Asks the store only if none is at hand."""
        if self._lookup is None or not any(key.created_at > now - FRESH for key in self._ready):
            self.put_back(await self.take(now))

    async def fill(self, now: datetime) -> None:
        """Have keys at hand: make more where few are left."""
        async with self._filling:
            self._wanted.clear()
            await self._make(now)

    async def keep_filled(self, clock: Callable[[], datetime]) -> None:
        """Fill whenever few keys are left, until cancelled."""
        while True:
            await self.fill(clock())
            await self._wanted.wait()

    async def key(self, owner: UUID) -> bytes | None:
        """The key of a family, or None where it was destroyed. Raises UnreadableError where no master key fits."""
        return (await self.keys([owner])).get(owner)

    async def keys(self, owners: Collection[UUID]) -> dict[UUID, bytes]:
        """The keys of families, without those that were destroyed. Raises UnreadableError where no master key fits."""
        async with self._store() as connection:
            rows = await connection.fetch("select id, wrapped, master from data_key where id = any($1)", list(owners))
        return {row["id"]: self._masters.unwrap(row["id"], row["wrapped"], row["master"]) for row in rows}

    async def destroy(self, owners: Collection[UUID]) -> None:
        """Make unreadable for ever what was sealed for these families, wherever it lies. Repeatable."""
        async with self._store() as connection:
            await connection.execute("delete from data_key where id = any($1) and id <> $2", [*owners], LOOKUP)

    async def tidy(self, now: datetime, used: Callable[[Sequence[UUID]], Awaitable[Collection[UUID]]]) -> int:
        """Destroy keys that no family ever got, a day after they were made; how many there were.

        `used(ids)` tells which of them families have. That is noted, so that each is asked for once.
        """
        async with self._store() as connection:
            rows = await connection.fetch(
                "select id from data_key where used_at is null and created_at < $1 and id <> $2",
                now - UNUSED_KEPT,
                LOOKUP,
            )
        if not rows:
            return 0
        ids = [row["id"] for row in rows]
        theirs = set(await used(ids))
        spare = [id_ for id_ in ids if id_ not in theirs]
        async with self._store() as connection, connection.transaction():
            await connection.execute("update data_key set used_at = $2 where id = any($1)", [*theirs], now)
            await connection.execute("delete from data_key where id = any($1)", spare)
        return len(spare)

    async def rotate(self) -> int:
        """Wrap every key with the present master key; how many were wrapped with an older one.

        Can be stopped at any time and started again. Raises UnreadableError where an older master key is missing.
        """
        total = 0
        while True:
            async with self._store() as connection, connection.transaction():
                rows = await _OLD.rows(connection, master=self._masters.present, number=ROTATED_AT_ONCE)
                if not rows:
                    return total
                keys = {row["id"]: self._masters.unwrap(row["id"], row["wrapped"], row["master"]) for row in rows}
                wrapped = [self._masters.wrap(id_, key) for id_, key in keys.items()]
                await _REWRAP.rows(connection, master=self._masters.present, ids=list(keys), wrapped=wrapped)
            total += len(keys)

    async def fingerprint(self, kind: str, text: str, now: datetime) -> bytes:
        """32 bytes by which those with the same text are found: a keyed hash, which says nothing without the store.

        Its key is never destroyed. With the store, all telephone numbers there are can be tried against it.
        """
        key = self._lookup or await self._look_up(now)
        return hmac.digest(key, f"{kind}\0{text}".encode(), "sha256")

    async def close(self) -> None:
        """Give the connections back."""
        await self._engine.dispose()

    def _give_up_after(self, failures: int) -> None:
        """Let whoever waited behind one that failed fail with it, instead of trying as long again."""
        if self._failures != failures:
            raise KeysUnavailable

    async def _make(self, now: datetime) -> None:
        """What a booking needs, as far as it lacks: the key of fingerprints, and more keys where few are left."""
        if self._lookup is None:
            await self._look_up(now)
        if len(self._ready) <= _FEW:
            made = [DataKey(uuid4(), new_key(), now) for _ in range(BATCH)]
            async with self._store() as connection:
                await self._insert(connection, made)
            self._ready.extend(made)

    async def _look_up(self, now: datetime) -> bytes:
        async with self._store() as connection:
            await self._insert(connection, [DataKey(LOOKUP, new_key(), now)])
        try:
            key = self._lookup = await self.key(LOOKUP)
        except UnreadableError as error:
            log.error("the master key does not open the key store: check MASTER_KEY_FILE and VAULT_URL")  # noqa: TRY400 - where it was tried says nothing
            raise KeysUnavailable from error
        assert key is not None, "just made, and never destroyed"
        return key

    async def _insert(self, connection: Connection, made: Sequence[DataKey]) -> None:
        wrapped = [self._masters.wrap(key.id, key.key) for key in made]
        ids, now = [key.id for key in made], made[0].created_at
        await _INSERT.rows(connection, ids=ids, wrapped=wrapped, master=self._masters.present, now=now)

    @asynccontextmanager
    async def _store(self) -> AsyncIterator[Connection]:
        try:
            async with database.driver(self._engine) as connection:
                yield connection
        except NO_ANSWER as error:
            log.warning("the key store does not answer: %s", type(error).__name__)
            self._failures += 1
            metrics.key_failures.add(1, {metrics.SERVICE: VAULT})
            raise KeysUnavailable from error
