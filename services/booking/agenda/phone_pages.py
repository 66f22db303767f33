"""The pages where staff book for a family that calls: who it is, what and when, and what to say aloud.

The telephone number that is searched for, and what is typed, travel in forms and never in an address.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from typing import Annotated, Any, get_args
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response

from booking import secrecy
from booking.agenda import phone
from booking.agenda.pages import PAGES
from booking.agenda.phone import Protected
from booking.bookings import entry as bookings
from booking.bookings.api import BookingIn, parse_slot
from booking.bookings.pages import TYPED as CONTACT
from booking.bookings.pages import by_field, child_choices, read_typed, trouble_of
from booking.bookings.rules import SlotTaken, TooFarAhead, TooSoon
from booking.families import contacts
from booking.families import service as families
from booking.families import tables as family_tables
from booking.families.contacts import Contact
from booking.families.rules import Protection, mails_known, rule_of
from booking.families.service import Known
from booking.slots import pages as slot_pages
from booking.slots import service as slots
from booking.slots.pages import Asking, Offered, Running, Trouble
from booking.slots.rules import NotOffered
from kit import access, addresses, database
from kit.access import Person
from kit.app import Runtime
from kit.database import Connection
from kit.refusal import Invalid
from kit.vault.store import DataKey
from kit.web import pages

router = pages.staff_router()

Booking = Annotated[Person, Depends(access.signed_in("advisor", "coordinator"))]
Family = Annotated[UUID | None, Query()]
LEVELS: tuple[Protection, ...] = get_args(Protection)
MAY_SEE = "far-se-"
# Of a known family: whether what is booked is told to its address too.
MAIL = "mejla"


def seeing(running: Runtime, person: Person) -> secrecy.Seeing:
    """A transaction that sees the families of the units for which the person books."""
    return secrecy.of(running.engine, person.id, person.units(*phone.ROLES))


async def _offered(
    running: Running,
    person: Booking,
    slug: Annotated[str, Path(max_length=63)],
    offering: Annotated[str, Path(max_length=63)],
) -> Offered:
    async with database.driver(running.engine) as connection:
        found = Offered(*await slots.offered(connection, slug, offering))
        unit = await phone.unit_of(connection, found.offering, found.municipality.id)
    if unit not in person.units(*phone.ROLES):
        raise NotOffered
    return found


OfferedHere = Annotated[Offered, Depends(_offered)]


@router.get("/telefonbokning")
async def begin(request: Request, running: Running, person: Booking, familj: Family = None) -> Response:
    """Search for a family that has been here before, and choose what to book."""
    return await _begin(request, running, person, family=familj)


@router.post("/telefonbokning")
async def search(request: Request, running: Running, person: Booking) -> Response:
    """The families with the telephone number of the form."""
    typed = (await pages.form(request)).get("telefon", "").strip()
    try:
        number = addresses.number(typed)
    except ValueError:
        errors = {"telefon": PAGES.text(request, "phone_number_wrong")}
        return await _begin(request, running, person, typed=typed, errors=errors)
    found, unproved, proved = await _with_number(running, person, number)
    return await _begin(request, running, person, typed=typed, found=found, unproved=unproved, proved=proved)


async def _with_number(
    running: Runtime, person: Person, number: str
) -> tuple[dict[UUID, Contact], set[UUID], dict[UUID, list[str]]]:
    """The families that gave a number (E.164), which of them nobody proved, and of each what a code has proved."""
    now, vault = running.clock(), bookings.vault(running)
    async with vault.turn():
        looked_for = await contacts.of_phone(vault, number, now)
        async with seeing(running, person) as connection:
            sealed = await family_tables.with_phone(connection, looked_for)
        opened = await families.unsealed(vault, sealed)
        found = {family: contact for family, contact in opened.items() if contact and contact.phone == number}
        partial = [row["id"] for row in sealed if row["id"] in found and not row["whole"]]
        completed = {family: await contacts.fingerprints(vault, found[family], now) for family in partial}
    async with seeing(running, person) as connection:
        await phone.found(connection, person, found, completed)
    return found, phone.unproved(sealed), phone.proved(sealed)


@router.get("/telefonbokning/klar/{booking}")
async def done(request: Request, running: Running, person: Booking, booking: UUID) -> Response:
    """What was booked, and what to say aloud."""
    language = pages.language_of(request)
    async with seeing(running, person) as connection:
        found = await phone.done(connection, person, booking, language=language)
    return PAGES.render(
        request,
        "phone_done.html",
        private=True,
        view=found.view,
        when=found.view.text(language),
        protected=found.protected,
        spelled=" ".join(found.view.reference),
        own=found.view.advisor == person.advisor,
        gets_messages=await families.gets_messages(bookings.vault(running), found.sealed, by_email=found.by_email),
    )


@router.get("/telefonbokning/{slug}/{offering}")
async def times(
    request: Request,
    running: Running,
    offered: OfferedHere,
    familj: Family = None,
    satt: Annotated[str | None, Query(max_length=20)] = None,
    visa: slot_pages.Shown = slot_pages.FEW,
) -> Response:
    """Free times."""
    carried = {"familj": str(familj)} if familj else {}
    return await _times(request, running, offered, {**carried, "satt": satt or ""}, shown=visa)


@router.post("/telefonbokning/{slug}/{offering}")
async def choose(request: Request, running: Running, person: Booking, offered: OfferedHere) -> Response:
    """Ask who the family is, for the chosen time; with `visa` show the times instead."""
    sent = await pages.form(request)
    if "visa" in sent:
        return await _times(request, running, offered, sent, shown=slot_pages.number_shown(sent["visa"]))
    try:
        parse_slot(sent.get("tid", ""))
    except ValueError:
        missing = {"tid": PAGES.text(request, "time_missing")}
        return await _times(request, running, offered, sent, Trouble(422, errors=missing))
    return await _contact(request, running, person, offered, sent)


@router.get("/telefonbokning/{slug}/{offering}/boka")
async def to_times(request: Request, offered: OfferedHere) -> Response:
    """Where an address is opened that only a form leads to."""
    return pages.see_other(request, _path(offered))


@router.post("/telefonbokning/{slug}/{offering}/boka")
async def book(request: Request, running: Running, person: Booking, offered: OfferedHere) -> Response:
    """Book, and lead on to what to say. The same form sent twice leads to the same booking."""
    sent = await pages.form(request)
    language = pages.language_of(request)
    family, vault = _id(sent.get("familj")), bookings.vault(running)
    asked = {"slot": sent.get("tid", ""), "municipality": offered.municipality.id, "modality": sent.get("satt", "")}
    protected = Protected(_level(sent), [n.removeprefix(MAY_SEE) for n in sent if n.startswith(MAY_SEE)])

    async def attempt() -> UUID:
        known = await _known(running, person, family) if family else None
        typed = _typed(sent, known.contact if known else None)
        body, errors = read_typed(
            request, asked, typed, asked["modality"], offered.offering, known.contact if known else None
        )
        if body is None or errors:
            raise _Unfinished(errors)
        if known and body.contact.phone:
            known = await known.giving(vault, body.contact.phone, running.clock())
        async with (
            nullcontext() if family else vault.reserve(running.clock()) as spare,
            seeing(running, person) as connection,
        ):
            return await _book(connection, spare, known, body, typed)

    async def _book(
        connection: Connection,
        spare: list[DataKey] | None,
        known: Known | None,
        body: BookingIn,
        typed: Mapping[str, str],
    ) -> UUID:
        return await phone.book(
            connection,
            bookings.links(running),
            vault,
            person,
            body.wanted(),
            family=family,
            known=known,
            protected=protected if family is None else None,
            by_email=family is None or MAIL in sent,
            spare=spare,
            key=typed.get("engang") or "-".join(asked.values()),
            now=running.clock(),
            language=language,
        )

    try:
        slot = parse_slot(asked["slot"])
        booking = await bookings.after_expiry(running, slot, attempt)
    except ValueError:
        return pages.see_other(request, _path(offered))
    except _Unfinished as unfinished:
        return await _contact(request, running, person, offered, sent, unfinished.errors)
    except Invalid as refusal:
        if told := by_field(refusal.errors(language)):
            return await _contact(request, running, person, offered, sent, told)
        return await _times(request, running, offered, sent, trouble_of(request, refusal))
    except (SlotTaken, TooSoon, TooFarAhead) as refusal:
        return await _times(request, running, offered, sent, trouble_of(request, refusal))
    running.relay.wake()
    return pages.see_other(request, f"/telefonbokning/klar/{booking}")


async def _known(running: Runtime, person: Person, family: UUID) -> Known:
    return await bookings.known_family(
        running, lambda: seeing(running, person), lambda connection: phone.sealed(connection, family)
    )


class _Unfinished(Exception):  # noqa: N818 - leads back to the form, out of the transaction
    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__()
        self.errors = errors


def _typed(sent: Mapping[str, str], known: Contact | None) -> dict[str, str]:
    """What the form says of the family; of a known one, what is known, and the number that it had not given before."""
    typed = {name: text.strip() for name, text in sent.items()}
    if known is None:
        return typed
    told = {"namn": known.name, "epost": known.email or "", "sprak": known.language}
    return typed | told | ({"telefon": known.phone} if known.phone else {})


async def _begin(
    request: Request,
    running: Runtime,
    person: Person,
    *,
    family: UUID | None = None,
    typed: str = "",
    found: Mapping[UUID, Contact] | None = None,
    unproved: Collection[UUID] = (),
    proved: Mapping[UUID, Sequence[str]] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response:
    async with database.driver(running.engine) as connection:
        offered = await phone.offered(connection, person)
    return PAGES.render(
        request,
        "phone.html",
        422 if errors else 200,
        private=True,
        offered=offered,
        family=family,
        typed=typed,
        found=found,
        unproved=unproved,
        proved=proved or {},
        errors=errors or {},
    )


async def _times(
    request: Request,
    running: Runtime,
    offered: Offered,
    sent: Mapping[str, str],
    trouble: Trouble | None = None,
    *,
    shown: int = slot_pages.FEW,
) -> Response:
    modality = offered.known(sent.get("satt")) or offered.offering.modalities[0]
    language = pages.language_of(request)
    asking = Asking(
        action=pages.address(language, _path(offered)),
        back=pages.address(language, "/telefonbokning", familj=sent.get("familj") or None),
        caption=PAGES.text(
            request,
            "phone_what",
            what=offered.offering.name.in_language(language),
            how=PAGES.text(request, modality),
            where=offered.municipality.name,
        ),
        title=PAGES.text(request, "times_title"),
        button=PAGES.text(request, "times_go_on"),
        by_staff=True,
        none=PAGES.text(request, "staff_no_times"),
    )
    return await slot_pages.times_page(
        request,
        running,
        offered,
        modality,
        asking,
        shown=shown,
        carried=_carried(sent),
        trouble=trouble,
        private=True,
        look=PAGES,
    )


async def _contact(
    request: Request,
    running: Runtime,
    person: Person,
    offered: Offered,
    sent: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
) -> Response:
    slot, family = parse_slot(sent.get("tid", "")), _id(sent.get("familj"))
    modality = offered.known(sent.get("satt")) or offered.offering.modalities[0]
    vault = bookings.vault(running)
    async with vault.turn() if family else nullcontext():
        async with seeing(running, person) as connection:
            chosen = await slots.described(connection, slot, offered.municipality.id)
            unit = await phone.unit_of(connection, offered.offering, offered.municipality.id)
            staff = await phone.colleagues(connection, unit)
            sealed = await phone.contact(connection, person, family) if family else ()
        known = (await families.known(vault, sealed)).contact if family else None
    unproved = bool(phone.unproved(sealed))
    typed = _typed(sent, known)
    if chosen is None or slot.offering != offered.offering.id:
        return await _times(request, running, offered, sent, trouble_of(request, SlotTaken()))
    if "skydd" not in sent:
        # Whoever meets the family is among those who may see it, unless it is said otherwise.
        typed |= {MAY_SEE + each: "ja" for each, _, advisor in staff if advisor == slot.advisor}
    shown = {**dict.fromkeys([*CONTACT, "skydd"], ""), "sprak": "sv", "skydd": "none", **typed}
    return PAGES.render(
        request,
        "phone_contact.html",
        422 if errors else 200,
        private=True,
        action=pages.address(pages.language_of(request), f"{_path(offered)}/boka"),
        when=slot_pages.when(chosen, pages.language_of(request)),
        modality=modality,
        chosen=chosen,
        municipality=offered.municipality,
        kept_days=rule_of(offered.offering).days,
        known=known,
        unproved=unproved,
        proved=phone.proved(sealed).get(family, []) if family else [],
        mail=MAIL,
        mails=MAIL in sent
        or (known and errors is None and mails_known(unproved=unproved, called=known.phone is not None)),
        typed=shown,
        children=child_choices(request, offered.offering),
        levels=LEVELS,
        staff=[(name, MAY_SEE + each) for each, name, _ in staff if each != person.id],
        hidden_fields={
            "tid": str(slot),
            "satt": modality,
            "engang": sent.get("engang", ""),
            **({"familj": str(family)} if family else {}),
        },
        errors=errors or {},
    )


def _carried(sent: Mapping[str, str]) -> dict[str, Any]:
    """What was typed, which goes along while another time is chosen."""
    names = {*CONTACT, "skydd", "familj", MAIL}
    carried = {n: text for n, text in sent.items() if text and (n in names or n.startswith(MAY_SEE))}
    return {} if carried.keys() <= {"sprak", "skydd"} else carried


def _level(sent: Mapping[str, str]) -> Protection:
    return next((level for level in LEVELS if level == sent.get("skydd")), "none")


def _path(offered: Offered) -> str:
    return f"/telefonbokning/{offered.municipality.slug}/{offered.offering.id}"


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
