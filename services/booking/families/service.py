"""The use cases of a family's identity: who it is, for whom may know, and its end.

An identity ends in three steps, each of which can be repeated: it is decided and logged, the key is destroyed, what was
sealed is cleared away. Whoever dies in between leaves families marked, and the next run goes on from there. From the
second step on nobody can read the contact, wherever a copy of it lies.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from booking import events
from booking.families import contacts, rules, tables
from booking.families.contacts import Contact, Sealed
from booking.families.rules import (
    ContactChanged,
    ContactUnreadable,
    FamilyErased,
    PhoneNeeded,
    Rule,
    StillBooked,
    Visit,
)
from booking.proofs import tables as proofs
from booking.proofs.rules import KEPT
from booking.roles import RETENTION
from booking.slots.reads import Offering
from kit import database, outbox
from kit.database import Connection
from kit.refusal import NotFound
from kit.vault.sealing import UnreadableError
from kit.vault.store import DataKey, KeysUnavailable, Vault

log = logging.getLogger(__name__)

AT_ONCE = 500
# No backup of the key store is kept for longer.
RESTORED = timedelta(days=30)
ON_REQUEST = "on request"


@dataclass(frozen=True)
class Report:
    """What a run erased, or would erase: families by the name of the rule."""

    families: dict[str, list[UUID]] = field(default_factory=dict)

    def counts(self) -> Counter[str]:
        """How many by each rule."""
        return Counter({rule: len(ids) for rule, ids in self.families.items()})


@dataclass(frozen=True)
class Known:
    """A family as it was read before the transaction that books for it or moves its booking: none of these waits for
    the key store.
    """

    contact: Contact
    sealed: bytes
    key: DataKey = field(repr=False)
    # The fingerprint of a number that it gives, and what is to be kept of it then, where it gave none before.
    given: bytes | None = None
    renewed: Sealed | None = None

    async def giving(self, vault: Vault, phone: str, now: datetime) -> "Known":
        """The same, where it gives a number (E.164) to call. Raises KeysUnavailable."""
        given = await contacts.of_phone(vault, phone, now)
        if self.contact.phone:
            return replace(self, given=given)
        renewed = await contacts.seal(vault, self.key, replace(self.contact, phone=phone), now)
        return replace(self, given=given, renewed=renewed)


async def known(vault: Vault, sealed: Sequence[asyncpg.Record]) -> Known:
    """The one family of which `tables.all_sealed` told.

    Raises FamilyErased where it told of none, ContactUnreadable or KeysUnavailable.
    """
    for row in sealed:
        try:
            key = await vault.key(row["id"])
        except UnreadableError:
            key = None
        contact = _opened(key, row)
        if key is None or contact is None:
            raise ContactUnreadable
        return Known(contact, row["sealed"], DataKey(row["id"], key, row["created_at"]))
    raise FamilyErased


async def gets_messages(vault: Vault, sealed: Sequence[asyncpg.Record], *, by_email: bool) -> bool | None:
    """Whether anything can be sent to a family, of which `tables.all_sealed` told; None where nobody can tell now.

    Of a booking: not all are told to the family's address (`by_email`).

    For pages that say what comes by message, and that are there without it while the key store is away.
    """
    with suppress(KeysUnavailable):
        async with vault.turn():
            for contact in (await unsealed(vault, sealed)).values():
                return contact.told(by_email=by_email).gets_messages if contact else None
    return None


async def number_to_call(connection: Connection, family: UUID, known: Known | None) -> Sealed | None:
    """What is to be kept of a family before it is called: its contact with the number that it gave now.

    None where it gave a number before, which stays. The caller writes it by `tables.change_contact`, last of all.
    Raises PhoneNeeded, NotFound for a family that the transaction does not see, FamilyErased, or ContactChanged.
    """
    row = await tables.contact(connection, family, lock=known is not None)
    if row is None:
        raise NotFound
    if row["phone_fingerprint"] is not None:
        if known and known.renewed and row["phone_fingerprint"] != known.given:
            # Somebody else gave another one since: this one is not to be dropped in silence.
            raise ContactChanged
        return None
    if known is None or known.renewed is None:
        raise PhoneNeeded("phone")
    if row["sealed"] is None:
        raise FamilyErased
    if row["sealed"] != known.sealed:
        raise ContactChanged
    return known.renewed


async def has_number(connection: Connection, family: UUID, known: Known) -> bool:
    """Whether the number that a family gives is the one that is kept of it."""
    row = await tables.contact(connection, family, lock=False)
    # Of those known before fingerprints were whole, the first byte is kept.
    kept = row["phone_fingerprint"] if row else None
    return bool(kept and known.given and known.given.startswith(kept))


async def unsealed(vault: Vault, sealed: Sequence[asyncpg.Record]) -> dict[UUID, Contact | None]:
    """The contacts of families of which `tables` told; in no transaction, for the key store is waited for.

    None for one that is kept and cannot be read: its key is lost, or another one's. Raises KeysUnavailable.
    """
    try:
        keys = await vault.keys([row["id"] for row in sealed]) if sealed else {}
    except UnreadableError:
        # Whose key it is that no master key fits is not told of many: the others are read, one by one.
        keys = {}
        for row in sealed:
            with suppress(UnreadableError):
                keys |= await vault.keys([row["id"]])
    return {row["id"]: _opened(keys.get(row["id"]), row) for row in sealed}


def _opened(key: bytes | None, row: asyncpg.Record) -> Contact | None:
    """The contact of a row; None, which operators are told, where it cannot be read."""
    if key:
        with suppress(UnreadableError):
            return contacts.unseal(key, row["id"], row["sealed"], row["language"])
    log.error("the contact of family %s cannot be read: its key is lost or does not fit", row["id"])
    return None


async def due(engine: AsyncEngine, now: datetime) -> Report:
    """What `retain` would erase now. Changes nothing."""
    return await _each_due(engine, now, decide=False)


async def retain(engine: AsyncEngine, vault: Vault, now: datetime) -> Report:
    """Erase the identities that the rules let go, and finish what an earlier run began. Raises KeysUnavailable."""
    report = await _each_due(engine, now, decide=True)
    await finish(engine, vault, now)
    async with _ending(engine, now) as connection:
        lately = await tables.erased_since(connection, now - RESTORED)
        await proofs.forget(connection, now - KEPT)
    # Should the key store have been restored from a backup since, the keys that it brought back go again.
    await vault.destroy(lately)
    return report


async def erase(engine: AsyncEngine, vault: Vault, family: UUID, now: datetime) -> None:
    """Erase one identity, because somebody asked for it. Once erased it stays so.

    Raises StillBooked, NotFound for a family that is not known, or KeysUnavailable: it is decided then, and done later.
    """
    async with _ending(engine, now) as connection:
        if not await tables.known(connection, [family]):
            raise NotFound
        if await tables.lock(connection, [family]):
            if rules.still_booked((await _visits(connection, [family])).get(family, []), now):
                raise StillBooked
            await tables.mark(connection, family, ON_REQUEST, now)
            told = outbox.row(
                events.FAMILY_ERASED, entity_id=str(family), data=events.FamilyErased(family=family), now=now
            )
            await outbox.write(connection, told)
    await finish(engine, vault, now)


async def asked_before(engine: AsyncEngine, families: Sequence[UUID], now: datetime) -> list[UUID]:
    """Those of the families that are kept though they asked to be erased: a backup of before was read back."""
    async with _ending(engine, now) as connection:
        return [*await tables.kept_since(connection, families)]


async def erase_again(engine: AsyncEngine, vault: Vault, families: Sequence[UUID], now: datetime) -> list[UUID]:
    """Erase what was erased on request and is back, its bookings notwithstanding; which families. Their keys go in any
    case. Raises KeysUnavailable.
    """
    async with _ending(engine, now) as connection:
        back = await tables.lock(connection, families)
        for family in back:
            await tables.mark(connection, family, ON_REQUEST, now)
    await finish(engine, vault, now)
    await vault.destroy(families)
    return back


async def finish(engine: AsyncEngine, vault: Vault, now: datetime) -> int:
    """Destroy the keys of marked families and clear what was sealed; how many there were. Raises KeysUnavailable."""
    async with _ending(engine, now) as connection:
        marked = await tables.marked(connection)
    for first in range(0, len(marked), AT_ONCE):
        some = marked[first : first + AT_ONCE]
        # In this order: what is cleared while its key lives could be read from any older copy.
        await vault.destroy(some)
        async with _ending(engine, now) as connection:
            await tables.clear(connection, some)
            await proofs.forget(connection, now - KEPT, some)
    return len(marked)


async def tidy_keys(engine: AsyncEngine, vault: Vault, now: datetime) -> int:
    """Destroy the keys that no family ever got; how many. Raises KeysUnavailable."""

    async def used(ids: Sequence[UUID]) -> list[UUID]:
        async with _ending(engine, now) as connection:
            return await tables.known(connection, ids)

    return await vault.tidy(now, used)


def _ending(engine: AsyncEngine, now: datetime) -> AbstractAsyncContextManager[Connection]:
    return database.transaction(engine, role=RETENTION, seconds=database.JOB_SECONDS, before=now.isoformat())


async def _each_due(engine: AsyncEngine, now: datetime, *, decide: bool) -> Report:
    report, last = Report(), UUID(int=0)
    while True:
        async with _ending(engine, now) as connection:
            some = await tables.kept(connection, now, last, AT_ONCE)
            if not some:
                return report
            found = await _due(connection, some, now)
            if decide:
                # Asked again with the rows locked: who books for one of them meanwhile waits, and finds it erased.
                await tables.lock(connection, [family for family, _ in found])
                found = await _due(connection, [family for family, _ in found], now)
            for family, rule in found:
                report.families.setdefault(rule.name, []).append(family)
                if decide:
                    await tables.mark(connection, family, rule.name, now)
        last = some[-1]


async def _due(connection: Connection, families: Sequence[UUID], now: datetime) -> list[tuple[UUID, Rule]]:
    visits = await _visits(connection, families)
    created = await tables.kept_since(connection, families)
    decided = ((family, rules.due(visits.get(family, []), at, now)) for family, at in created.items())
    return [(family, rule) for family, rule in decided if rule]


async def _visits(connection: Connection, families: Sequence[UUID]) -> dict[UUID, list[Visit]]:
    found: dict[UUID, list[Visit]] = {}
    for row in await tables.visits(connection, families):
        offering = Offering.stored(row["offering"]) if row["offering"] else None
        found.setdefault(row["family"], []).append(Visit(offering, row["status"], row["end_at"], row["changed_at"]))
    return found
