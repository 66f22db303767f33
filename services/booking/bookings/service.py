"""The use cases of a booking, one function each. The caller opens and commits the transaction; `book` is one statement
and needs none.
"""

import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import asyncpg

from booking import events
from booking.bookings import answers, holds, rules, starts, tables
from booking.bookings.holds import Hold
from booking.bookings.links import Links, token_hash
from booking.bookings.rules import (
    HoldGone,
    KeyReused,
    Reason,
    Start,
    TwinUnderWay,
    UnknownBooking,
)
from booking.bookings.tables import Change, NewBooking
from booking.families import contacts
from booking.families import service as families
from booking.families import tables as family_tables
from booking.families.contacts import Contact
from booking.families.rules import FamilyErased, PhoneNeeded, PhoneNotNeeded, Protection, is_protected
from booking.families.service import Known
from booking.sharing import service as sharing
from booking.sharing.rules import Charge
from booking.slots import rules as slot_rules
from booking.slots.reads import Offering
from booking.slots.rules import Moving, NotOffered, Place
from booking.slots.service import SlotId
from kit import database, metrics, outbox, telemetry
from kit.database import Connection
from kit.language import Language, instant, when_text
from kit.refusal import Invalid, NotFound, Refusal
from kit.vault.store import DataKey, KeysUnavailable, Vault

_REFUSALS: tuple[type[Refusal], ...] = (
    Invalid,
    NotOffered,
    rules.SlotTaken,
    rules.NotYetOpen,
    rules.TooSoon,
    rules.TooFarAhead,
    rules.HoldGone,
    rules.TooManyBookings,
    rules.CallToBook,
    rules.ProofNeeded,
    rules.TwinUnderWay,
    PhoneNeeded,
    KeysUnavailable,
)
_outcomes = metrics.counter(
    "booking",
    "samtid.bookings",
    description="requests to book, by outcome",
    series=[{"outcome": "confirmed"}, *({"outcome": refusal.code} for refusal in _REFUSALS)],
)
# Other requests with the same key.
_IN_THE_WAY: dict[tables.Outcome, type[Refusal]] = {"twin under way": TwinUnderWay, "key used": KeyReused}
REFERENCE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE_LENGTH = 8
KEYS_KEPT = timedelta(hours=24)


@dataclass(frozen=True)
class Wanted:
    """A request to book: `hold`, or `slot` with `municipality` and `modality`. `child_age` is in whole years."""

    hold: UUID | None
    slot: SlotId | None
    municipality: str | None
    modality: str | None
    contact: Contact
    child_age: int | None
    expecting: bool

    def canonical(self) -> bytes:
        """The same bytes for the same request."""
        return json.dumps(
            [
                str(self.hold or ""),
                str(self.slot or ""),
                self.municipality,
                self.modality,
                vars(self.contact),
                self.child_age,
                self.expecting,
            ]
        ).encode()


@dataclass(frozen=True)
class Proved:
    """A new family that has shown by a `channel` that its contact, as it was sealed then, is its own."""

    sealed: contacts.Sealed
    channel: Literal["email", "sms"]


@dataclass(frozen=True)
class View:
    """A booking as its family sees it; instants are UTC."""

    id: UUID
    reference: str
    status: str
    sequence: int
    offering: str
    offering_name: str
    municipality: str
    municipality_name: str
    help_phone: str | None
    advisor: str
    advisor_name: str
    modality: str
    place: Place | None
    start: datetime
    end: datetime
    zone: str
    # Where another time can be booked, without the language.
    book_path: str
    # Whether the advisor works here no more.
    advisor_left: bool

    @property
    def moving(self) -> Moving:
        """What a search needs to know to find another time for it."""
        return Moving(self.id, self.advisor, self.start, self.modality)

    def text(self, language: Language) -> str:
        """Weekday, date and local times."""
        return when_text(self.start, self.end, ZoneInfo(self.zone), language)

    def text_and_place(self, language: Language) -> str:
        """The same, and of a visit where."""
        return f"{self.text(language)}, {self.place.name}" if self.place else self.text(language)


async def book(
    connection: Connection,
    links: Links,
    vault: Vault,
    wanted: Wanted,
    *,
    spare: list[DataKey],
    key: str | None,
    admitted: bool = True,
    most: int | None = None,
    few: int | None = None,
    proved: Proved | None = None,
    now: datetime,
    language: Language,
) -> dict[str, Any]:
    """Book, once per `key`; the answer for the client. A refusal writes nothing.

    Who is not `admitted` has asked for too much: it gets no more than the answer to an earlier request. Of one offering
    a contact makes at `most` so many bookings to come; what staff book does not count, nor is it bound. From how `few`
    bookings in a day on contacts are to be `proved`, under_pressure() in the database says.

    The new family's key is taken from `spare` (`Vault.reserve`), and put back into it where it is not used after all.
    Raises KeyReused, TwinUnderWay, HoldGone, SlotTaken (with alternatives), TooManyBookings, CallToBook,
    ProofNeeded, PhoneNeeded, KeysUnavailable, or what the rules raise.
    """
    whose = _Whose(None, "none", admitted=admitted, most=most, few=few, proved=proved, keys=spare)
    answer, booking = await _book_once(connection, links, vault, wanted, whose, key, now, language)
    return {
        **answer,
        "messages": wanted.contact.gets_messages,
        "manage_token": links.token(booking),
        "manage_url": links.url(booking, wanted.contact.language),
    }


async def book_by_staff(
    connection: Connection,
    links: Links,
    vault: Vault,
    wanted: Wanted,
    *,
    staff: str,
    family: UUID | None = None,
    known: Known | None = None,
    protection: Protection = "none",
    access: Collection[str] = (),
    by_email: bool = True,
    spare: list[DataKey] | None = None,
    key: str | None,
    now: datetime,
    language: Language,
) -> dict[str, Any]:
    """Book for a new family, or for one that is known (`family`), in a transaction of `staff` that the caller commits.

    A new family may be of protected identity: then nobody ever sees it, its bookings included, but whoever books and
    the staff in `access` (their ids). There is no manage link for it: `manage_token` and `manage_url` are None.
    A known family that gave no number and is to be called keeps the one that `known` gives from now on. Without
    `by_email` nothing of the booking is told to its address.
    `spare` is needed for a new one only.
    Raises NotFound for a family that the transaction does not see, FamilyErased, or what `book` raises.
    """
    whose = _Whose(None, "none", staff, keys=spare or [])
    if family:
        row = await family_tables.sealed(connection, family)
        if row is None:
            raise NotFound
        whose = _Whose(family, row["protection"], staff, known=known, by_email=by_email)
    elif is_protected(protection):
        whose = _Whose(None, protection, staff, tuple({staff, *access}), keys=spare or [])
    answer, booking = await _book_once(connection, links, vault, wanted, whose, key, now, language)
    if family and await family_tables.is_erased(connection, family):
        # Asked once the booking stands: from then on the family's row cannot be marked before it is seen.
        raise FamilyErased
    shown = not is_protected(whose.protection)
    return {
        **answer,
        "manage_token": links.token(booking) if shown else None,
        "manage_url": links.url(booking, wanted.contact.language) if shown else None,
    }


@dataclass(frozen=True)
class _Whose:
    """The family that is booked for, a known one by its id or a new one, which gets one of `keys`; who books, whether
    they are `admitted` and how many bookings to come they make at `most`, and who may see the family; whether it is
    told to the family's address.
    """

    family: UUID | None
    protection: Protection
    staff: str | None = None
    access: tuple[str, ...] = ()
    admitted: bool = True
    most: int | None = None
    few: int | None = None
    proved: Proved | None = None
    keys: list[DataKey] = field(default_factory=list)
    known: Known | None = None
    by_email: bool = True

    def take_key(self) -> DataKey:
        """A key that was had before a connection was taken. Raises KeysUnavailable where there was none."""
        if not self.keys:
            raise KeysUnavailable
        return self.keys.pop()


async def _book_once(
    connection: Connection,
    links: Links,
    vault: Vault,
    wanted: Wanted,
    whose: _Whose,
    key: str | None,
    now: datetime,
    language: Language,
) -> tuple[dict[str, Any], UUID]:
    with telemetry.span("booking", "book") as span:
        # Families choose theirs freely: none of them is one of staff's.
        purpose = "idempotency key of staff" if whose.staff else "idempotency key"
        key_hash = links.keyed_hash(purpose, key.encode()) if key else None
        request = links.keyed_hash("request", wanted.canonical())
        try:
            answer, booking = await _book(connection, links, vault, wanted, whose, key_hash, request, now, language)
        except Refusal as refusal:
            if key_hash and (earlier := await _earlier(connection, key_hash)):
                if earlier["request"] != request:
                    raise KeyReused from refusal
                answer, booking = json.loads(earlier["answer"]), earlier["booking"]
            else:
                _outcomes.add(1, {"outcome": refusal.code})
                raise
        else:
            _outcomes.add(1, {"outcome": "confirmed"})
        span.set_attribute("samtid.booking_id", str(booking))
        span.set_attribute("samtid.booking_reference", answer["reference"])
    return answer, booking


async def _book(
    connection: Connection,
    links: Links,
    vault: Vault,
    wanted: Wanted,
    whose: _Whose,
    key: bytes | None,
    request: bytes,
    now: datetime,
    language: Language,
) -> tuple[dict[str, Any], UUID]:
    held = await holds.find(connection, wanted.hold, now) if wanted.hold else None
    slot = held.slot if held else wanted.slot
    municipality = held.municipality if held else wanted.municipality
    modality = held.modality if held else wanted.modality
    if slot is None or municipality is None or modality is None:
        raise rules.invalid("slot", "Välj en tid.", "Choose a time.")
    if not whose.admitted:
        raise rules.TooManyBookings(await starts.help_phone(connection, municipality))
    # A slot that could be held can be booked from that hold, though its lead time has begun meanwhile.
    by_staff = whose.staff is not None
    asked_at = held.held_at if held else now
    start = await starts.allowed(connection, slot, municipality, modality, asked_at, by_staff=by_staff)
    rules.allow_child(start.offering, age=wanted.child_age, expecting=wanted.expecting)
    number = await _number(connection, whose, wanted) if modality == "phone" else None
    booking = held.id if held else uuid4()
    reference = "".join(secrets.choice(REFERENCE_LETTERS) for _ in range(REFERENCE_LENGTH))
    answer = _answer(start, reference, language)
    sealed = whose.proved.sealed if whose.proved else None
    if whose.family is None and sealed is None:
        sealed = await contacts.seal(vault, whose.take_key(), wanted.contact, now)
    family = sealed.key.id if sealed else whose.family
    assert family is not None, "known or new"
    protected = is_protected(whose.protection)
    new = NewBooking(
        id=booking,
        family=family,
        sealed=sealed,
        most=whose.most,
        few=None if whose.proved else whose.few,
        proved=whose.proved.channel if whose.proved else None,
        language=wanted.contact.language,
        protection=whose.protection,
        by_staff=by_staff,
        reference=reference,
        # Of a protected family's booking nobody has the link, and nobody can make it.
        token_hash=secrets.token_bytes(32) if protected else token_hash(links.token(booking)),
        child_age=wanted.child_age,
        key=key,
        lock=int.from_bytes((key or booking.bytes)[:8], "big", signed=True),
        request=request,
        answer=json.dumps(answer),
        event=_fact(events.CONFIRMED, events.Confirmed, booking, 0, start, now, first=whose.family is None),
    )
    outcome = (
        await tables.confirm_hold(connection, start.offering.id, new, now)
        if held
        else await tables.insert_booking(connection, start, new, now)
    )
    if outcome == "not charged" and start.charge:
        outcome = await _book_charged(connection, start, start.charge, new, now)
    if outcome != "made" and sealed and not whose.proved:
        whose.keys.append(sealed.key)
    if outcome != "made":
        raise await _refused(connection, outcome, start, held, now, by_staff=by_staff)
    if whose.staff:
        await _keep(connection, whose, family, booking, start, number)
        await tables.write_change(connection, booking, Change("confirmed", now, whose.staff, start.times.start))
    return answer, booking


async def _refused(
    connection: Connection, outcome: tables.Outcome, start: Start, held: Hold | None, now: datetime, *, by_staff: bool
) -> Refusal:
    if outcome in _IN_THE_WAY:
        return _IN_THE_WAY[outcome]()
    municipality = start.municipality
    if outcome == "too many ahead":
        return rules.CallToBook(await starts.help_phone(connection, municipality))
    if outcome == "not proved":
        return rules.ProofNeeded(await starts.help_phone(connection, municipality), municipality)
    if outcome == "not charged":
        return await starts.not_yet_open(connection, start, now, by_staff=by_staff)
    if held:
        return HoldGone()
    slot = SlotId(start.offering.id, start.advisor, start.times.start)
    return await starts.taken(connection, slot, municipality, start.modality, now, by_staff=by_staff)


async def _keep(
    connection: Connection, whose: _Whose, family: UUID, booking: UUID, start: Start, number: contacts.Sealed | None
) -> None:
    """Who may see a family that staff booked for, how it is told, and the number that it gave when it lacked."""
    if not whose.by_email:
        await tables.keep_from_address(connection, booking)
    if whose.access:
        await family_tables.grant(connection, family, start.unit, whose.access)
    if number:
        await family_tables.change_contact(connection, family, number)


async def _number(connection: Connection, whose: _Whose, wanted: Wanted) -> contacts.Sealed | None:
    """The contact that a known family has from now on, where it gives its number first when it is to be called."""
    if not wanted.contact.phone:
        raise PhoneNeeded("contact.phone")
    if whose.family is None:
        return None
    return await families.number_to_call(connection, whose.family, whose.known)


async def _book_charged(
    connection: Connection, start: Start, charge: Charge, new: NewBooking, now: datetime
) -> tables.Outcome:
    """Book what the municipality's share alone does not cover: others lend, or it is refused."""
    transaction = connection.transaction()
    await transaction.start()
    outcome: tables.Outcome = "not charged"
    try:
        # Before what is charged is locked, as where it is one statement.
        if not await tables.may_book(connection, new, start.offering.id, now):
            outcome = "too many ahead"
        elif await sharing.charge(connection, charge, new.id, now):
            outcome = await tables.insert_booking(connection, start, new, now, charging=False)
    finally:
        await (transaction.commit() if outcome == "made" else transaction.rollback())
    return outcome


async def _earlier(connection: Connection, key: bytes) -> asyncpg.Record | None:
    """What was answered to the first request with this key, which opens its answer in a transaction of its own."""
    async with connection.transaction():
        await database.tell(connection, key=key.hex())
        return await tables.earlier_answer(connection, key)


async def look_up(connection: Connection, token: str, language: Language) -> View:
    """The booking of a manage token. Raises UnknownBooking."""
    return view_of(await _row(connection, token), language)


async def sealed(connection: Connection, token: str) -> tuple[Sequence[asyncpg.Record], bool]:
    """What is kept, sealed, of the family of a manage token's booking, and whether that is told to its address.

    Raises UnknownBooking.
    """
    row = await _row(connection, token)
    return await family_tables.all_sealed(connection, [row["family"]]), row["by_email"]


async def reschedule(
    connection: Connection,
    token: str,
    slot: SlotId,
    *,
    modality: str | None,
    known: Known | None = None,
    now: datetime,
    language: Language,
) -> View:
    """Move a booking: the old time is given up only if the new one is taken. Moving to where it is changes nothing.

    Raises UnknownBooking, NotChangeable, or what `move` raises.
    """
    with telemetry.span("booking", "reschedule") as span:
        await tables.lock_booking(connection, token_hash(token))
        row = await _row(connection, token)
        span.set_attribute("samtid.booking_id", str(row["id"]))
        span.set_attribute("samtid.booking_reference", row["reference"])
        rules.allow_change(row["status"], row["start_at"], now)
        await move(connection, row, slot, modality=modality, known=known, now=now)
        return view_of(await _row(connection, token), language)


async def move(
    connection: Connection,
    row: asyncpg.Record,
    slot: SlotId,
    *,
    modality: str | None,
    known: Known | None = None,
    now: datetime,
    staff: str | None = None,
) -> None:
    """Move a booking whose row is locked, for its family or, with the id of a member of `staff`, for that one.

    `known` gives the number to call where it becomes a telephone talk of a family that gave none.
    Raises SlotTaken (with alternatives), PhoneNeeded, PhoneNotNeeded, ContactChanged, or what the rules raise.
    """
    modality = modality or row["modality"]
    if (slot.start, slot.advisor, modality) == (row["start_at"], row["advisor"], row["modality"]):
        if known and not await families.has_number(connection, row["family"], known):
            raise PhoneNotNeeded("phone")
        return
    if slot.offering != row["offering"]:
        raise NotOffered
    moving = Moving(row["id"], row["advisor"], row["start_at"], row["modality"])
    by_staff = staff is not None
    start = await starts.allowed(connection, slot, row["municipality"], modality, now, by_staff=by_staff, moving=moving)
    number = await families.number_to_call(connection, row["family"], known) if modality == "phone" else None
    if known and not number:
        raise PhoneNotNeeded("phone")
    sequence = row["sequence"] + 1
    await sharing.give_back(connection, [row["id"]], now, then=start.charge)
    if start.charge and not await sharing.charge(connection, start.charge, row["id"], now):
        raise await starts.not_yet_open(connection, start, now, by_staff=by_staff, moving=moving)
    if not await tables.move(connection, row, start, sequence, now):
        raise await starts.taken(connection, slot, row["municipality"], modality, now, by_staff=by_staff, moving=moving)
    fact = _fact(
        events.RESCHEDULED, events.Rescheduled, row["id"], sequence, start, now, previous_start=row["start_at"]
    )
    await outbox.write(connection, fact)
    changed_to = modality if modality != row["modality"] else None
    change = Change("rescheduled", now, staff, start.times.start, modality=changed_to)
    await tables.write_change(connection, row["id"], change)
    if number:
        await family_tables.change_contact(connection, row["family"], number)


async def cancel(connection: Connection, token: str, *, now: datetime, language: Language) -> View:
    """Cancel a booking and give its time back. A booking that is cancelled already stays so.

    Raises UnknownBooking, or NotChangeable once it has begun.
    """
    with telemetry.span("booking", "cancel") as span:
        await tables.lock_booking(connection, token_hash(token))
        row = await _row(connection, token)
        span.set_attribute("samtid.booking_id", str(row["id"]))
        span.set_attribute("samtid.booking_reference", row["reference"])
        if row["status"] != "cancelled":
            rules.allow_change(row["status"], row["start_at"], now)
            await give_up(connection, row, now=now)
        return view_of(await _row(connection, token), language)


async def give_up(
    connection: Connection,
    row: asyncpg.Record,
    *,
    now: datetime,
    staff: str | None = None,
    reason: Reason | None = None,
) -> None:
    """Cancel a booking whose row is locked, for its family or, for a reason, by a member of `staff`."""
    offering = Offering.stored(row["offering_data"]) if row["offering_data"] else None
    late = rules.is_late(offering, row["start_at"], now)
    sequence = row["sequence"] + 1
    await sharing.give_back(connection, [row["id"]], now)
    await tables.cancel(connection, row, sequence, now, late=late)
    data = events.Cancelled(
        **booked_of(row, sequence).model_dump(), late=late, by="staff" if staff else "family", reason=reason
    )
    await outbox.write(connection, outbox.row(events.CANCELLED, entity_id=str(row["id"]), data=data, now=now))
    await tables.write_change(connection, row["id"], Change("cancelled", now, staff, row["start_at"], reason))


def booked_of(row: asyncpg.Record, sequence: int) -> events.Booked:
    """What a fact tells of a booking that stays where it is."""
    return events.Booked(
        booking=row["id"],
        sequence=sequence,
        offering=row["offering"],
        municipality=row["municipality"],
        advisor=row["advisor"],
        modality=row["modality"],
        place=row["place"],
        start=row["start_at"],
        end=row["end_at"],
        zone=row["zone"],
    )


async def contact(
    row: asyncpg.Record | None, links: Links, vault: Vault, now: datetime
) -> answers.Contact | answers.ProtectedContact | answers.NoContact:
    """What notification needs to tell the family about a booking as it is now; asked at the moment of sending.

    `row` is of `tables.with_contact`, read before: no connection is held while the key store is asked. Raises
    KeysUnavailable.
    """
    if row is None or row["sealed"] is None or row["erased_at"]:
        return answers.NoContact(found=False)
    key = await vault.key(row["family"])
    if key is None:
        return answers.NoContact(found=False)
    who = contacts.unseal(key, row["family"], row["sealed"], row["language"]).told(by_email=row["by_email"])
    if is_protected(row["protection"]):
        return answers.ProtectedContact(
            found=True,
            protected=True,
            status=row["status"],
            sequence=row["sequence"],
            over=row["end_at"] <= now,
            email=who.email,
            phone=who.phone,
            language=who.language,
            help_phone=row["help_phone"],
        )
    view = view_of(row, who.language)
    return answers.Contact(
        found=True,
        status=view.status,
        sequence=view.sequence,
        reference=view.reference,
        name=who.name,
        email=who.email,
        phone=who.phone,
        language=who.language,
        manage_url=links.url(row["id"], who.language),
        start=view.start,
        end=view.end,
        zone=view.zone,
        offering=view.offering_name,
        advisor=view.advisor_name,
        modality=view.modality,
        place=f"{view.place.name}, {view.place.address}" if view.place else None,
        municipality=view.municipality_name,
        help_phone=view.help_phone,
        book_url=links.page(view.book_path, who.language),
    )


async def forget_keys(connection: Connection, before: datetime) -> None:
    """Drop idempotency keys after `KEYS_KEPT`; a client that repeats a request later is taken to mean a new one."""
    await tables.forget_keys(connection, before)


async def _row(connection: Connection, token: str) -> asyncpg.Record:
    row = await tables.by_token(connection, token_hash(token))
    if row is None:
        raise UnknownBooking
    return row


def view_of(row: asyncpg.Record, language: Language) -> View:
    """A booking from a row of `tables.VIEW`."""
    offering = Offering.stored(row["offering_data"]) if row["offering_data"] else None
    place = Place(row["place"], row["place_name"], row["place_address"]) if row["place_name"] else None
    there = f"/boka/{row['slug']}" if row["slug"] else "/"
    offered = offering is not None and not row["offering_ended"] and slot_rules.is_bookable(offering)
    if row["slug"] and offering and offered and row["municipality"] in offering.municipalities:
        there += f"/{offering.id}"
    return View(
        id=row["id"],
        reference=row["reference"],
        status=row["status"],
        sequence=row["sequence"],
        offering=row["offering"],
        offering_name=offering.name.in_language(language) if offering else row["offering"],
        municipality=row["municipality"],
        municipality_name=row["municipality_name"] or row["municipality"],
        help_phone=row["help_phone"],
        advisor=row["advisor"],
        advisor_name=row["advisor_name"] or row["advisor"],
        modality=row["modality"],
        place=place,
        start=row["start_at"],
        end=row["end_at"],
        zone=row["zone"],
        book_path=there,
        advisor_left=row["advisor_ended"] is not False,
    )


def _answer(start: Start, reference: str, language: Language) -> dict[str, Any]:
    """The answer to a booking, without its token, which is never stored."""
    return {
        "reference": reference,
        "status": "confirmed",
        "start": instant(start.times.start),
        "end": instant(start.times.end),
        "text": when_text(start.times.start, start.times.end, ZoneInfo(start.zone), language),
        "advisor": {"id": start.advisor, "name": start.advisor_name},
        "modality": start.modality,
    }


def _fact(
    event: Any, data: type[events.Booked], booking: UUID, sequence: int, start: Start, now: datetime, **more: Any
) -> outbox.Row:
    return outbox.row(
        event,
        entity_id=str(booking),
        now=now,
        data=data(
            booking=booking,
            sequence=sequence,
            offering=start.offering.id,
            municipality=start.municipality,
            advisor=start.advisor,
            modality=start.modality,
            place=start.place.id if start.place else None,
            start=start.times.start,
            end=start.times.end,
            zone=start.zone,
            **more,
        ),
    )
