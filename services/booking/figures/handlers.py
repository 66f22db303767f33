"""Booking's own facts, read back from the stream: what figures are made of. They come twice and in any order."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncConnection

from booking.figures import tables
from booking.figures.tables import Fact
from kit import database
from kit.events import CloudEvent, Read
from kit.messaging import Handler, Reads


class Booked(Read):
    """How a booking stands after a fact; nothing of its advisor, for figures are not of persons at work."""

    booking: UUID
    sequence: int
    municipality: str
    modality: str
    place: str | None = None
    start: AwareDatetime
    late: bool = False
    first: bool = True


class Searches(Read):
    municipality: str
    offering: str
    day: date
    searches: int
    found_nothing: int


class Availability(Read):
    municipality: str
    offering: str
    at: AwareDatetime
    next: AwareDatetime | None
    third_next: AwareDatetime | None


async def take(connection: AsyncConnection, event: CloudEvent[Any], _now: datetime) -> None:
    """Keep a fact, and draw what follows from it, unless it was taken before."""
    driver = await database.driver_of(connection)
    fact = Fact(event.id, name_of(event.type), event.time, event.data)
    if await tables.keep(driver, fact):
        await tables.project(driver, [fact])


def name_of(kind: str) -> str:
    """The name of a fact of booking: `no-show` of `se.samtid.booking.no-show.v1`."""
    return kind.split(".")[3]


READS = Reads(
    "booking",
    stream="EVENTS",
    subjects="events.booking.>",
    handlers={
        "se.samtid.booking.confirmed.v1": Handler(Booked, take),
        "se.samtid.booking.rescheduled.v1": Handler(Booked, take),
        "se.samtid.booking.cancelled.v1": Handler(Booked, take),
        "se.samtid.booking.fulfilled.v1": Handler(Booked, take),
        "se.samtid.booking.no-show.v1": Handler(Booked, take),
        "se.samtid.booking.reopened.v1": Handler(Booked, take),
        "se.samtid.booking.searches-counted.v1": Handler(Searches, take),
        "se.samtid.booking.availability-measured.v1": Handler(Availability, take),
    },
    # Twenty facts a second: families who book a time do not wait for figures.
    pause=0.05,
)
