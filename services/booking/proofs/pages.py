"""The pages where a parent sees all bookings that were made with a number or an address: by a code, without an account.

What is typed travels in forms, and what was proved is remembered by a cookie with a token, for half an hour.
"""

import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from pydantic import ValidationError

from booking.bookings.api import client_of
from booking.bookings.entry import links
from booking.bookings.texts import TEXTS as BOOKING_TEXTS
from booking.families.rules import ContactChanged, ContactUnreadable
from booking.proofs import entry
from booking.proofs.api import ProofIn
from booking.proofs.entry import Mine, Proved
from booking.proofs.rules import LASTS, Channel, CodeGone, NotProved, TooManyCodes
from booking.proofs.service import Way
from booking.proofs.texts import TEXTS
from booking.slots import service as slots
from booking.slots.pages import Running
from booking.slots.reads import Municipality
from booking.slots.rules import NotOffered
from kit import database
from kit.app import Runtime
from kit.language import phone_text
from kit.problems import field_errors
from kit.refusal import Invalid, Refusal
from kit.web import pages
from kit.web.pages import Pages

router = pages.router()
PAGES = Pages({**BOOKING_TEXTS, **TEXTS}, "booking.proofs", "booking.bookings", "booking.slots")
PAGES.templates.filters["phone"] = phone_text
HERE = "/mina-bokningar"


def cookie_name(running: Runtime) -> str:
    """The name of the cookie that holds a proof's token; with https one that no other host can set."""
    return "__Host-samtid-mina" if _is_safe(running) else "samtid-mina"


def _is_safe(running: Runtime) -> bool:
    return bool(running.settings.public_url.startswith("https:"))


@router.get(HERE)
async def show(request: Request, running: Running, kommun: str | None = None, nytt: str | None = None) -> Response:
    """The bookings of whoever has proved a contact; for others the form that asks for one."""
    town = await _town(running, kommun)
    try:
        mine = await entry.mine(running, _token(request, running), pages.language_of(request))
    except NotProved:
        return _ask_page(request, town, news=nytt == "avslutat")
    return _list_page(request, running, town, mine, changed=nytt == "bytt")


@router.post(HERE)
async def ask(request: Request, running: Running) -> Response:
    """Have a code sent, and ask for it. The same form sent twice sends one."""
    sent = await pages.form(request)
    town, typed = await _town(running, sent.get("kommun")), sent.get("kontakt", "").strip()
    way, error = read_contact(request, typed)
    if way is None:
        return _ask_page(request, town, 422, typed=typed, errors={"kontakt": error})
    try:
        proof = await entry.ask(
            running,
            way,
            client=client_of(request),
            language=pages.language_of(request),
            help_phone=town.phone if town else None,
            proof=_proof_of(running, sent),
        )
    except Invalid as refusal:
        told = refusal.errors(pages.language_of(request))[0]["message"]
        return _ask_page(request, town, refusal.status, typed=typed, errors={"kontakt": told})
    except TooManyCodes as refusal:
        return _ask_page(request, town, refusal.status, typed=typed, refusal=refusal)
    return _code_page(request, town, proof, typed)


@router.post(f"{HERE}/kod")
async def confirm(request: Request, running: Running) -> Response:
    """Confirm the code, and show the bookings."""
    sent = await pages.form(request)
    town, typed = await _town(running, sent.get("kommun")), sent.get("kontakt", "").strip()
    try:
        proof = UUID(sent.get("bevis", ""))
        proved = await entry.confirm(running, proof, sent.get("kod", ""))
    except Invalid as refusal:
        told = refusal.errors(pages.language_of(request))[0]["message"]
        return _code_page(request, town, proof, typed, refusal.status, {"kod": told})
    except (ValueError, CodeGone) as error:
        gone = error if isinstance(error, CodeGone) else CodeGone()
        return _ask_page(request, town, gone.status, typed=typed, refusal=gone)
    return _proved(request, running, town, proved)


@router.get(f"{HERE}/kod")
@router.get(f"{HERE}/byt/kod")
@router.get(f"{HERE}/avsluta")
async def back(request: Request) -> Response:
    """Where an address is opened that only a form leads to."""
    return pages.see_other(request, HERE)


@router.get(f"{HERE}/byt")
async def change(request: Request, running: Running, kommun: str | None = None) -> Response:
    """Ask for the number or address that is to take the place of the one that was proved."""
    town = await _town(running, kommun)
    try:
        mine = await entry.mine(running, _token(request, running), pages.language_of(request))
    except NotProved:
        return pages.see_other(request, HERE, kommun=kommun)
    return _ask_page(request, town, changing=mine.channel)


@router.post(f"{HERE}/byt")
async def ask_change(request: Request, running: Running) -> Response:
    """Have a code sent to it."""
    sent = await pages.form(request)
    town, typed = await _town(running, sent.get("kommun")), sent.get("kontakt", "").strip()
    changing: Channel = "email" if sent.get("slag") == "email" else "sms"
    way, error = read_contact(request, typed, changing)
    if way is None:
        return _ask_page(request, town, 422, typed=typed, errors={"kontakt": error}, changing=changing)
    try:
        proof = await entry.ask_change(
            running,
            _token(request, running),
            way,
            client=client_of(request),
            language=pages.language_of(request),
            help_phone=town.phone if town else None,
            proof=_proof_of(running, sent),
        )
    except NotProved as refusal:
        return _ask_page(request, town, refusal.status, refusal=refusal)
    except Invalid as refusal:
        told = refusal.errors(pages.language_of(request))[0]["message"]
        return _ask_page(request, town, refusal.status, typed=typed, errors={"kontakt": told}, changing=changing)
    except (TooManyCodes, ContactUnreadable) as refusal:
        return _ask_page(request, town, refusal.status, typed=typed, refusal=refusal, changing=changing)
    return _code_page(request, town, proof, typed, changing=changing)


@router.post(f"{HERE}/byt/kod")
async def confirm_change(request: Request, running: Running) -> Response:
    """Confirm the code, put the contact in place of the former, and show the bookings of the new one."""
    sent = await pages.form(request)
    town, typed = await _town(running, sent.get("kommun")), sent.get("kontakt", "").strip()
    changing: Channel = "email" if sent.get("slag") == "email" else "sms"
    try:
        proof = UUID(sent.get("bevis", ""))
        proved = await entry.change(running, _token(request, running), proof, sent.get("kod", ""))
    except Invalid as refusal:
        told = refusal.errors(pages.language_of(request))[0]["message"]
        return _code_page(request, town, proof, typed, refusal.status, {"kod": told}, changing=changing)
    except NotProved as refusal:
        return _ask_page(request, town, refusal.status, refusal=refusal)
    except (ValueError, CodeGone, ContactChanged) as error:
        gone = error if isinstance(error, Refusal) else CodeGone()
        return _ask_page(request, town, gone.status, typed=typed, refusal=gone, changing=changing)
    return _proved(request, running, town, proved, nytt="bytt")


def _token(request: Request, running: Runtime) -> str:
    return request.cookies.get(cookie_name(running), "")


def _proof_of(running: Runtime, sent: Mapping[str, str]) -> UUID:
    """The id of the proof that a page's form asks for, however often it is sent."""
    asked = f"{sent.get('engang') or secrets.token_urlsafe()} {sent.get('kontakt', '').strip()}"
    return UUID(bytes=links(running).keyed_hash("proof of page", asked.encode())[:16], version=4)


def _proved(
    request: Request, running: Runtime, town: Municipality | None, proved: Proved, nytt: str | None = None
) -> Response:
    """On to the bookings, which the browser is shown for a while."""
    onward = pages.see_other(request, HERE, kommun=town.slug if town else None, nytt=nytt)
    onward.set_cookie(
        cookie_name(running),
        proved.token,
        max_age=int(LASTS.total_seconds()),
        secure=_is_safe(running),
        httponly=True,
        samesite="lax",
    )
    return onward


@router.post(f"{HERE}/avsluta")
async def end(request: Request, running: Running) -> Response:
    """Forget in this browser what was proved, and let it open nothing any more."""
    if token := _token(request, running):
        await entry.end(running, token)
    onward = pages.see_other(request, HERE, nytt="avslutat")
    onward.delete_cookie(cookie_name(running), secure=_is_safe(running), httponly=True, samesite="lax")
    return onward


def read_contact(request: Request, typed: str, changing: Channel | None = None) -> tuple[Way | None, str]:
    """The number or address that was typed into one field, or what needs correcting; the latter as of the kind that
    is `changing`, where what was typed could be neither.
    """
    channel: Channel | None = "email" if "@" in typed else "sms" if any(map(str.isdigit, typed)) else changing
    if channel is None:
        return None, PAGES.text(request, "contact_missing")
    try:
        return ProofIn.model_validate({"email" if channel == "email" else "phone": typed}).way(), ""
    except ValidationError as error:
        return None, field_errors(error.errors(), pages.language_of(request))[0]["message"]


async def _town(running: Runtime, slug: str | None) -> Municipality | None:
    """The municipality whose page led here: whose name and number are shown."""
    if not slug:
        return None
    async with database.driver(running.engine) as connection:
        try:
            return await slots.municipality(connection, slug)
        except NotOffered:
            return None


def _ask_page(
    request: Request,
    town: Municipality | None,
    status: int = 200,
    *,
    typed: str = "",
    errors: Mapping[str, str] | None = None,
    refusal: Refusal | None = None,
    news: bool = False,
    changing: Channel | None = None,
) -> Response:
    page = _page(
        request,
        town,
        "ask.html",
        status,
        typed=typed,
        errors=errors or {},
        refusal=refusal and refusal.text(pages.language_of(request)),
        news=news,
        changing=changing,
        nonce=secrets.token_urlsafe(16),
    )
    page.headers.update((refusal and refusal.headers) or {})
    return page


def _code_page(
    request: Request,
    town: Municipality | None,
    proof: UUID,
    typed: str,
    status: int = 200,
    errors: Mapping[str, str] | None = None,
    *,
    changing: Channel | None = None,
) -> Response:
    # The link to the other language would try it once more.
    request.state.sent.pop("kod", None)
    values = {"proof": proof, "typed": typed, "errors": errors or {}, "changing": changing}
    return _page(request, town, "code.html", status, nonce=secrets.token_urlsafe(16), **values)


def _list_page(request: Request, running: Runtime, town: Municipality | None, mine: Mine, *, changed: bool) -> Response:
    now, language = running.clock(), pages.language_of(request)
    lines = [(f"/bokning/{token}", view.text(language), view) for token, view in mine.bookings.items()]
    coming = [line for line in lines if line[2].status == "confirmed" and line[2].end > now]
    past = [line for line in reversed(lines) if line not in coming]
    return _page(request, town, "mine.html", 200, coming=coming, past=past, channel=mine.channel, changed=changed)


def _page(request: Request, town: Municipality | None, template: str, status: int, **values: Any) -> Response:
    return PAGES.render(
        request,
        template,
        status,
        private=True,
        municipality=town,
        accent=town.accent if town else None,
        mine_url=HERE,
        **values,
    )
