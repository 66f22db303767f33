"""Whether a service can do what it is for: its database answers and takes what is written, and it knows what it must.

NATS, dead letters and readers that are behind are metrics and no part of it: nobody is refused a service for what it
can do without.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from kit.readers import Reader
from kit.vault.store import NO_ANSWER, KeysUnavailable, Vault

log = logging.getLogger(__name__)

# Readiness is asked for by many and often, and what it costs is spent so often at most.
FRESH_SECONDS = 2
# Whoever asks is answered after so long; a machine that is busy may need a few seconds for what went well before.
ANSWER_SECONDS = 0.8
TRUSTED_SECONDS = 5
# More than fits into `work_mem`: PostgreSQL writes it to a file of its data directory, as a table that grows would be,
# and takes it away again. The message goes to the log of changes, and is flushed.
PROBE = (
    "set local work_mem = '64kB'",
    "select count(*) from generate_series(1, 8192)",
    "select pg_logical_emit_message(true, 'samtid', '')",
)
TAKES_NO_WRITES = "select pg_is_in_recovery() or current_setting('transaction_read_only')::boolean"


class Health:
    """Says why a service is not ready. `engines` are for this alone, one of each role that serves, so that it waits for
    no request.

    `keys` is the key store of a service that cannot take a booking without a key; one in stock is enough.
    """

    def __init__(
        self,
        engines: Sequence[AsyncEngine],
        readers: Sequence[Reader],
        keys: Vault | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._engines = engines
        self._readers = readers
        self._keys = keys
        self._clock = clock
        self._probing: asyncio.Task[None] | None = None
        self._why: str | None = "it was not looked at yet"
        self._said: str | None = None
        self._looked_at = self._good_at = -float("inf")

    async def why_not(self) -> str | None:
        """The reason, in words without a name or an address; None where the service is ready."""
        if self._probing is None and time.monotonic() > self._looked_at + FRESH_SECONDS:
            self._probing = asyncio.create_task(self._look())
        if self._probing:
            await asyncio.wait({self._probing}, timeout=ANSWER_SECONDS)
        why = self._why
        if self._probing and time.monotonic() > self._good_at + TRUSTED_SECONDS:
            why = "it is not known in time"
        for reader in self._readers:
            if not why and not reader.caught_up:
                why = f"{reader.reads.durable} waits for what it reads first"
        if why and why != self._said:
            log.warning("not ready: %s", why)
        self._said = why
        return why

    async def close(self) -> None:
        """End what is under way, and give the connection back."""
        if self._probing:
            self._probing.cancel()
            await asyncio.wait({self._probing})
        for engine in self._engines:
            await engine.dispose()

    async def _look(self) -> None:
        began = time.monotonic()
        try:
            why = await self._find()
            self._why, self._looked_at = why, time.monotonic()
            self._good_at = self._good_at if why else began
        finally:
            self._probing = None

    async def _find(self) -> str | None:
        try:
            for engine in self._engines:
                async with engine.begin() as connection:
                    if await connection.scalar(text(TAKES_NO_WRITES)):
                        return "the database takes no writes"
                    for statement in PROBE:
                        await connection.execute(text(statement))
        except NO_ANSWER as error:
            return f"the database does not do its part ({type(error).__name__})"
        if self._keys:
            try:
                await self._keys.have_one(self._clock())
            except KeysUnavailable:
                return "no key is in stock, and the key store gives none"
        return None
