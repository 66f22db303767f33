"""Finding free times, and keeping the open hours that they are cut from."""

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import holidays

from booking.slots import rules, tables
from booking.slots.reads import Modality, Municipality, Offering, Schedule
from booking.slots.rules import Block, Free, NotOffered, NotOfferedThere
from booking.slots.tables import Search
from kit import telemetry
from kit.database import Connection
from kit.days import is_near

_CLOSED = holidays.country_holidays("SE", categories=("public", "de_facto"))


def closed(day: date) -> bool:
    """Whether a day is a holiday in Sweden, public or de facto."""
    return day in _CLOSED


@dataclass(frozen=True)
class SlotId:
    """What the opaque id of a slot stands for. `start` is a UTC instant in whole minutes."""

    offering: str
    advisor: str
    start: datetime

    def __str__(self) -> str:
        plain = f"{self.offering}|{self.advisor}|{int(self.start.timestamp()) // 60}"
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> "SlotId":
        """The slot of an id. Raises ValueError for what we cannot have given out."""
        try:
            plain = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)).decode()
            offering, advisor, minutes = plain.split("|")
            start = datetime.fromtimestamp(int(minutes) * 60, UTC)
        except (ValueError, OverflowError, OSError, binascii.Error) as error:
            raise ValueError("not the id of a slot") from error
        if not is_near(start):
            raise ValueError("not the id of a slot")
        return cls(offering, advisor, start)


async def search(connection: Connection, wanted: Search) -> list[Free]:
    """What is free. Raises NotOffered where the municipality's families cannot book this offering at all."""
    with telemetry.span("booking", "search slots") as span:
        found = await tables.free_starts(connection, wanted)
        span.set_attribute("samtid.slots", len(found))
        if not found and not await tables.is_offered(connection, wanted.offering, wanted.municipality):
            raise NotOffered
    return found


@dataclass(frozen=True)
class Listing:
    """The first free starts as a page lists them, each part with the first one first. `opens` is that of `more_opens`.

    `elsewhere` are visits that families would not travel to, as long as there are others; there are none where they
    would travel to all that come first. `more_from` is the number, from 1, of the first start that a longer page adds.
    """

    near: Sequence[Free]
    elsewhere: Sequence[Free]
    more_from: int | None
    opens: date | None

    def __len__(self) -> int:
        return len(self.near) + len(self.elsewhere)


async def listing(connection: Connection, wanted: Search, shown: int) -> Listing:
    """The first `shown` free starts, but half of them such that families would travel to, however late those are. A
    longer page leaves none out that a shorter one has. Raises NotOffered.
    """
    wanted = replace(wanted, limit=shown + 1)
    found = await search(connection, wanted)
    more = shown + 1 if len(found) > shown else None
    near = [free for free in found[:shown] if not free.far]
    elsewhere = [free for free in found[:shown] if free.far]
    if elsewhere:
        room = max((shown + 1) // 2, len(near))
        nearer = replace(wanted, limit=room + 1, near=True)
        travelled = await tables.free_starts(connection, nearer)
        if any(free.far for free in travelled):
            # No place of the municipality's own takes visits.
            near, elsewhere = elsewhere, []
        else:
            near = travelled[:room]
            elsewhere = elsewhere[: shown - len(near)]
            more = room + 1 if more and len(travelled) > room else more
            wanted, found = nearer, travelled
    return Listing(near, elsewhere, more, await more_opens(connection, wanted, found))


async def more_opens(connection: Connection, wanted: Search, found: Sequence[Free]) -> date | None:
    """The next local day on which more times open for the municipality, if any of them lies before the last one `found`
    or there is nothing after that: it has used its share of those days, and others may still leave some of theirs.

    Of visits those count that its families would travel to.
    """
    last = found[-1].end if len(found) >= wanted.limit else wanted.last
    return await tables.opens(connection, replace(wanted, last=last, near=True))


# Swedish ends with å, ä, ö; Unicode has å after ä.
_ALPHABET = str.maketrans("åäö", "{|}")


def swedish(name: str) -> str:
    """What names are sorted by, in the order of the Swedish alphabet."""
    return name.casefold().translate(_ALPHABET)


async def municipalities(connection: Connection) -> list[Municipality]:
    """All municipalities, in the order of the Swedish alphabet."""
    return sorted(await tables.municipalities(connection), key=lambda place: swedish(place.name))


async def offerings(connection: Connection, place: Municipality) -> list[Offering]:
    """All that a municipality offers."""
    return await tables.offerings_of(connection, place.id)


async def municipality(connection: Connection, slug: str) -> Municipality:
    """The municipality with this name in page addresses. Raises NotOffered."""
    found = await tables.municipality_of_slug(connection, slug)
    if found is None:
        raise NotOffered
    return found


async def municipality_meant(connection: Connection, written: str) -> Municipality:
    """The one municipality that somebody means who wrote this in an address. Raises NotOffered."""
    meant = [one for one in await tables.municipalities(connection) if rules.alike(written, one.slug, one.name)]
    if len(meant) != 1:
        raise NotOffered
    return meant[0]


async def municipality_of(connection: Connection, code: str) -> Municipality | None:
    """The municipality with this SCB code, unless it has ended."""
    document = await tables.document(connection, "municipality", code)
    return Municipality.model_validate_json(document) if document else None


async def offered(connection: Connection, slug: str, offering: str) -> tuple[Municipality, Offering]:
    """An offering that families of a municipality book themselves. Raises NotOfferedThere, or NotOffered where there is
    no such municipality.
    """
    place = await municipality(connection, slug)
    document = await tables.document(connection, "offering", offering)
    found = Offering.stored(document) if document else None
    if found is None or not rules.is_bookable(found) or not await tables.is_offered(connection, offering, place.id):
        raise NotOfferedThere(place.slug)
    return place, found


async def first_times(
    connection: Connection, place: Municipality, offering: Offering, now: datetime
) -> dict[Modality, Free | None]:
    """The first free start of each way to meet that an offering has, or None where there is none.

    For a visit the first one that the municipality's families would travel to; one elsewhere only where there is none.
    """
    found: dict[Modality, Free | None] = {}
    for modality in offering.modalities:
        wanted = Search(now=now, offering=offering.id, municipality=place.id, modality=modality, limit=1, near=True)
        free = await tables.free_starts(connection, wanted)
        if not free and modality == "visit":
            free = await tables.free_starts(connection, replace(wanted, near=False))
        found[modality] = free[0] if free else None
    return found


async def described(connection: Connection, slot: SlotId, municipality: str) -> Free | None:
    """A start as it is listed, free or not; None where the advisor is not open then, or no longer reached."""
    facts = await tables.slot_facts(
        connection, offering=slot.offering, municipality=municipality, advisor=slot.advisor, start=slot.start
    )
    if facts.offering is None or facts.block is None or facts.unit is None:
        return None
    return Free(
        slot.offering,
        slot.advisor,
        facts.advisor_name or slot.advisor,
        slot.start,
        rules.times(facts.offering, slot.start).end,
        tuple(m for m in facts.modalities if m in facts.ways),
        facts.place,
        facts.block.zone,
    )


async def refresh_reach(connection: Connection) -> None:
    """Work out anew who may be booked by whom. The caller holds the register's lock."""
    await tables.replace_reach(connection, rules.reaches(*await tables.entities(connection)))


async def refresh_open_hours(connection: Connection, advisor: str, now: datetime) -> None:
    """Work out an advisor's open and free time anew, from yesterday (it may still be today somewhere) onwards."""
    first = now.date() - timedelta(days=1)
    last = first + timedelta(days=tables.CALENDAR_DAYS)
    hours = open_hours(await tables.schedules(connection, advisor), first, last)
    await tables.replace_open_hours(connection, advisor, first, last, hours)


def open_hours(schedules: Iterable[Schedule], first: date, last: date) -> list[Block]:
    """The open time of one advisor on local days, with Swedish holidays."""
    return rules.open_hours(schedules, first, last, closed)
