"""The use cases of an advisor's days. The caller opens a transaction that sees the person's units, and commits it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from booking import events
from booking.agenda import rules, tables
from booking.agenda.rules import Action, NotYours, Outcome, Span
from booking.bookings import service as bookings
from booking.bookings import tables as booking_tables
from booking.bookings.rules import Reason
from booking.bookings.service import View
from booking.bookings.tables import Change
from booking.families import service as families
from booking.families import tables as family_tables
from booking.families.contacts import Contact
from booking.families.service import Known
from booking.history import service as histories
from booking.history.service import Story
from booking.messages import service as sending
from booking.messages import tables as messages
from booking.reviews import service as reviews
from booking.reviews.rules import Why
from booking.slots import tables as slot_tables
from booking.slots.api import LOCAL
from booking.slots.reads import Schedule, ScheduleException
from booking.slots.rules import closing, opening
from booking.slots.service import SlotId
from kit import outbox
from kit.access import Person
from kit.database import Connection
from kit.events import EventType
from kit.language import Language
from kit.refusal import Refusal
from kit.vault.store import Vault

ACTIONS: tuple[Action, ...] = ("fulfilled", "no_show", "reopen", "move", "cancel")
_FACTS: dict[Action, tuple[EventType, type[events.Booked], booking_tables.What]] = {
    "fulfilled": (events.FULFILLED, events.Fulfilled, "fulfilled"),
    "no_show": (events.NO_SHOW, events.NoShow, "no_show"),
    "reopen": (events.REOPENED, events.Reopened, "reopened"),
}


class NoCalendar(Refusal):
    """For whoever is an advisor by role, but whose own working days the register does not say."""

    code = "no-calendar"
    sv = ("Du har ingen egen kalender", "Be din samordnare koppla dig till dina arbetstider i katalogen.")
    en = ("You have no calendar of your own", "Ask your coordinator to connect you with your working hours.")


@dataclass(frozen=True)
class Item:
    """Something in an advisor's day; instants in UTC.

    `view` is None for a hold, and for time that is taken by somebody whom this person may not know. `unreadable` is
    one whose family is kept, but cannot be read.
    """

    id: UUID
    start: datetime
    end: datetime
    held: bool = False
    view: View | None = None
    contact: Contact | None = None
    unreadable: bool = False
    unit: str | None = None
    family: UUID | None = None
    changed_at: datetime | None = None
    # Whether a message about it has reached nobody.
    unreached: bool = False


@dataclass(frozen=True)
class Open:
    """Working time; instants in UTC. `place` is the name of the centre where visits are met."""

    start: datetime
    end: datetime
    modalities: tuple[str, ...]
    place: str | None


@dataclass(frozen=True)
class Day:
    """A local day of an advisor, in `zone`."""

    day: date
    zone: ZoneInfo
    items: Sequence[Item]
    hours: Sequence[Open]
    exceptions: Sequence[ScheduleException]


@dataclass(frozen=True)
class Opened:
    """A booking as its advisor sees it. `can` is what may be done with it now; `names` are those of staff in its story.

    Without a `contact` the family is erased, or kept and `unreadable`; one that is `unproved` was written on the web by
    somebody who has not shown that it is theirs. Not every booking is told to the family's address (`by_email`).
    """

    view: View
    unit: str
    family: UUID
    contact: Contact | None
    unreadable: bool
    child_age: int | None
    story: Story
    names: Mapping[str, str]
    can: frozenset[Action]
    by_email: bool
    unproved: bool = False
    proved: Sequence[str] = ()
    unreached: bool = False

    @property
    def gets_messages(self) -> bool:
        """Whether there is a way to send the family anything of it."""
        return self.contact is not None and self.contact.told(by_email=self.by_email).gets_messages


def own(person: Person) -> str:
    """The advisor that a person is. Raises NoCalendar."""
    if person.advisor is None:
        raise NoCalendar
    return person.advisor


async def days(connection: Connection, person: Person, first: date, last: date, language: Language) -> list[Day]:
    """The person's own days from `first` to `last`, both included, without a word of who the families are."""
    advisor = own(person)
    schedules = await slot_tables.schedules(connection, advisor)
    zone = ZoneInfo(schedules[0].zone) if schedules else LOCAL
    seen = await tables.seen(connection, advisor, _span(first, last, zone))
    busy = await tables.busy(connection, advisor, first, last)
    known = {row["id"] for row in seen}
    unreached = await messages.not_reached(connection, [row["id"] for row in seen])
    items = [replace(_item(row, language), unreached=row["id"] in unreached) for row in seen]
    items += [Item(b.id, b.start, b.end, held=b.kind == "hold") for b in busy if b.id not in known]
    hours = await tables.open_hours(connection, advisor, first, last)
    return [_day(day, zone, items, hours, schedules) for day in _each(first, last)]


async def read_families(connection: Connection, person: Person, day: Day, why: Why = "day") -> Sequence[asyncpg.Record]:
    """What is kept, sealed, of the family of each booking that is not cancelled: a read of each, by the way `why`."""
    shown = [item for item in day.items if item.family and item.view and item.view.status != "cancelled"]
    for item in shown:
        assert item.unit is not None, "a booking that is seen has a unit"
        await reviews.record(
            connection,
            person,
            unit=item.unit,
            family=item.family,
            booking=item.view.id if item.view else None,
            what="list",
            why=why,
        )
    return await family_tables.all_sealed(connection, [item.family for item in shown if item.family])


async def show_families(vault: Vault, day: Day, sealed: Sequence[asyncpg.Record]) -> Day:
    """The day with the contacts that `read_families` gave. Raises KeysUnavailable."""
    contacts = await families.unsealed(vault, sealed)
    return replace(day, items=[_with_contact(item, contacts) for item in day.items])


def _with_contact(item: Item, contacts: Mapping[UUID, Contact | None]) -> Item:
    if item.family is None or item.family not in contacts or (item.view and item.view.status == "cancelled"):
        return item
    return replace(item, contact=contacts[item.family], unreadable=contacts[item.family] is None)


async def find(
    connection: Connection,
    person: Person,
    booking: UUID,
    language: Language,
    *,
    to: Action | None = None,
    now: datetime,
) -> View:
    """A booking of the person's own, without who the family is.

    Raises NotYours; where it is looked for `to` do something, what `rules.after` raises where that cannot be done.
    """
    row = await own_row(connection, person, booking)
    if to:
        rules.after(to, **_facts(row, now))
    return bookings.view_of(row, language)


async def sealed(connection: Connection, person: Person, booking: UUID) -> tuple[Sequence[asyncpg.Record], bool]:
    """What is kept, sealed, of the family of a booking of the person's own, and whether that is told to its address.

    Raises NotYours.
    """
    row = await own_row(connection, person, booking)
    return await family_tables.all_sealed(connection, [row["family"]]), row["by_email"]


async def ways(connection: Connection, person: Person, booking: UUID) -> asyncpg.Record:
    """See `family_tables.ways`, of the family of a booking of the person's own. Raises NotYours."""
    row = await own_row(connection, person, booking)
    found = await family_tables.ways(connection, row["family"])
    assert found is not None, "whoever sees a booking sees its family"
    return found


async def open_booking(
    connection: Connection, person: Person, booking: UUID, *, now: datetime, language: Language
) -> tuple[Opened, Sequence[asyncpg.Record]]:
    """A booking of the person's own with all that is known of it, and its contact sealed; a read of its family.

    Raises NotYours.
    """
    row = await own_row(connection, person, booking)
    story = await histories.story(connection, booking, row["created_at"])
    opened = Opened(
        view=bookings.view_of(row, language),
        unit=row["unit"],
        family=row["family"],
        contact=None,
        unreadable=False,
        child_age=row["child_age"],
        story=story,
        names=await tables.names(connection, "staff", [change.staff for change in story.changes if change.staff]),
        can=frozenset(action for action in ACTIONS if rules.can(action, **_facts(row, now))),
        by_email=row["by_email"],
        unreached=bool(await messages.not_reached(connection, [booking])),
    )
    await reviews.record(
        connection,
        person,
        unit=row["unit"],
        family=row["family"],
        booking=booking,
        what="booking",
        why="day > booking",
    )
    return opened, await family_tables.all_sealed(connection, [row["family"]])


async def decide(
    connection: Connection, person: Person, booking: UUID, outcome: Outcome | None, *, now: datetime
) -> None:
    """Note that the family was met or did not come; with None take back what was noted. Again changes nothing.

    Raises NotYours, NotPossible, NotBegun or DayOver.
    """
    row = await own_row(connection, person, booking, lock=True)
    action: Action = outcome or "reopen"
    if row["status"] == (outcome or "confirmed"):
        return
    status = rules.after(action, **_facts(row, now))
    sequence = row["sequence"] + 1
    await booking_tables.decide(connection, booking, status, sequence, now)
    event, data, what = _FACTS[action]
    told = data(**bookings.booked_of(row, sequence).model_dump())
    await outbox.write(connection, outbox.row(event, entity_id=str(booking), data=told, now=now))
    await booking_tables.write_change(connection, booking, Change(what, now, person.id, row["start_at"]))


async def move(
    connection: Connection,
    person: Person,
    booking: UUID,
    slot: SlotId,
    *,
    modality: str | None,
    known: Known | None,
    now: datetime,
) -> None:
    """Move a booking to another free time of its offering, be it another advisor's.

    Raises NotYours, NotPossible, Begun, or what `booking.bookings.service.move` raises.
    """
    row = await own_row(connection, person, booking, lock=True)
    rules.after("move", **_facts(row, now))
    await bookings.move(connection, row, slot, modality=modality, known=known, now=now, staff=person.id)


async def cancel(connection: Connection, person: Person, booking: UUID, reason: Reason, *, now: datetime) -> None:
    """Cancel a booking for a reason; the family is told. Again changes nothing. Raises NotYours, NotPossible."""
    row = await own_row(connection, person, booking, lock=True)
    if row["status"] == "cancelled":
        return
    rules.after("cancel", **_facts(row, now))
    await bookings.give_up(connection, row, now=now, staff=person.id, reason=reason)


async def send_again(connection: Connection, person: Person, booking: UUID, *, now: datetime) -> int:
    """Send the messages of a booking of the person's own that reached nobody again; how many. Raises UnknownBooking."""
    await own_row(connection, person, booking)
    return await sending.send_again(connection, booking, now)


async def own_row(connection: Connection, person: Person, booking: UUID, *, lock: bool = False) -> asyncpg.Record:
    """The stored booking, with names, of a person's own. Raises NotYours."""
    row = await tables.by_id(connection, booking, lock=lock)
    if row is None or row["advisor"] != own(person):
        raise NotYours
    return row


def _facts(row: asyncpg.Record, now: datetime) -> dict[str, Any]:
    zone = ZoneInfo(row["zone"])
    return {"status": row["status"], "start": row["start_at"], "changed": row["changed_at"], "zone": zone, "now": now}


def _item(row: asyncpg.Record, language: Language) -> Item:
    view = bookings.view_of(row, language)
    return Item(
        id=row["id"],
        start=row["start_at"],
        end=row["end_at"],
        view=view,
        unit=row["unit"],
        family=row["family"],
        changed_at=row["changed_at"],
    )


def _day(
    day: date,
    zone: ZoneInfo,
    items: Iterable[Item],
    hours: Iterable[asyncpg.Record],
    schedules: Iterable[Schedule],
) -> Day:
    within = _span(day, day, zone)
    return Day(
        day,
        zone,
        sorted((i for i in items if within.hits(i.start, i.end)), key=lambda item: item.start),
        [
            Open(row["start"], row["end"], tuple(row["modalities"]), row["place_name"])
            for row in hours
            if row["day"] == day
        ],
        list(dict.fromkeys(e for s in schedules for e in s.exceptions if e.first <= day <= e.last)),
    )


def _each(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _span(first: date, last: date, zone: ZoneInfo) -> Span:
    return Span(opening(first, datetime.min.time(), zone), closing(last, datetime.max.time(), zone))


def today(now: datetime, zone: ZoneInfo = LOCAL) -> date:
    """The local day of an instant."""
    return now.astimezone(zone).date()
