"""The pages where an advisor books the follow-up of a visit: the same family and offering, first among own times."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from booking.agenda import entry, phone
from booking.agenda.pages import PAGES, Advising, Errand, asking_for
from booking.agenda.phone_pages import MAIL
from booking.bookings import entry as bookings
from booking.bookings import other_times
from booking.bookings.service import View
from booking.families.rules import mails_known
from booking.slots import pages as slot_pages
from booking.slots.pages import Also, Asking, Running
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
    view, asking = await _asking(request, running, person, booking)
    return await other_times.times(request, running, view, asking, satt, shown=visa, look=PAGES)


@router.post("/arbetsdag/bokning/{booking}/uppfoljning")
@router.post("/arbetsdag/bokning/{booking}/uppfoljning-hos-annan")
async def book(request: Request, running: Running, person: Advising, booking: UUID) -> Response:
    """Book the chosen time for the family of the booking. The same form sent twice leads to the same follow-up."""
    by_email = MAIL in await pages.form(request)
    view, asking = await _asking(request, running, person, booking, mails=by_email)

    async def take(slot: SlotId, modality: str | None, number: str | None, sent: Mapping[str, str]) -> Response:
        key = sent.get("engang") or str(slot)
        made = await _book(request, running, person, booking, slot, modality, number, by_email=by_email, key=key)
        if slot.advisor == person.advisor:
            return pages.see_other(request, f"/arbetsdag/bokning/{made}", nytt="follow_up")
        return pages.see_other(request, f"/telefonbokning/klar/{made}")

    return await other_times.chosen(request, running, view, asking, take, PAGES)


async def _asking(
    request: Request, running: Runtime, person: Person, booking: UUID, *, mails: bool | None = None
) -> tuple[View, Asking]:
    """The booking, and what is asked of its follow-up: a time, and whether it is told to the family's address.

    `mails` is what was chosen, where it was.
    """
    view = await entry.find(running, person, booking, pages.language_of(request))
    asking = asking_for(request, person, view, FOLLOW_UP)
    ways = await entry.ways(running, person, booking)
    if not ways["email"]:
        return view, asking
    unproved = not ways["given_to_staff"]
    default = mails_known(unproved=unproved, called=ways["phone"])
    also = Also(
        MAIL,
        PAGES.text(request, "phone_mail"),
        "" if default else PAGES.text(request, "follow_up_mail_unproved"),
        made=default if mails is None else mails,
    )
    return view, replace(asking, also=also)


async def _book(
    request: Request,
    running: Runtime,
    person: Person,
    booking: UUID,
    slot: SlotId,
    modality: str | None,
    number: str | None,
    *,
    by_email: bool,
    key: str,
) -> UUID:
    async def attempt() -> UUID:
        known = await entry.known_family(running, person, booking, number)
        async with entry.seeing(running, person) as connection:
            return await phone.follow_up(
                connection,
                bookings.links(running),
                bookings.vault(running),
                person,
                booking,
                slot,
                modality=modality,
                known=known,
                number=number,
                by_email=by_email,
                key=key,
                now=running.clock(),
                language=pages.language_of(request),
            )

    made = await bookings.after_expiry(running, slot, attempt)
    running.relay.wake()
    return made
