"""The pages of times for a booking that exists: another time for it, or one for the next meeting."""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import Request, Response

from booking.bookings.api import parse_slot
from booking.bookings.pages import PAGES, trouble_of
from booking.bookings.rules import SlotTaken, TooFarAhead, TooSoon
from booking.bookings.service import View
from booking.slots import pages as slot_pages
from booking.slots import service as slots
from booking.slots.pages import Asking, Offered, Trouble
from booking.slots.rules import NotOffered
from booking.slots.service import SlotId
from kit import database
from kit.app import Runtime
from kit.refusal import Invalid
from kit.web import pages
from kit.web.pages import Pages

Take = Callable[[SlotId, str | None, Mapping[str, str]], Awaitable[Response]]
"""What is done with the chosen time, the way to meet if one was sent, and all that was sent; and the page after it."""


async def times(
    request: Request,
    running: Runtime,
    view: View,
    asking: Asking,
    satt: str | None,
    *,
    shown: int = slot_pages.FEW,
    trouble: Trouble | None = None,
    look: Pages = slot_pages.PAGES,
) -> Response:
    """The first `shown` free times, for the way to meet that was asked for, else the booking's. Raises NotOffered."""
    offered = await _offered(running, view)
    modality = offered.known(satt) or offered.known(view.modality) or offered.offering.modalities[0]
    return await slot_pages.times_page(
        request, running, offered, modality, asking, shown=shown, trouble=trouble, private=True, look=look
    )


async def chosen(
    request: Request, running: Runtime, view: View, asking: Asking, take: Take, look: Pages = slot_pages.PAGES
) -> Response:
    """Take the time that was sent; the times again where none was sent, or it cannot be had. Raises NotOffered."""
    sent = await pages.form(request)
    satt = sent.get("satt")
    try:
        slot = parse_slot(sent.get("tid", ""))
    except ValueError:
        trouble = Trouble(422, errors={"tid": PAGES.text(request, "time_missing")})
    else:
        try:
            return await take(slot, satt if satt in slot_pages.MODALITIES else None, sent)
        except (SlotTaken, TooSoon, TooFarAhead, Invalid) as refusal:
            trouble = trouble_of(request, refusal)
    return await times(request, running, view, asking, satt, trouble=trouble, look=look)


async def _offered(running: Runtime, view: View) -> Offered:
    """The offering of a booking, as it is offered now. Raises NotOffered."""
    async with database.driver(running.engine) as connection:
        municipality = await slots.municipality_of(connection, view.municipality)
        if municipality is None:
            raise NotOffered
        return Offered(*await slots.offered(connection, municipality.slug, view.offering))
