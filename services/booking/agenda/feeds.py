"""Secret addresses at which calendar programs read when an advisor is booked, and nothing of by whom.

Reading one is no read of a family: there is none in it. Of an address only a hash is kept.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4, uuid5

from sqlalchemy.ext.asyncio import AsyncEngine

from booking import secrecy
from booking.agenda import service, tables
from booking.slots.tables import CALENDAR_DAYS
from kit import database
from kit.access import Find, Person
from kit.calendar import Appointment
from kit.database import Connection
from kit.language import Language
from kit.refusal import NotFound
from kit.staff import Staff

PAST = timedelta(days=30)
MOST = 10


@dataclass(frozen=True)
class Feed:
    """An address that somebody made; `name` says what reads it."""

    id: UUID
    name: str
    created_at: datetime


def secret_hash(secret: str) -> bytes:
    """What is stored of the secret in an address."""
    return hashlib.sha256(b"feed\0" + secret.encode()).digest()


async def make(connection: Connection, person: Person, name: str, now: datetime) -> str | None:
    """A new secret of the person's, shown this once; None where there are `MOST` already."""
    if len(await tables.feeds(connection)) >= MOST:
        return None
    secret = secrets.token_urlsafe(32)
    await tables.insert_feed(connection, uuid4(), person.id, name, secret_hash(secret), now)
    return secret


async def own(connection: Connection) -> Sequence[Feed]:
    """The feeds of whoever the transaction is of, the oldest first."""
    return [Feed(**row) for row in await tables.feeds(connection)]


async def revoke(connection: Connection, feed: UUID) -> None:
    """End one of the person's own. One that is gone already needs nothing."""
    await tables.delete_feed(connection, feed)


async def reader(engine: AsyncEngine, people: Find, secret: str) -> Person:
    """Whose calendar an address shows. Raises NotFound where it was revoked, or the person is an advisor no more."""
    hashed = secret_hash(secret)
    async with database.transaction(engine, feed=hashed.hex()) as connection:
        staff = await tables.staff_of_feed(connection, hashed)
    document = await people(engine, "id", staff) if staff else None
    person = Person(Staff.model_validate_json(document)) if document else None
    if person is None or person.advisor is None or not person.has("advisor"):
        raise NotFound
    return person


async def appointments(
    engine: AsyncEngine, person: Person, *, booked: str, taken: str, now: datetime, language: Language
) -> list[Appointment]:
    """All that the person is booked for, from `PAST` ago to the end of the calendar, under two opaque titles."""
    today = service.today(now)
    last = today + timedelta(days=CALENDAR_DAYS)
    async with secrecy.of(engine, person.id, person.units("advisor")) as connection:
        days = await service.days(connection, person, today - PAST, last, language)
    made: dict[str, Appointment] = {}
    for day in days:
        for item in day.items:
            if item.held or (item.view and item.view.status == "cancelled"):
                continue
            view = item.view
            # Of time whose booking is not seen, no version is known: moved, it is another appointment.
            uid = view.id if view else uuid5(item.id, item.start.isoformat())
            made[str(uid)] = Appointment(
                uid=f"{uid}@samtid",
                sequence=view.sequence if view else 0,
                start=item.start,
                end=item.end,
                zone=view.zone if view else day.zone.key,
                summary=booked if view else taken,
                changed=item.changed_at or item.start,
            )
    return list(made.values())
