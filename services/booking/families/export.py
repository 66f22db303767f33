"""What booking keeps of a booking and of who booked it, for whoever has its link: nothing of the family's others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from booking import secrecy
from booking.bookings import tables as booking_tables
from booking.bookings.entry import vault
from booking.bookings.links import token_hash
from booking.bookings.rules import UnknownBooking
from booking.bookings.service import View, view_of
from booking.families import rules, service, tables
from booking.families.contacts import Contact
from booking.families.rules import ProtectedFamily, is_protected
from booking.slots.reads import Offering
from kit.app import Runtime
from kit.language import Language


@dataclass(frozen=True)
class Kept:
    """A booking and what is kept beside what its family sees elsewhere; instants in UTC, `child_age` in years.

    For so many `days` after it, who the family is, is kept for its sake.
    """

    view: View
    child_age: int | None
    booked_at: datetime
    changed_at: datetime | None
    days: int


@dataclass(frozen=True)
class Export:
    """What is kept. `contact` is None where it is erased, then `erased_at` says since when."""

    contact: Contact | None
    known_since: datetime
    erased_at: datetime | None
    booking: Kept
    reads: Sequence[asyncpg.Record]


async def export(runtime: Runtime, token: str, language: Language) -> Export:
    """What is kept of the booking of a manage token, with its family's contact.

    Raises UnknownBooking, KeysUnavailable, or ProtectedFamily: such a family is told by telephone.
    """
    async with vault(runtime).turn():
        async with secrecy.of_token(runtime.engine, token_hash(token)) as connection:
            row = await booking_tables.by_token(connection, token_hash(token))
            family = await tables.sealed(connection, row["family"]) if row else None
            if row is None or family is None:
                raise UnknownBooking
            if is_protected(family["protection"]):
                raise ProtectedFamily
            sealed = await tables.all_sealed(connection, [family["id"]])
            reads = await tables.reads(connection, row["id"])
        contacts = await service.unsealed(vault(runtime), sealed)
    kept = _kept(row, language)
    return Export(contacts.get(family["id"]), family["created_at"], family["erased_at"], kept, reads)


def _kept(row: asyncpg.Record, language: Language) -> Kept:
    offering = Offering.stored(row["offering_data"]) if row["offering_data"] else None
    return Kept(
        view_of(row, language), row["child_age"], row["created_at"], row["changed_at"], rules.rule_of(offering).days
    )
