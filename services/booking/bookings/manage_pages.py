"""The pages of a booking, for whoever has its link: what was booked, its calendar file, moving and cancelling."""

from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Query, Request, Response

from booking.bookings import entry, other_times, rules
from booking.bookings.api import Token
from booking.bookings.pages import PAGES, child_text
from booking.bookings.rules import NoLongerOffered, NotChangeable
from booking.bookings.service import View
from booking.families.export import export
from booking.slots import pages as slot_pages
from booking.slots import service as slots
from booking.slots.pages import Asking, Running
from booking.slots.reads import Municipality
from booking.slots.service import SlotId
from kit import calendar, database
from kit.app import Runtime
from kit.language import Language, clock_text, day_text
from kit.web import pages

router = pages.router()

NEWS = ("flyttad", "redan")


@router.get("/bokning/{token}")
async def show(
    request: Request, running: Running, token: Token, nytt: Annotated[str | None, Query(max_length=20)] = None
) -> Response:
    """The booking; `nytt` says what has just happened to it."""
    view = await entry.look_up(running, token, pages.language_of(request))
    language = pages.language_of(request)
    changeable = _changeable(running, view)
    return await _page(
        request,
        running,
        view,
        "booking.html",
        changeable=changeable,
        gets_messages=await entry.gets_messages(running, token) if changeable else None,
        reminded=view.start - rules.LAST_REMINDER > running.clock(),
        news=nytt if nytt in NEWS else None,
        manage_url=running.settings.public_url + pages.address(language, f"/bokning/{token}"),
        here=f"/bokning/{token}",
    )


@router.get("/bokning/{token}/kalender.ics")
async def calendar_file(request: Request, running: Running, token: Token) -> Response:
    """The booking for the parent's calendar; the same appointment as the one in the mail, and without the link."""
    language = pages.language_of(request)
    view = await entry.look_up(running, token, language)
    lines = [PAGES.text(request, f"{view.modality}_call")]
    if view.modality != "visit" and view.status != "cancelled":
        lines.append(PAGES.text(request, f"{view.modality}_next"))
    lines += [
        f"{PAGES.text(request, 'reference')}: {view.reference}",
        f"{PAGES.text(request, 'questions')} {view.municipality_name}, {view.help_phone}",
    ]
    content = calendar.event(
        uid=f"{view.id}@samtid",
        sequence=view.sequence,
        start=view.start,
        end=view.end,
        zone=view.zone,
        summary=f"{view.offering_name}, {view.advisor_name}",
        description="\n".join(lines),
        location=f"{view.place.name}, {view.place.address}" if view.place else None,
        cancelled=view.status == "cancelled",
        organizer=running.settings.public_url,
        now=running.clock(),
    )
    name = "bokning.ics" if language == "sv" else "booking.ics"
    headers = {
        **pages.HEADERS,
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Response(content, media_type=calendar.MEDIA_TYPE, headers=headers)


@router.get("/bokning/{token}/uppgifter")
async def details(request: Request, running: Running, token: Token) -> Response:
    """What is kept of the booking, and of who booked it."""
    language = pages.language_of(request)
    found = await export(running, token, language)
    view = found.booking.view
    municipality = await _municipality(running, view)
    return PAGES.render(
        request,
        "details.html",
        private=True,
        municipality=municipality,
        accent=municipality.accent if municipality else None,
        found=found,
        when=view.text(language),
        child=child_text(request, found.booking.child_age),
        moment=lambda at: _moment(at, ZoneInfo(view.zone), language),
        back=f"/bokning/{token}",
        download=f"/booking/v1/bookings/{token}/export",
    )


@router.get("/bokning/{token}/flytta")
async def new_times(
    request: Request,
    running: Running,
    token: Token,
    satt: Annotated[str | None, Query(max_length=20)] = None,
    visa: slot_pages.Shown = slot_pages.FEW,
) -> Response:
    """Free times to move the booking to."""
    view = await entry.look_up(running, token, pages.language_of(request))
    if not _changeable(running, view):
        raise NotChangeable
    try:
        return await other_times.times(request, running, view, _asking(request, token, view), satt, shown=visa)
    except NoLongerOffered as refusal:
        return await _ended(request, running, token, view, refusal)


@router.post("/bokning/{token}/flytta")
async def move(request: Request, running: Running, token: Token) -> Response:
    """Move the booking to the chosen time, and show it. Sent twice, it is moved once."""
    language = pages.language_of(request)
    view = await entry.look_up(running, token, language)

    async def take(slot: SlotId, modality: str | None, phone: str | None, _: object) -> Response:
        await entry.reschedule(running, token, slot, modality, language, phone)
        return pages.see_other(request, f"/bokning/{token}", nytt="flyttad")

    try:
        return await other_times.chosen(request, running, view, _asking(request, token, view), take)
    except NoLongerOffered as refusal:
        return await _ended(request, running, token, view, refusal)


async def _ended(request: Request, running: Runtime, token: str, view: View, refusal: NoLongerOffered) -> Response:
    """Why it cannot be moved, with the number to call, and the ways on."""
    title, detail = refusal.text(pages.language_of(request))
    here = f"/bokning/{token}"
    return await _page(request, running, view, "ended.html", refusal.status, title=title, detail=detail, here=here)


@router.get("/bokning/{token}/avboka")
async def ask_to_cancel(request: Request, running: Running, token: Token) -> Response:
    """Ask once."""
    view = await entry.look_up(running, token, pages.language_of(request))
    if not _changeable(running, view):
        return pages.see_other(request, f"/bokning/{token}")
    return await _page(request, running, view, "cancel.html", here=f"/bokning/{token}")


@router.post("/bokning/{token}/avboka")
async def cancel(request: Request, running: Running, token: Token) -> Response:
    """Cancel the booking, and show that it is cancelled."""
    await entry.cancel(running, token, pages.language_of(request))
    return pages.see_other(request, f"/bokning/{token}")


def _moment(at: datetime, zone: ZoneInfo, language: Language) -> str:
    local = at.astimezone(zone)
    return f"{day_text(local.date(), language)} {local.year}, {clock_text(at, zone, language)}"


def _changeable(running: Runtime, view: View) -> bool:
    return view.status == "confirmed" and view.start > running.clock()


async def _municipality(running: Runtime, view: View) -> Municipality | None:
    async with database.driver(running.engine) as connection:
        return await slots.municipality_of(connection, view.municipality)


async def _page(
    request: Request, running: Runtime, view: View, template: str, status: int = 200, **values: Any
) -> Response:
    municipality = await _municipality(running, view)
    language = pages.language_of(request)
    same = not view.advisor_left and view.book_path.endswith(f"/{view.offering}")
    return PAGES.render(
        request,
        template,
        status,
        private=True,
        municipality=municipality,
        accent=municipality.accent if municipality else None,
        view=view,
        when=view.text(language),
        book_url=pages.address(language, view.book_path),
        same_url=pages.address(language, f"{view.book_path}/tider", satt=view.modality, hos=view.advisor)
        if same
        else None,
        **values,
    )


def _asking(request: Request, token: str, view: View) -> Asking:
    language = pages.language_of(request)
    return Asking(
        action=pages.address(language, f"/bokning/{token}/flytta"),
        back=pages.address(language, f"/bokning/{token}"),
        caption=PAGES.text(request, "move_from", when=view.text_and_place(language)),
        title=PAGES.text(request, "move_title"),
        button=PAGES.text(request, "move_button"),
        prefer=view.advisor,
        moving=view.moving,
    )
