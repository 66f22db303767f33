"""Where a request of an advisor comes in: one transaction each, that sees the advisor's units, committed here."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import date
from uuid import UUID

import asyncpg

from booking import secrecy
from booking.agenda import leave, phone, service
from booking.agenda.leave import Change, Hours
from booking.agenda.rules import Action, Outcome
from booking.agenda.service import Day, Opened
from booking.bookings import entry as bookings
from booking.bookings.entry import after_expiry, vault
from booking.bookings.rules import Reason
from booking.bookings.service import View
from booking.families import service as families
from booking.families.service import Known
from booking.history import service as histories
from booking.slots.service import SlotId
from kit.access import Person
from kit.app import Runtime
from kit.database import Connection
from kit.language import Language


def seeing(runtime: Runtime, person: Person) -> AbstractAsyncContextManager[Connection]:
    """A transaction that sees the families of the units in which the person is an advisor."""
    return secrecy.of(runtime.engine, person.id, person.units("advisor"))


async def day(runtime: Runtime, person: Person, wanted: date, language: Language) -> Day:
    """One of the person's own days, with the families that are met in it."""
    async with vault(runtime).turn():
        async with seeing(runtime, person) as connection:
            (found,) = await service.days(connection, person, wanted, wanted, language)
            sealed = await service.read_families(connection, person, found)
        return await service.show_families(vault(runtime), found, sealed)


async def own_hours(runtime: Runtime, person: Person) -> Hours:
    """See `leave.hours`."""
    async with seeing(runtime, person) as connection:
        return await leave.hours(connection, person)


async def hits(runtime: Runtime, person: Person, change: Change, language: Language) -> Day:
    """What a change of the person's hours hits, with the families that are to be met then."""
    async with vault(runtime).turn():
        async with seeing(runtime, person) as connection:
            own = await leave.hours(connection, person)
            found = await leave.hits(connection, person, change, own, service.today(runtime.clock()), language)
            sealed = await service.read_families(connection, person, found, "leave")
        return await service.show_families(vault(runtime), found, sealed)


async def days(runtime: Runtime, person: Person, first: date, last: date, language: Language) -> list[Day]:
    """See `service.days`."""
    async with seeing(runtime, person) as connection:
        return await service.days(connection, person, first, last, language)


async def find(
    runtime: Runtime, person: Person, booking: UUID, language: Language, *, to: Action | None = None
) -> View:
    """See `service.find`."""
    async with seeing(runtime, person) as connection:
        return await service.find(connection, person, booking, language, to=to, now=runtime.clock())


async def gets_messages(runtime: Runtime, person: Person, booking: UUID) -> bool | None:
    """See `families.gets_messages`. Raises NotYours."""
    async with seeing(runtime, person) as connection:
        sealed, by_email = await service.sealed(connection, person, booking)
    return await families.gets_messages(vault(runtime), sealed, by_email=by_email)


async def ways(runtime: Runtime, person: Person, booking: UUID) -> asyncpg.Record:
    """See `service.ways`."""
    async with seeing(runtime, person) as connection:
        return await service.ways(connection, person, booking)


async def open_booking(runtime: Runtime, person: Person, booking: UUID, language: Language) -> Opened:
    """See `service.open_booking`; with who read of the family, for whoever reviews the booking's unit too."""
    async with vault(runtime).turn():
        async with seeing(runtime, person) as connection:
            opened, sealed = await service.open_booking(
                connection, person, booking, now=runtime.clock(), language=language
            )
        for contact in (await families.unsealed(vault(runtime), sealed)).values():
            unproved = bool(phone.unproved(sealed))
            proved = phone.proved(sealed).get(opened.family, [])
            opened = replace(opened, contact=contact, unproved=unproved, proved=proved, unreadable=contact is None)
    if opened.unit not in person.units("reviewer"):
        return opened
    async with secrecy.of_review(runtime.engine, person.id, [opened.unit]) as connection:
        reads = await histories.reads(connection, person, unit=opened.unit, booking=booking, family=opened.family)
    return replace(opened, story=replace(opened.story, reads=reads))


async def decide(runtime: Runtime, person: Person, booking: UUID, outcome: Outcome | None) -> None:
    """See `service.decide`."""
    async with seeing(runtime, person) as connection:
        await service.decide(connection, person, booking, outcome, now=runtime.clock())
    runtime.relay.wake()


async def send_again(runtime: Runtime, person: Person, booking: UUID) -> int:
    """See `service.send_again`."""
    async with seeing(runtime, person) as connection:
        asked = await service.send_again(connection, person, booking, now=runtime.clock())
    runtime.relay.wake()
    return asked


async def known_family(runtime: Runtime, person: Person, booking: UUID, phone: str | None) -> Known:
    """The family of a booking of the person's own; see `bookings.entry.known_family`. Raises NotYours too."""

    async def read(connection: Connection) -> Sequence[asyncpg.Record]:
        return (await service.sealed(connection, person, booking))[0]

    return await bookings.known_family(runtime, lambda: seeing(runtime, person), read, phone)


async def move(
    runtime: Runtime, person: Person, booking: UUID, slot: SlotId, modality: str | None, phone: str | None
) -> None:
    """See `service.move`."""

    async def attempt() -> None:
        known = await known_family(runtime, person, booking, phone) if phone else None
        async with seeing(runtime, person) as connection:
            await service.move(connection, person, booking, slot, modality=modality, known=known, now=runtime.clock())

    await after_expiry(runtime, slot, attempt)
    runtime.relay.wake()


async def cancel(runtime: Runtime, person: Person, booking: UUID, reason: Reason) -> None:
    """See `service.cancel`."""
    async with seeing(runtime, person) as connection:
        await service.cancel(connection, person, booking, reason, now=runtime.clock())
    runtime.relay.wake()
