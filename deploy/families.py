"""What an operator does about families from the command line: `samtid retention`, `erase` and `rotate-master-key`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from booking.families import service
from booking.families.service import Report
from kit import database
from kit.app import utc_now
from kit.database import COMMAND_LINE_SECONDS
from kit.vault.sealing import Masters
from kit.vault.store import Vault


@dataclass(frozen=True)
class Stores:
    """Where families lie, and their keys."""

    database_url: str
    vault_url: str
    masters: Masters

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[tuple[AsyncEngine, Vault]]:
        """Booking's database and the key store, until the end of the block."""
        engine = database.engine(self.database_url, 2, seconds=COMMAND_LINE_SECONDS)
        vault = Vault.at(self.vault_url, self.masters, COMMAND_LINE_SECONDS)
        try:
            yield engine, vault
        finally:
            await vault.close()
            await engine.dispose()


async def retention(stores: Stores, *, dry_run: bool) -> Report:
    """Erase what is due, or tell it. Raises KeysUnavailable."""
    async with stores.opened() as (engine, vault):
        return await (service.due(engine, utc_now()) if dry_run else service.retain(engine, vault, utc_now()))


async def erase(stores: Stores, family: UUID) -> None:
    """See `service.erase`."""
    async with stores.opened() as (engine, vault):
        await service.erase(engine, vault, family, utc_now())


async def rotate(vault_url: str, masters: Masters) -> int:
    """Wrap all keys with the present master key; how many were wrapped with another. Raises UnreadableError."""
    vault = Vault.at(vault_url, masters, COMMAND_LINE_SECONDS)
    try:
        return await vault.rotate()
    finally:
        await vault.close()
