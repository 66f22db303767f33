"""The pages where an advisor books the follow-up of a visit: the same family and offering, first among own times."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from booking.agenda import entry, phone
from booking.agenda.pages import PAGES, Advising, beside_text, offered_again, trouble_of
from booking.bookings import entry as bookings
from booking.bookings.api import parse_slot
from booking.bookings.rules import SlotTaken, TooFarAhead, TooSoon
from booking.bookings.service import View
from booking.slots import pages as slot_pages
from booking.slots.pages import Asking, Running, Trouble
from booking.slots.service import SlotId
from kit.access import Person
from kit.app import Runtime
from kit.refusal import Invalid
from kit.web import pages

router = pages.staff_router()
OTHERS = "/uppfoljning-hos-annan"


@router.get("/arbetsdag/bokning/{booking}/uppfoljning")
@router.get("/arbetsdag/bokning/{booking}/uppfoljning-hos-annan")
async def times(
    request: Request,
    running: Running,
    person: Advising,
    booking: UUID,
    satt: Annotated[str | None, Query(max_length=20)] = None,
    visa: slot_pages.Shown = slot_pages.FEW,
) -> Response:
    """Free times: the person's own, or everybody's."""
    view = await entry.find(running, person, booking, pages.language_of(request))
    return await _times(request, running, person, view, satt, shown=visa)


@router.post("/arbetsdag/bokning/{booking}/uppfoljning")
@router.post("/arbetsdag/bokning/{booking}/uppfoljning-hos-annan")
async def book(request: Request, running: Running, person: Advising, booking: UUID) -> Response:
    """Book the chosen time for the family of the booking. The same form sent twice leads to the same follow-up."""
    sent = await pages.form(request)
    view = await entry.find(running, person, booking, pages.language_of(request))
    try:
        slot = parse_slot(sent.get("tid", ""))
    except ValueError:
        missing = {"tid": PAGES.text(request, "time_missing")}
        return await _times(request, running, person, view, sent.get("satt"), Trouble(422, errors=missing))
    try:
        made = await _book(request, running, person, booking, slot, sent)
    except (SlotTaken, TooSoon, TooFarAhead, Invalid) as refusal:
        return await _times(request, running, person, view, sent.get("satt"), trouble_of(request, refusal))
    running.relay.wake()
    if slot.advisor != person.advisor:
        return pages.see_other(request, f"/telefonbokning/klar/{made}")
    return pages.see_other(request, f"/arbetsdag/bokning/{made}", nytt="follow_up")


async def _book(
    request: Request, running: Runtime, person: Person, booking: UUID, slot: SlotId, sent: dict[str, str]
) -> UUID:
    async def attempt() -> UUID:
        async with entry.seeing(running, person) as connection:
            return await phone.follow_up(
                connection,
                bookings.links(running),
                bookings.vault(running),
                person,
                booking,
                slot,
                modality=sent.get("satt"),
                key=sent.get("engang") or str(slot),
                now=running.clock(),
                language=pages.language_of(request),
            )

    return await bookings.after_expiry(running, slot, attempt)


async def _times(
    request: Request,
    running: Runtime,
    person: Person,
    view: View,
    satt: str | None,
    trouble: Trouble | None = None,
    *,
    shown: int = slot_pages.FEW,
) -> Response:
    offered = await offered_again(running, view)
    language = pages.language_of(request)
    here = f"/arbetsdag/bokning/{view.id}"
    others = request.url.path.endswith(OTHERS)
    paths = {False: f"{here}/uppfoljning", True: f"{here}{OTHERS}"}
    asking = Asking(
        action=pages.address(language, paths[others]),
        back=pages.address(language, here),
        caption=PAGES.text(request, "follow_up_after", when=view.text(language)),
        title=PAGES.text(request, "follow_up_title"),
        button=PAGES.text(request, "follow_up_button"),
        by_staff=True,
        none=PAGES.text(request, "staff_no_times"),
        advisor=None if others else person.advisor,
        beside=(pages.address(language, paths[not others]), PAGES.text(request, beside_text(others=others))),
    )
    modality = offered.known(satt) or offered.known(view.modality) or offered.offering.modalities[0]
    return await slot_pages.times_page(
        request, running, offered, modality, asking, shown=shown, trouble=trouble, private=True, look=PAGES
    )
