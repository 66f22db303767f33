"""Where a request comes in, from the API or from a page: one transaction each, opened and committed here."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from booking import secrecy
from booking.bookings import holds, service
from booking.bookings.holds import Hold
from booking.bookings.links import Links, token_hash
from booking.bookings.rules import ProofNeeded, SlotTaken
from booking.bookings.service import Proved, View, Wanted
from booking.families import service as families
from booking.families.service import Known
from booking.secrecy import Seeing
from booking.slots.service import SlotId
from kit import database
from kit.app import Runtime
from kit.database import Connection
from kit.language import Language
from kit.vault.store import Vault

T = TypeVar("T")
# What a client asks to book in an hour.
BOOKINGS = "bookings"


def links(runtime: Runtime) -> Links:
    """The maker of manage links for this installation."""
    return Links(runtime.settings.manage_secret, runtime.settings.public_url)


def vault(runtime: Runtime) -> Vault:
    """The store of families' keys."""
    assert runtime.vault is not None, "booking has one"
    return runtime.vault


async def known_family(
    runtime: Runtime,
    seeing: Callable[[], Seeing],
    read: Callable[[Connection], Awaitable[Sequence[asyncpg.Record]]],
    phone: str | None = None,
) -> Known:
    """The family that is `read`, sealed, in a transaction of its own, and what it gives where that is a number (E.164).

    The key store is asked when that transaction is over. Raises what `families.known` does.
    """
    async with vault(runtime).turn():
        async with seeing() as connection:
            sealed = await read(connection)
        known = await families.known(vault(runtime), sealed)
        return await known.giving(vault(runtime), phone, runtime.clock()) if phone else known


async def hold(
    runtime: Runtime, *, slot: SlotId, municipality: str, modality: str, client: str, hold_id: UUID | None = None
) -> Hold:
    """See `holds.make`. `client` is of `kit.door.client_of`; only a keyed hash of it is kept."""
    hashed = links(runtime).keyed_hash("client", client.encode())

    async def attempt() -> Hold:
        async with database.transaction(runtime.engine) as connection:
            return await holds.make(
                connection,
                runtime.settings,
                slot=slot,
                municipality=municipality,
                modality=modality,
                client=hashed,
                now=runtime.clock(),
                hold_id=hold_id,
            )

    return await after_expiry(runtime, slot, attempt)


async def find_hold(runtime: Runtime, hold_id: UUID) -> Hold:
    """See `holds.find`."""
    async with database.driver(runtime.engine) as connection:
        return await holds.find(connection, hold_id, runtime.clock())


async def extend(runtime: Runtime, hold_id: UUID) -> Hold:
    """See `holds.extend`."""
    async with database.transaction(runtime.engine) as connection:
        return await holds.extend(connection, runtime.settings, hold_id, runtime.clock())


async def release(runtime: Runtime, hold_id: UUID) -> None:
    """See `holds.release`."""
    async with database.transaction(runtime.engine) as connection:
        await holds.release(connection, hold_id, runtime.clock())


async def book(
    runtime: Runtime,
    wanted: Wanted,
    *,
    client: str,
    key: str | None,
    proved: Proved | None = None,
    language: Language,
) -> dict[str, Any]:
    """See `service.book`. `client` is of `kit.door.client_of`."""
    assert runtime.limits is not None, "the public reaches this service"
    admitted = runtime.limits.admits(BOOKINGS, client, runtime.clock())

    async def attempt() -> dict[str, Any]:
        async with (
            vault(runtime).reserve(runtime.clock()) as spare,
            database.driver(runtime.engine) as connection,
        ):
            return await service.book(
                connection,
                links(runtime),
                vault(runtime),
                wanted,
                spare=spare,
                key=key,
                admitted=admitted,
                most=runtime.settings.bookings_ahead,
                few=runtime.settings.unproved_bookings,
                proved=proved,
                now=runtime.clock(),
                language=language,
            )

    try:
        answer = await after_expiry(runtime, wanted.slot, attempt)
    except ProofNeeded:
        # Whoever proves the contact asks once more.
        if admitted:
            runtime.limits.give_back(BOOKINGS, client, runtime.clock())
        raise
    runtime.relay.wake()
    return answer


async def booked(runtime: Runtime, hold_id: UUID) -> str | None:
    """The manage token of the booking that a hold became, or None. Not for whoever knows no more than the id."""
    token = links(runtime).token(hold_id)
    async with secrecy.of_token(runtime.engine, token_hash(token)) as connection:
        return token if await holds.is_booked(connection, hold_id) else None


async def look_up(runtime: Runtime, token: str, language: Language) -> View:
    """See `service.look_up`."""
    async with secrecy.of_token(runtime.engine, token_hash(token)) as connection:
        return await service.look_up(connection, token, language)


async def gets_messages(runtime: Runtime, token: str) -> bool | None:
    """See `families.gets_messages`. Raises UnknownBooking."""
    async with secrecy.of_token(runtime.engine, token_hash(token)) as connection:
        sealed, by_email = await service.sealed(connection, token)
    return await families.gets_messages(vault(runtime), sealed, by_email=by_email)


async def reschedule(
    runtime: Runtime, token: str, slot: SlotId, modality: str | None, language: Language, phone: str | None = None
) -> View:
    """See `service.reschedule`."""

    def seeing() -> Seeing:
        return secrecy.of_token(runtime.engine, token_hash(token))

    async def read(connection: Connection) -> Sequence[asyncpg.Record]:
        return (await service.sealed(connection, token))[0]

    async def attempt() -> View:
        known = await known_family(runtime, seeing, read, phone) if phone else None
        async with seeing() as connection:
            return await service.reschedule(
                connection, token, slot, modality=modality, known=known, now=runtime.clock(), language=language
            )

    view = await after_expiry(runtime, slot, attempt)
    runtime.relay.wake()
    return view


async def cancel(runtime: Runtime, token: str, language: Language) -> View:
    """See `service.cancel`."""
    async with secrecy.of_token(runtime.engine, token_hash(token)) as connection:
        view = await service.cancel(connection, token, now=runtime.clock(), language=language)
    runtime.relay.wake()
    return view


async def after_expiry(runtime: Runtime, slot: SlotId | None, attempt: Callable[[], Awaitable[T]]) -> T:
    """Try once more if what was in the way was a hold that had expired and was not yet swept away."""
    try:
        return await attempt()
    except SlotTaken as refusal:
        if slot is None:
            raise
        async with database.transaction(runtime.engine) as connection:
            way = await holds.make_way(connection, slot, runtime.clock(), refusal.moving)
        if not way:
            raise
    return await attempt()
