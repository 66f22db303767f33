"""What an operator does about families from the command line: `samtid retention`, `erase` and `rotate-master-key`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from booking.events import FAMILY_ERASED, FamilyErased
from booking.families import service
from booking.families.service import Report
from deploy import installation
from kit import database
from kit.app import utc_now
from kit.database import COMMAND_LINE_SECONDS
from kit.events import CloudEvent
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


ERASED = CloudEvent[FamilyErased]


async def retention(stores: Stores, broker: tuple[str, str | None], now: datetime, *, dry_run: bool) -> Report:
    """Erase what is due and what asked for it before a backup was read back, or tell it.

    `broker` is NATS's address and the operator's seed: its stream knows who asked, whatever the databases hold. Raises
    InstallationError where that is away, and then nothing is erased, and KeysUnavailable.
    """
    asked = await _asked(*broker)
    async with stores.opened() as (engine, vault):
        if dry_run:
            report, back = await service.due(engine, now), await service.asked_before(engine, asked, now)
        else:
            back = await service.erase_again(engine, vault, asked, now)
            report = await service.retain(engine, vault, now)
    if back:
        report.families[service.ON_REQUEST] = back
    return report


async def _asked(url: str, seed: str | None) -> list[UUID]:
    """Who asked to be erased, as far as the stream goes back: longer than any backup is kept."""
    client = await installation.operator(url, seed)
    try:
        told = installation.stored(client, "EVENTS", FAMILY_ERASED.subject(""))
        return [ERASED.model_validate_json(message.data or b"").data.family async for message in told]
    finally:
        await client.close()


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
