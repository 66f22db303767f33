"""The pages where a parent takes a time: hold, contact, a last look, booking.

What is typed travels in hidden fields from page to page, never in an address, a cookie or the database before the
booking. A browser has one hold at a time. Where a time is lost on the way, the free times are shown and what was typed
goes along.
"""

import asyncio
import hmac
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request, Response
from pydantic import ValidationError

from booking.bookings import entry
from booking.bookings.api import BookingIn, ChildIn, ContactIn, NumberIn, client_of, parse_slot
from booking.bookings.holds import Hold
from booking.bookings.rules import (
    CallToBook,
    CallUs,
    HoldGone,
    KeyReused,
    ProofNeeded,
    SlotTaken,
    TooFarAhead,
    TooSoon,
    TwinUnderWay,
    allow_child,
    allow_email,
)
from booking.bookings.texts import TEXTS
from booking.families.contacts import Contact
from booking.families.rules import PhoneNeeded, rule_of
from booking.proofs import entry as proofs
from booking.proofs import pressed
from booking.proofs.rules import CodeGone, TooManyCodes, WrongCode
from booking.slots import pages as slot_pages
from booking.slots import service as slots
from booking.slots.pages import Offered, OfferedHere, Running, Trouble
from booking.slots.reads import Modality, Offering
from booking.slots.service import SlotId
from kit import addresses, database
from kit.app import Runtime
from kit.language import Language, phone_text
from kit.problems import field_errors
from kit.refusal import Invalid, Refusal
from kit.web import pages
from kit.web.pages import Pages

router = pages.router()
PAGES = Pages(TEXTS, "booking.bookings", "booking.slots")
PAGES.templates.filters["phone"] = phone_text

# What the parent types, in the order of the page, and which fields of a booking request each stands for.
TYPED = {
    "namn": ("contact.name",),
    "telefon": ("contact.phone", "phone"),
    "epost": ("contact.email",),
    "barn": ("child.age", "child", "expecting"),
    "sprak": ("contact.language",),
}
EXPECTING = "vantar"
PROOF = "bevis"
# Which time this browser has reserved, so that a new choice gives the former one back however the parent came to it:
# the page of times was made before there was a hold, and the back button shows that one. Nothing else is known by it.
COOKIE = "samtid-reservation"
# A second click can come while the first one's booking is being made.
_TWIN_TRIES, _TWIN_SECONDS = 25, 0.2


class AlreadyBooked(Exception):  # noqa: N818 - not a fault: where a repeated request ends
    """A hold became a booking before. `token` is its manage token, for those who have shown that it is theirs."""

    def __init__(self, token: str | None) -> None:
        super().__init__()
        self.token = token


# What can end a parent's way to one time.
_ENDS = (AlreadyBooked, SlotTaken, TooSoon, TooFarAhead, CallUs, HoldGone, Invalid)


@dataclass(frozen=True)
class Wish:
    """What a form asks for: a time and a way to meet, and what was typed so far."""

    offered: Offered
    slot: SlotId | None
    modality: Modality | None
    typed: Mapping[str, str]
    # Of what was typed, where it was asked for.
    proof: UUID | None = None

    @property
    def query(self) -> dict[str, str]:
        """What an address needs for the same time to be chosen again; nothing personal."""
        return {"satt": self.modality or "", "tid": str(self.slot or "")}

    @property
    def carried(self) -> Mapping[str, str]:
        """What goes along while another time is chosen."""
        return {**self.typed, PROOF: str(self.proof)} if self.typed and self.proof else self.typed


def _wish(offered: Offered, sent: Mapping[str, str]) -> Wish:
    try:
        slot = parse_slot(sent.get("tid", ""))
    except ValueError:
        slot = None
    if slot and slot.offering != offered.offering.id:
        slot = None
    typed = {name: sent[name].strip() for name in TYPED if sent.get(name, "").strip()}
    if typed.keys() <= {"sprak"}:
        typed = {}  # The language is chosen beforehand: nothing was typed.
    return Wish(offered, slot, offered.known(sent.get("satt")), typed, _uuid(sent.get(PROOF)))


@router.post("/boka/{slug}/{offering}/tider")
async def choose(request: Request, running: Running, offered: OfferedHere) -> Response:
    """Hold the chosen time. With `visa` or `byt` show the times instead; `byt` names a hold that is given back."""
    sent = await pages.form(request)
    wish = _wish(offered, sent)
    if given_back := _uuid(sent.get("byt")):
        await entry.release(running, given_back)
    if wish.modality is None:
        return pages.see_other(request, offered.path)
    if given_back or "visa" in sent:
        return await _times(request, running, wish, shown=slot_pages.number_shown(sent.get("visa", "")))
    if wish.slot is None:
        missing = {"tid": PAGES.text(request, "time_missing")}
        return await _times(request, running, wish, Trouble(422, errors=missing))
    try:
        held = await _take_once(request, running, wish, sent.get("engang") or secrets.token_urlsafe(16))
    except _ENDS as end:
        return await _elsewhere(request, running, wish, end)
    if wish.typed:
        return await _check(request, running, wish, held, said=False)
    onward = pages.see_other(request, f"{offered.path}/reservation/{held.id}", **wish.query)
    return _remembered(running, onward, held)


def _remembered(running: Runtime, response: Response, held: Hold) -> Response:
    """An answer by which the browser remembers its hold, for as long as one can last."""
    response.set_cookie(
        COOKIE,
        str(held.id),
        max_age=60 * running.settings.hold_longest_minutes,
        secure=running.settings.public_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )
    return response


@router.get("/boka/{slug}/{offering}/reservation/{hold}")
async def contact(request: Request, running: Running, offered: OfferedHere, hold: UUID) -> Response:
    """Ask for the contact. To open an address reserves nothing: where the hold has run out, a button takes it anew."""
    wish = _wish(offered, request.query_params)
    try:
        held = await entry.find_hold(running, hold)
    except HoldGone:
        return await _gone(request, running, wish, hold)
    if wish.slot is not None and held.slot != wish.slot:
        return await _again(request, running, wish)
    return await _contact(request, running, wish, held)


async def _gone(request: Request, running: Runtime, wish: Wish, hold: UUID) -> Response:
    """What the address of a hold that is no more leads to: the one that was taken in its place, or a button for it."""
    again = _again_id(running, hold, wish)
    try:
        await _not_booked(running, (hold, again), ours=False)
        await entry.find_hold(running, again)
    except AlreadyBooked as end:
        return await _elsewhere(request, running, wish, end)
    except HoldGone:
        return await _again(request, running, wish)
    return pages.see_other(request, f"{wish.offered.path}/reservation/{again}", **wish.query)


async def _again(request: Request, running: Runtime, wish: Wish) -> Response:
    """The time that an address names, with the button that reserves it."""
    offered, language = wish.offered, pages.language_of(request)
    async with database.driver(running.engine) as connection:
        named = wish.slot and await slots.described(connection, wish.slot, offered.municipality.id)
    if not named or wish.modality is None:
        return pages.see_other(request, f"{offered.path}/tider", satt=wish.modality)
    return PAGES.render(
        request,
        "again.html",
        private=True,
        municipality=offered.municipality,
        accent=offered.municipality.accent,
        chosen=named,
        modality=wish.modality,
        when=slot_pages.when(named, language),
        times_url=pages.address(language, f"{offered.path}/tider"),
        hidden_fields={**wish.query, "engang": secrets.token_urlsafe(16)},
    )


@router.post("/boka/{slug}/{offering}/reservation/{hold}")
async def check(request: Request, running: Running, offered: OfferedHere, hold: UUID) -> Response:
    """Show what was chosen and typed for a last look, or the contact page with what needs correcting."""
    sent = await pages.form(request)
    wish = _wish(offered, sent)
    try:
        held = await _keep(request, running, wish, hold, sent.get("nyckel", ""))
    except _ENDS as end:
        return await _elsewhere(request, running, wish, end)
    return await _check(request, running, wish, held)


@router.post("/boka/{slug}/{offering}/reservation/{hold}/uppgifter")
async def change(request: Request, running: Running, offered: OfferedHere, hold: UUID) -> Response:
    """Show the contact page again, with what was typed."""
    sent = await pages.form(request)
    wish = _wish(offered, sent)
    try:
        held = await _keep(request, running, wish, hold, sent.get("nyckel", ""))
    except _ENDS as end:
        return await _elsewhere(request, running, wish, end)
    return await _contact(request, running, wish, held)


@router.post("/boka/{slug}/{offering}/reservation/{hold}/boka")
async def book(request: Request, running: Running, offered: OfferedHere, hold: UUID) -> Response:
    """Book. The same form sent twice leads to the same booking; a hold that has run out is taken anew if it can be."""
    sent = await pages.form(request)
    wish = _wish(offered, sent)
    try:
        try:
            return await _finish(request, running, wish, hold, sent)
        except (Invalid, TooManyCodes) as end:
            if not (told := _told(wish, end, pages.language_of(request))):
                raise
            held = await _keep(request, running, wish, hold, sent.get("nyckel", ""))
            return await _contact(request, running, wish, held, told)
    except _ENDS as end:
        return await _elsewhere(request, running, wish, end)


async def _finish(request: Request, running: Runtime, wish: Wish, hold: UUID, sent: Mapping[str, str]) -> Response:
    asked = _Asked(sent.get("nyckel", ""), wish.proof, "ny" in sent)
    body, errors = read_typed(request, {"hold": hold}, wish.typed, wish.modality, wish.offered.offering)
    if body is None or errors:
        return await _contact(request, running, wish, await _keep(request, running, wish, hold, asked.key), errors)
    if "kod" in sent and (wrong := await _wrong_code(request, running, wish, sent["kod"])):
        held = await _keep(request, running, wish, hold, asked.key)
        return await _proof(request, running, wish, held, errors={"kod": wrong})
    try:
        try:
            await _is_of(running, wish, hold)
            answer = await _book(request, running, body, asked)
        except (HoldGone, KeyReused):
            held = await _keep(request, running, wish, hold, asked.key)
            answer = await _book(request, running, body.model_copy(update={"hold": held.id}), asked)
    except ProofNeeded as needed:
        held = await _keep(request, running, wish, hold, asked.key)
        renewed = wish.proof not in (None, needed.proof)
        return await _proof(request, running, replace(wish, proof=needed.proof), held, renewed=renewed)
    return pages.see_other(request, f"/bokning/{answer['manage_token']}")


async def _is_of(running: Runtime, wish: Wish, hold: UUID) -> None:
    """Raise KeyReused where another page of this reader's has changed the hold to another time than this one shows."""
    with suppress(HoldGone):
        if wish.slot not in (None, (await entry.find_hold(running, hold)).slot):
            raise KeyReused


def _told(wish: Wish, end: Exception, language: Language) -> dict[str, str]:
    """What of the contact is to be corrected, or written otherwise: another one may be sent a code."""
    if isinstance(end, TooManyCodes):
        return {"epost" if wish.typed.get("epost") else "telefon": ". ".join(end.text(language))}
    return by_field(end.errors(language)) if isinstance(end, Invalid) else {}


@dataclass(frozen=True)
class _Asked:
    """With what a form asks to book: its key, a proof of the contact, and whether another code is to be sent."""

    key: str
    proof: UUID | None
    anew: bool


@router.get("/boka/{slug}/{offering}/reservation/{hold}/uppgifter")
@router.get("/boka/{slug}/{offering}/reservation/{hold}/boka")
async def to_contact(request: Request, offered: OfferedHere, hold: UUID) -> Response:
    """Where an address is opened that only a form leads to."""
    return pages.see_other(request, f"{offered.path}/reservation/{hold}", **request.query_params)


async def _take_once(request: Request, running: Runtime, wish: Wish, nonce: str) -> Hold:
    """One hold for a page of times, by its `nonce`, however often its form is sent. The browser's former one goes."""
    hold_id = _id(running, "page", nonce)
    # The nonce was given to this reader alone, so that the booking may be shown to whoever sends it.
    if token := await entry.booked(running, hold_id):
        raise AlreadyBooked(token)
    # Before the new one is taken, which may overlap it.
    if (former := _uuid(request.cookies.get(COOKIE))) and former != hold_id:
        await entry.release(running, former)
    held = await _take(request, running, wish, hold_id)
    if (held.slot, held.modality) == (wish.slot, wish.modality):
        return held
    # Back on the same page, the parent chose another time: the first one is given back.
    await entry.release(running, hold_id)
    return await _take(request, running, wish, hold_id)


async def _take(request: Request, running: Runtime, wish: Wish, hold_id: UUID) -> Hold:
    if wish.slot is None or wish.modality is None:
        raise HoldGone
    return await entry.hold(
        running,
        slot=wish.slot,
        municipality=wish.offered.municipality.id,
        modality=wish.modality,
        client=client_of(request),
        hold_id=hold_id,
    )


async def _keep(request: Request, running: Runtime, wish: Wish, hold_id: UUID, key: str) -> Hold:
    """The hold, lasting longer. One that has run out is replaced by a new one for the same time.

    The new one's id follows from the old one's, so that a request that is sent twice finds it again.
    """
    try:
        held = await entry.extend(running, hold_id)
    except HoldGone:
        again = _again_id(running, hold_id, wish)
        # The id of a hold becomes the booking's, which staff can see: it proves nothing. The key does.
        ours = hmac.compare_digest(key.encode(), _key(running, hold_id).encode())
        await _not_booked(running, (hold_id, again), ours=ours)
        return await _take(request, running, wish, again)
    if wish.slot is not None and held.slot != wish.slot:
        # Another page of this reader's has changed the hold to another time. This page means what it says.
        return await _take(request, running, wish, _again_id(running, hold_id, wish))
    return held


async def _not_booked(running: Runtime, holds: Iterable[UUID], *, ours: bool) -> None:
    """Raise AlreadyBooked where one of these became a booking: with its token, if the reader has shown it is `ours`."""
    for hold_id in holds:
        if token := await entry.booked(running, hold_id):
            raise AlreadyBooked(token if ours else None)


async def _wrong_code(request: Request, running: Runtime, wish: Wish, typed: str) -> str | None:
    """What is wrong with the code that was typed; nothing where it is right, or no longer asked for."""
    if not typed.strip():
        return PAGES.text(request, "proof_code_missing")
    if wish.proof:
        try:
            await proofs.confirm(running, wish.proof, typed)
        except WrongCode as wrong:
            return ". ".join(wrong.text(pages.language_of(request)))
        except CodeGone:
            # It was confirmed by the same form before, or a new one is sent.
            return None
    return None


async def _proof(
    request: Request,
    running: Runtime,
    wish: Wish,
    held: Hold,
    *,
    errors: Mapping[str, str] | None = None,
    renewed: bool = False,
) -> Response:
    """Ask for the code that was sent to what was typed."""
    # The link to the other language would try it once more.
    request.state.sent.pop("kod", None)
    return await _held_page(
        request,
        running,
        wish,
        held,
        "proof.html",
        422 if errors else 200,
        typed=_shown(request, wish),
        channel="email" if wish.typed.get("epost") else "sms",
        errors=errors or {},
        renewed=renewed,
    )


async def _book(request: Request, running: Runtime, body: BookingIn, asked: _Asked) -> dict[str, Any]:
    """See `proofs.pressed.book`; where a twin of this request is under way, its answer is waited for."""
    for _ in range(_TWIN_TRIES):
        try:
            return await pressed.book(
                running,
                body.wanted(),
                proof=asked.proof,
                anew=asked.anew,
                client=client_of(request),
                key=asked.key,
                language=pages.language_of(request),
            )
        except TwinUnderWay:
            await asyncio.sleep(_TWIN_SECONDS)
    raise TwinUnderWay


def _again_id(running: Runtime, hold_id: UUID, wish: Wish) -> UUID:
    """The id of the hold that takes the place of one that has run out."""
    return _id(running, "again", f"{hold_id} {wish.query}")


def _id(running: Runtime, purpose: str, text: str) -> UUID:
    """An id that nobody can guess, and that the same text always gives."""
    return UUID(bytes=entry.links(running).keyed_hash(f"hold of {purpose}", text.encode())[:16], version=4)


def _key(running: Runtime, hold_id: UUID) -> str:
    """The Idempotency-Key of a hold's pages: whoever knows it has had the hold while it lasted."""
    return entry.links(running).keyed_hash("key of hold", hold_id.bytes).hex()


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def read_typed(
    request: Request,
    asked: Mapping[str, Any],
    typed: Mapping[str, str],
    modality: str | None,
    offering: Offering,
    known: Contact | None = None,
) -> tuple[BookingIn | None, dict[str, str]]:
    """The booking request that was typed, or what needs correcting, by field in the order of the page.

    `asked` is the time: `hold`, or `slot` with `municipality` and `modality`. `modality` is the way to meet: who is to
    be called is told at once that the number lacks, and whom the `offering` is not for, that it is not. Of a family
    that is `known` the contact is taken as it is kept, with the number that it had not given before: nobody can correct
    it here.
    """
    language = pages.language_of(request)
    errors = {}
    if not typed.get("namn"):
        errors["namn"] = PAGES.text(request, "name_missing")
    if modality == "phone" and not typed.get("telefon"):
        errors["telefon"] = PhoneNeeded.sv[0] if language == "sv" else PhoneNeeded.en[0]
    if not typed.get("barn"):
        errors["barn"] = PAGES.text(request, "child_missing")
    expecting = typed.get("barn") == EXPECTING
    body, problems = None, []
    try:
        body = BookingIn.model_validate(
            {
                **asked,
                "contact": _as_kept(known, typed)
                if known
                else {
                    "name": typed.get("namn", ""),
                    "phone": typed.get("telefon") or None,
                    "email": typed.get("epost") or None,
                    "language": typed.get("sprak") or language,
                },
                "expecting": expecting,
                "child": None if expecting else {"age": typed.get("barn") or None},
            }
        )
    except ValidationError as error:
        problems = field_errors(error.errors(), language)
    if known is None and all(problem["field"] != "contact.email" for problem in problems):
        try:
            allow_email(typed.get("epost"), utf8=request.app.state.runtime.settings.mail_utf8)
        except Invalid as refusal:
            problems += refusal.errors(language)
    with suppress(ValidationError):
        age = None if expecting else ChildIn.model_validate({"age": typed.get("barn") or None}).age
        try:
            allow_child(offering, age=age, expecting=expecting)
        except Invalid as refusal:
            problems += refusal.errors(language)
    return None if problems else body, by_field(problems, errors)


def _as_kept(known: Contact, typed: Mapping[str, str]) -> ContactIn:
    """The contact of a known family. Raises a validation error for the number that it gives first."""
    phone = known.phone or NumberIn(phone=typed.get("telefon") or None).phone
    return ContactIn.model_construct(**{**vars(known), "phone": phone})


def by_field(problems: list[dict[str, str]], first: Mapping[str, str] | None = None) -> dict[str, str]:
    """One message a field of the page."""
    told = dict(first or {})
    for problem in problems:
        for name, fields in TYPED.items():
            if problem["field"] in fields:
                told.setdefault(name, problem["message"])
    return {name: told[name] for name in TYPED if name in told}


async def _contact(
    request: Request, running: Runtime, wish: Wish, held: Hold, errors: Mapping[str, str] | None = None
) -> Response:
    children = child_choices(request, wish.offered.offering)
    return await _held_page(
        request,
        running,
        wish,
        held,
        "contact.html",
        422 if errors else 200,
        errors=errors or {},
        typed=_shown(request, wish),
        children=children,
        kept_days=rule_of(wish.offered.offering).days,
    )


def child_choices(request: Request, offering: Offering) -> list[tuple[str, str]]:
    """The children that an offering is for: what a form says of each, and its words."""
    ages = offering.ages
    expecting = [(EXPECTING, PAGES.text(request, "expecting"))] if ages.expecting else []
    return expecting + [(str(age), child_age(request, age)) for age in range(ages.first, ages.last + 1)]


async def _check(request: Request, running: Runtime, wish: Wish, held: Hold, *, said: bool = True) -> Response:
    """The last look, or the contact page again; what needs correcting there is `said` to whoever sent it."""
    body, errors = read_typed(request, {"hold": held.id}, wish.typed, held.modality, wish.offered.offering)
    if body is None or errors:
        return await _contact(request, running, wish, held, errors if said else None)
    age = body.child.age if body.child else None
    child = child_text(request, age)
    return await _held_page(
        request, running, wish, held, "check.html", 200, typed=_shown(request, wish), child=child, no_sms=_no_sms(body)
    )


def _no_sms(body: BookingIn) -> str | None:
    """The text for a number that takes no SMS: where there is mail too, and where nothing can be sent at all."""
    contact = body.wanted().contact
    if contact.phone is None or addresses.takes_sms(contact.phone):
        return None
    return "no_sms" if contact.gets_messages else "no_messages"


def _shown(request: Request, wish: Wish) -> dict[str, str]:
    return {**dict.fromkeys(TYPED, ""), "sprak": pages.language_of(request), **wish.typed}


async def _held_page(
    request: Request, running: Runtime, wish: Wish, held: Hold, template: str, status: int, **values: Any
) -> Response:
    offered = wish.offered
    async with database.driver(running.engine) as connection:
        chosen = await slots.described(connection, held.slot, held.municipality)
    if chosen is None:
        return await _elsewhere(request, running, wish, SlotTaken())
    wish = replace(wish, slot=held.slot, modality=offered.known(held.modality))
    language: Language = pages.language_of(request)
    page = PAGES.render(
        request,
        template,
        status,
        private=True,
        municipality=offered.municipality,
        accent=offered.municipality.accent,
        offering=offered.offering,
        chosen=chosen,
        modality=held.modality,
        when=slot_pages.when(chosen, language),
        times_url=pages.address(language, f"{offered.path}/tider"),
        hold_url=pages.address(language, f"{offered.path}/reservation/{held.id}"),
        # In the addresses too: who goes back to one of them, long after, is offered the same time again.
        query=urlencode(wish.query),
        hidden_fields={
            **wish.query,
            "nyckel": _key(running, held.id),
            **({PROOF: str(wish.proof)} if wish.proof else {}),
        },
        reservation=held.id,
        **values,
    )
    # An address that somebody passed on makes their hold nobody else's.
    return _remembered(running, page, held) if request.method == "POST" else page


def child_text(request: Request, age: int | None) -> str:
    """A child's age in whole years, in words; None for one that is expected."""
    return PAGES.text(request, "expecting") if age is None else child_age(request, age)


def child_age(request: Request, age: int) -> str:
    if age == 0:
        return PAGES.text(request, "under_one")
    return PAGES.text(request, "one_year") if age == 1 else PAGES.text(request, "years", years=age)


async def _elsewhere(request: Request, running: Runtime, wish: Wish, end: AlreadyBooked | Refusal) -> Response:
    """The confirmation of what is booked already; else the free times, the nearest first, with what was typed."""
    language = pages.language_of(request)
    if isinstance(end, Refusal):
        return await _times(request, running, wish, trouble_of(request, end))
    if end.token:
        return pages.see_other(request, f"/bokning/{end.token}", nytt="redan")
    municipality = wish.offered.municipality
    return PAGES.render(
        request,
        "already.html",
        409,
        private=True,
        municipality=municipality,
        accent=municipality.accent,
        book_url=pages.address(language, wish.offered.path),
    )


def trouble_of(request: Request, refusal: Refusal) -> Trouble:
    """Why the free times are shown again: a refusal, with the nearest times where there are such."""
    nearest = refusal.alternatives if isinstance(refusal, SlotTaken) else ()
    language = pages.language_of(request)
    said = refusal.text(language)
    if isinstance(refusal, Invalid):
        wrong = refusal.errors(language)
        # The only thing of a time itself that can be invalid is the way to meet: it has changed since it was listed.
        gone = all(each["field"] == "modality" for each in wrong)
        said = SlotTaken().text(language) if gone else (said[0], " ".join(each["message"] for each in wrong))
    return Trouble(refusal.status, said, nearest, may_have_booked=isinstance(refusal, CallToBook))


async def _times(
    request: Request,
    running: Runtime,
    wish: Wish,
    trouble: Trouble | None = None,
    *,
    shown: int = slot_pages.FEW,
) -> Response:
    if wish.modality is None:
        return pages.see_other(request, wish.offered.path)
    return await slot_pages.times_page(
        request,
        running,
        wish.offered,
        wish.modality,
        slot_pages.to_book(request, wish.offered, wish.modality),
        shown=shown,
        chosen=str(wish.slot) if wish.slot else None,
        carried=wish.carried,
        trouble=trouble,
        private=True,
    )
