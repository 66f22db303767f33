"""Booking for a family: one that calls, known or new, and the follow-up of a visit. The caller opens a transaction that
sees the person's units, and commits it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import asyncpg

from booking.agenda import service, tables
from booking.agenda.rules import BeforeVisit, NotYours
from booking.bookings import service as bookings
from booking.bookings.links import Links
from booking.bookings.service import View, Wanted
from booking.families import tables as family_tables
from booking.families.contacts import Fingerprints
from booking.families.rules import PhoneNotNeeded, Protection
from booking.families.service import Known
from booking.reviews import service as reviews
from booking.reviews.rules import What, Why
from booking.slots import service as slots
from booking.slots.reads import Municipality, Offering
from booking.slots.rules import NotOffered, is_bookable
from booking.slots.service import SlotId
from kit.access import Person
from kit.database import Connection
from kit.language import Language
from kit.refusal import NotFound
from kit.vault.store import DataKey, Vault

ROLES = ("advisor", "coordinator")


@dataclass(frozen=True)
class Protected:
    """That a new family is of protected identity, and the ids of the staff who may see it, whoever books included."""

    level: Protection = "none"
    access: Collection[str] = ()


async def unit_of(connection: Connection, offering: Offering, municipality: str) -> str:
    """The unit that answers for a municipality's families in an offering. Raises NotOffered where none does."""
    unit = await tables.unit_of(connection, offering.id, municipality)
    if unit is None:
        raise NotOffered
    return unit


async def offered(connection: Connection, person: Person) -> list[tuple[Municipality, list[Offering]]]:
    """What the person may book for families, by the municipality where these live."""
    found: dict[str, tuple[Municipality, list[Offering]]] = {}
    for place, offering in await tables.answered_for(connection, person.units(*ROLES)):
        if is_bookable(offering):
            found.setdefault(place.id, (place, []))[1].append(offering)
    return sorted(found.values(), key=lambda one: slots.swedish(one[0].name))


async def found(
    connection: Connection,
    person: Person,
    families: Iterable[UUID],
    completed: Mapping[UUID, Fingerprints],
) -> None:
    """Note that families were found by their number: a read of each. Keep fingerprints that were not whole."""
    for family in families:
        await _record(connection, person, family, None, "search", "phone > search")
    for family, fingerprints in completed.items():
        await family_tables.complete(connection, family, fingerprints)


async def contact(connection: Connection, person: Person, family: UUID) -> Sequence[asyncpg.Record]:
    """Who a known family is, sealed; a read. Raises NotFound."""
    found = await sealed(connection, family)
    await _record(connection, person, family, None, "contact", "phone > contact")
    return found


async def colleagues(connection: Connection, unit: str) -> Sequence[tuple[str, str, str | None]]:
    """Id, name and, where it is one, advisor of everybody who meets or books families for a unit."""
    return await tables.staff_of_unit(connection, unit, ROLES)


async def follow_up(
    connection: Connection,
    links: Links,
    vault: Vault,
    person: Person,
    booking: UUID,
    slot: SlotId,
    *,
    modality: str | None,
    known: Known,
    number: str | None,
    by_email: bool,
    key: str,
    now: datetime,
    language: Language,
) -> UUID:
    """Book one more time for the family of one of the person's own bookings, for the same offering; see `book`.

    `number` is what `known`, its family, gives to be called (E.164) where it gave none before. Raises NotYours,
    BeforeVisit and PhoneNotNeeded too.
    """
    before = await service.own_row(connection, person, booking)
    if slot.offering != before["offering"]:
        raise NotOffered
    if before["status"] != "cancelled" and slot.start < before["end_at"]:
        raise BeforeVisit
    if number and known.contact.phone and number != known.contact.phone:
        raise PhoneNotNeeded("phone")
    wanted = Wanted(
        hold=None,
        slot=slot,
        municipality=before["municipality"],
        modality=modality or before["modality"],
        contact=replace(known.contact, phone=known.contact.phone or number),
        child_age=before["child_age"],
        expecting=before["child_age"] is None,
    )
    key = f"{booking} {key}"
    return await book(
        connection,
        links,
        vault,
        person,
        wanted,
        family=before["family"],
        known=known,
        by_email=by_email,
        key=key,
        now=now,
        language=language,
    )


async def book(
    connection: Connection,
    links: Links,
    vault: Vault,
    person: Person,
    wanted: Wanted,
    *,
    family: UUID | None,
    known: Known | None = None,
    protected: Protected | None = None,
    by_email: bool = True,
    spare: list[DataKey] | None = None,
    key: str,
    now: datetime,
    language: Language,
) -> UUID:
    """Book for a known family or for a new one, once per `key`; the id of the booking.

    Whoever is not to know a family of the unit that the booking would be of, cannot book for it. `known`, `by_email`
    and `spare` are as in `booking.bookings.service.book_by_staff`. Raises NotOffered, NotFound, FamilyErased,
    SlotTaken (with alternatives), PhoneNeeded, KeysUnavailable, or what the rules raise.
    """
    protected = protected or Protected()
    answer = await bookings.book_by_staff(
        connection,
        links,
        vault,
        wanted,
        staff=person.id,
        family=family,
        known=known,
        protection=protected.level,
        access=sorted({*protected.access, person.id}) if protected.level != "none" else (),
        by_email=by_email,
        spare=spare,
        key=f"{person.id} {key}",
        now=now,
        language=language,
    )
    booking = await tables.by_reference(connection, answer["reference"])
    if booking is None or (family and booking["unit"] != await tables.unit_of_family(connection, family)):
        # Rolls the booking back: the offering has gone over to another unit, to which the family is not known.
        raise NotOffered
    made: UUID = booking["id"]
    return made


@dataclass(frozen=True)
class Done:
    """A booking as it is told aloud, its family's contact, sealed, and whether it is told to the address of that."""

    view: View
    protected: bool
    by_email: bool
    sealed: Sequence[asyncpg.Record]


async def done(connection: Connection, person: Person, booking: UUID, *, language: Language) -> Done:
    """What was booked; a read. Raises NotYours."""
    row = await tables.by_id(connection, booking)
    if row is None:
        raise NotYours
    await _record(connection, person, row["family"], booking, "booking", "phone > done")
    kept = await family_tables.all_sealed(connection, [row["family"]])
    return Done(bookings.view_of(row, language), row["protected"], row["by_email"], kept)


def unproved(sealed: Iterable[asyncpg.Record]) -> set[UUID]:
    """Those of the families whose contact somebody wrote on the web who has not shown that it is theirs."""
    return {row["id"] for row in sealed if not row["given_to_staff"]}


def proved(sealed: Iterable[asyncpg.Record]) -> dict[UUID, list[str]]:
    """Of each family which of `phone` and `email` somebody has shown, by a code, to have: it may be two people."""
    return {row["id"]: [kind for kind in ("phone", "email") if row[f"{kind}_proved_at"]] for row in sealed}


async def sealed(connection: Connection, family: UUID) -> Sequence[asyncpg.Record]:
    """A known family as it is kept, to book for it and not to be shown. Raises NotFound."""
    if await family_tables.sealed(connection, family) is None:
        raise NotFound
    return await family_tables.all_sealed(connection, [family])


async def _record(
    connection: Connection, person: Person, family: UUID, booking: UUID | None, what: What, why: Why
) -> None:
    unit = await tables.unit_of_family(connection, family)
    assert unit is not None, "the transaction sees the family"
    await reviews.record(connection, person, unit=unit, family=family, booking=booking, what=what, why=why)
