"""The use cases of what happened to a booking: for its page, and for an operator. The caller opens a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from booking.bookings import tables as bookings
from booking.bookings.tables import Change
from booking.history import tables
from booking.history.tables import Read, Unpublished, Unreached
from booking.messages import tables as messages
from booking.messages.tables import Message
from booking.reviews import service as reviews
from kit.access import Person
from kit.database import Connection


@dataclass(frozen=True)
class Story:
    """What happened to a booking, each kind in its order; `made` is when it was made, in UTC."""

    made: datetime
    changes: Sequence[Change]
    messages: Sequence[Message]
    unreached: Sequence[Unreached]
    reads: Sequence[Read] = ()


@dataclass(frozen=True)
class Told:
    """A booking as an operator may know it: who the family is, and who of the staff did what, is not in it."""

    booking: asyncpg.Record
    story: Story
    unpublished: Sequence[Unpublished]


async def story(connection: Connection, booking: UUID, made: datetime) -> Story:
    """What happened to a booking that the transaction sees, without who read of it."""
    return Story(
        made,
        await bookings.changes(connection, booking),
        await messages.of_booking(connection, booking),
        await tables.unreached(connection, booking),
    )


async def reads(connection: Connection, person: Person, *, unit: str, booking: UUID, family: UUID) -> Sequence[Read]:
    """Who read of a booking and its family, for a reviewer of its unit: a read of the log, in `secrecy.of_review`.

    Raises NotAllowed.
    """
    found = await tables.reads(connection, booking, family, named=True)
    await reviews.record(
        connection, person, unit=unit, family=None, booking=booking, what="review", why="day > booking"
    )
    return found


async def told(connection: Connection, reference: str) -> Told | None:
    """What happened to the booking with this reference, in `secrecy.of_history`; None where that sees none."""
    row = await tables.by_reference(connection, reference)
    if row is None:
        return None
    found = await story(connection, row["id"], row["created_at"])
    seen = await tables.reads(connection, row["id"], row["family"], named=False)
    return Told(
        row,
        Story(found.made, found.changes, found.messages, found.unreached, seen),
        await tables.unpublished(connection, row["id"]),
    )
