"""The pages of times for a booking that exists: another time for it, or one for the next meeting.

Where it becomes a telephone talk and the family gave no number, that is asked for on a page of its own in between.
"""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import Request, Response
from pydantic import ValidationError

from booking.bookings.api import NumberIn, parse_slot
from booking.bookings.pages import PAGES, trouble_of
from booking.bookings.rules import NoLongerOffered, SlotTaken, TooFarAhead, TooSoon
from booking.bookings.service import View
from booking.families.rules import PhoneNeeded, PhoneNotNeeded, rule_of
from booking.slots import pages as slot_pages
from booking.slots import service as slots
from booking.slots.pages import Asking, Offered, Trouble
from booking.slots.rules import NotOffered
from booking.slots.service import SlotId
from kit import database
from kit.app import Runtime
from kit.problems import field_errors
from kit.refusal import Invalid
from kit.web import pages
from kit.web.pages import Pages

Take = Callable[[SlotId, str | None, str | None, Mapping[str, str]], Awaitable[Response]]
"""What is done with the chosen time, the way to meet if one was sent, the number to call if one was, and all that was
sent; and the page after it.
"""


async def times(
    request: Request,
    running: Runtime,
    view: View,
    asking: Asking,
    satt: str | None,
    *,
    shown: int = slot_pages.FEW,
    again: str | None = None,
    carried: Mapping[str, str] | None = None,
    trouble: Trouble | None = None,
    look: Pages = PAGES,
) -> Response:
    """The first `shown` free times, for the way to meet that was asked for, else the booking's; the one to choose
    `again` is chosen already. Raises NoLongerOffered.
    """
    offered = await _offered(running, view)
    modality = offered.known(satt) or offered.known(view.modality) or offered.offering.modalities[0]
    return await slot_pages.times_page(
        request,
        running,
        offered,
        modality,
        asking,
        shown=shown,
        chosen=again,
        carried=carried,
        trouble=trouble,
        private=True,
        look=look,
    )


async def chosen(
    request: Request, running: Runtime, view: View, asking: Asking, take: Take, look: Pages = PAGES
) -> Response:
    """Take the time that was sent, once there is a number to call if it needs one; the times again where none was sent,
    or it cannot be had, or others are asked for. Raises NoLongerOffered.
    """
    sent = await pages.form(request)
    satt = sent.get("satt")
    carried = {"telefon": typed} if (typed := sent.get("telefon", "").strip()) else {}
    shown, again, trouble = slot_pages.FEW, None, None
    if "visa" in sent:
        shown = slot_pages.number_shown(sent["visa"])
    else:
        try:
            slot = parse_slot(sent.get("tid", ""))
        except ValueError:
            trouble = Trouble(422, errors={"tid": PAGES.text(request, "time_missing")})
        else:
            try:
                number = NumberIn(phone=typed).phone if satt == "phone" else None
                return await take(slot, satt if satt in slot_pages.MODALITIES else None, number, sent)
            except ValidationError as error:
                (problem,) = field_errors(error.errors(), pages.language_of(request))
                return await _number(request, running, view, asking, slot, sent, problem["message"], look)
            except PhoneNeeded as needed:
                # Asked for a second time only of whoever left the field empty.
                missing = needed.text(pages.language_of(request))[0] if "telefon" in sent else None
                return await _number(request, running, view, asking, slot, sent, missing, look)
            except PhoneNotNeeded as refusal:
                # The same time can be had without the number, which must not come along once more.
                carried, again, trouble = {}, str(slot), trouble_of(request, refusal)
            except (SlotTaken, TooSoon, TooFarAhead, Invalid) as refusal:
                trouble = trouble_of(request, refusal)
    return await times(
        request,
        running,
        view,
        asking,
        satt,
        shown=shown,
        again=again,
        carried=carried,
        trouble=trouble,
        look=look,
    )


async def _number(
    request: Request,
    running: Runtime,
    view: View,
    asking: Asking,
    slot: SlotId,
    sent: Mapping[str, str],
    wrong: str | None,
    look: Pages,
) -> Response:
    """Ask which number to call, or tell what is `wrong` with it."""
    async with database.driver(running.engine) as connection:
        free = await slots.described(connection, slot, view.municipality)
    if free is None:
        trouble = trouble_of(request, SlotTaken())
        return await times(request, running, view, asking, "phone", trouble=trouble, look=look)
    offered = await _offered(running, view)
    return look.render(
        request,
        "number.html",
        422 if wrong else 200,
        private=True,
        municipality=offered.municipality,
        accent=offered.municipality.accent,
        asking=asking,
        chosen=free,
        when=slot_pages.when(free, pages.language_of(request)),
        typed=sent.get("telefon", ""),
        hidden_fields={
            "tid": sent["tid"],
            "satt": "phone",
            "engang": sent.get("engang", ""),
            **({asking.also.name: "ja"} if asking.also and asking.also.name in sent else {}),
        },
        few=slot_pages.FEW,
        errors={"telefon": wrong} if wrong else {},
        kept_days=rule_of(offered.offering).days,
    )


async def _offered(running: Runtime, view: View) -> Offered:
    """The offering of a booking, as it is offered now. Raises NoLongerOffered."""
    async with database.driver(running.engine) as connection:
        municipality = await slots.municipality_of(connection, view.municipality)
        if municipality is None:
            raise NoLongerOffered
        try:
            return Offered(*await slots.offered(connection, municipality.slug, view.offering))
        except NotOffered:
            raise NoLongerOffered from None
