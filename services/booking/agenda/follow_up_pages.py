"""The pages where an advisor books the follow-up of a visit: the same family and offering, first among own times."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from booking.agenda import entry, phone
from booking.agenda.pages import PAGES, Advising, Errand, asking_for
from booking.bookings import entry as bookings
from booking.bookings import other_times
from booking.slots import pages as slot_pages
from booking.slots.pages import Running
from booking.slots.service import SlotId
from kit.access import Person
from kit.app import Runtime
from kit.web import pages

router = pages.staff_router()
FOLLOW_UP = Errand("uppfoljning", "uppfoljning-hos-annan", "follow_up", afterwards=True)


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
    asking = asking_for(request, person, view, FOLLOW_UP)
    return await other_times.times(request, running, view, asking, satt, shown=visa, look=PAGES)


@router.post("/arbetsdag/bokning/{booking}/uppfoljning")
@router.post("/arbetsdag/bokning/{booking}/uppfoljning-hos-annan")
async def book(request: Request, running: Running, person: Advising, booking: UUID) -> Response:
    """Book the chosen time for the family of the booking. The same form sent twice leads to the same follow-up."""
    view = await entry.find(running, person, booking, pages.language_of(request))

    async def take(slot: SlotId, modality: str | None, number: str | None, sent: Mapping[str, str]) -> Response:
        key = sent.get("engang") or str(slot)
        made = await _book(request, running, person, booking, slot, modality, number, key)
        if slot.advisor == person.advisor:
            return pages.see_other(request, f"/arbetsdag/bokning/{made}", nytt="follow_up")
        return pages.see_other(request, f"/telefonbokning/klar/{made}")

    asking = asking_for(request, person, view, FOLLOW_UP)
    return await other_times.chosen(request, running, view, asking, take, PAGES)


async def _book(
    request: Request,
    running: Runtime,
    person: Person,
    booking: UUID,
    slot: SlotId,
    modality: str | None,
    number: str | None,
    key: str,
) -> UUID:
    async def attempt() -> UUID:
        async with bookings.vault(running).turn(), entry.seeing(running, person) as connection:
            return await phone.follow_up(
                connection,
                bookings.links(running),
                bookings.vault(running),
                person,
                booking,
                slot,
                modality=modality,
                number=number,
                key=key,
                now=running.clock(),
                language=pages.language_of(request),
            )

    made = await bookings.after_expiry(running, slot, attempt)
    running.relay.wake()
    return made
