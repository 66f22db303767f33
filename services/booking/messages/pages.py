"""The page of families that were not reached, for those who meet them or answer for them. It names no family."""

from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Depends, Query, Request, Response

from booking import secrecy
from booking.bookings.texts import TEXTS as BOOKING_TEXTS
from booking.messages import service, words
from booking.messages.texts import TEXTS
from booking.slots.pages import Running
from kit import access
from kit.access import Person
from kit.app import Runtime
from kit.web import pages
from kit.web.pages import Pages

router = pages.staff_router()
PAGES = Pages({**BOOKING_TEXTS, **TEXTS}, "booking.messages", "booking.bookings", "booking.slots")
ROLES = ("advisor", "coordinator")
NEWS = ("again", "handled")

Attending = Annotated[Person, Depends(access.signed_in(*ROLES))]


def seeing(running: Runtime, person: Person) -> secrecy.Seeing:
    """A transaction that sees the bookings of the units that the person meets or answers for."""
    return secrecy.of(running.engine, person.id, person.units(*ROLES))


@router.get("/ej-nadda")
async def listed(
    request: Request, running: Running, person: Attending, nytt: Annotated[str | None, Query(max_length=20)] = None
) -> Response:
    """The bookings whose families no message has reached, with what can be done; `nytt` says what was just done."""
    language = pages.language_of(request)
    async with seeing(running, person) as connection:
        found = await service.not_reached(connection, language)

    def text(key: str, **values: object) -> str:
        return PAGES.text(request, key, **values)

    return PAGES.render(
        request,
        "not_reached.html",
        private=True,
        found=[
            (
                each,
                each.view.text(language),
                words.lines(each.messages, text, language, ZoneInfo(each.view.zone)),
                any(message.status == "dead" for message in each.messages),
                each.view.advisor == person.advisor,
            )
            for each in found
        ],
        news=nytt if nytt in NEWS else None,
    )


@router.post("/ej-nadda/{booking}/skicka-igen")
async def send_again(request: Request, running: Running, person: Attending, booking: UUID) -> Response:
    """Send a booking's dead messages again. The same form sent twice sends them once."""
    async with seeing(running, person) as connection:
        asked = await service.send_again(connection, booking, running.clock())
    running.relay.wake()
    return pages.see_other(request, "/ej-nadda", nytt="again" if asked else None)


@router.post("/ej-nadda/{attention}/ordnat")
async def handled(request: Request, running: Running, person: Attending, attention: UUID) -> Response:
    """Take a booking off the list, because the family was told in another way."""
    async with seeing(running, person) as connection:
        await service.handled(connection, person, attention, running.clock())
    running.relay.wake()
    return pages.see_other(request, "/ej-nadda", nytt="handled")
