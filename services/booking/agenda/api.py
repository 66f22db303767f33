"""An advisor's days over HTTP, for programs that the advisor signs in to, and for whoever is signed in to the pages."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from booking.agenda import entry, rules, service
from booking.agenda.rules import Outcome
from booking.agenda.service import Item, NoCalendar
from booking.bookings.api import OfferingOut
from booking.bookings.rules import UnknownBooking, invalid
from booking.bookings.service import View
from booking.slots.api import PlaceOut, Running, place_out
from booking.slots.reads import Modality
from kit import access
from kit.access import NotAllowed, NotSignedIn, Person
from kit.days import Day
from kit.language import Language, instant, of_request, when_text
from kit.problems import Body, responses
from kit.refusal import TooLarge

router = APIRouter(prefix="/booking/v1", tags=["agenda"])

Advising = Annotated[Person, Depends(access.signed_in("advisor"))]
MOST_DAYS = 100


class BookedOut(BaseModel):
    """A booking of a unit for which the advisor holds the role. Who the family is, is told on the pages alone."""

    id: UUID
    reference: str
    status: Literal["confirmed", "fulfilled", "no_show", "cancelled"]
    sequence: int
    offering: OfferingOut
    municipality: str
    modality: Modality
    place: PlaceOut | None


class ItemOut(BaseModel):
    """Time of the advisor's. `booking` is null where it is held, or taken by somebody whom the advisor may not know."""

    start: datetime
    end: datetime
    text: str
    kind: Literal["booking", "hold", "taken"]
    booking: BookedOut | None


class AgendaOut(BaseModel):
    items: list[ItemOut]


class OutcomeIn(Body):
    """What became of a visit that has begun; null takes back what was noted on the same day."""

    outcome: Outcome | None = Field(examples=["fulfilled"])


@router.get("/agenda", response_model=AgendaOut, responses=responses(NotSignedIn, NotAllowed, NoCalendar))
async def agenda(
    request: Request,
    running: Running,
    person: Advising,
    first: Annotated[Day | None, Query(alias="from", description="local; today if left out")] = None,
    last: Annotated[Day | None, Query(alias="to", description="local, included; `from` if left out")] = None,
) -> Response:
    """The signed-in advisor's own days: what is booked, held or taken, without who the families are."""
    first = first or service.today(running.clock())
    last = last or first
    if not first <= last <= first + timedelta(days=MOST_DAYS):
        raise invalid(
            "to",
            f"Välj en dag från och med from, högst {MOST_DAYS} dagar senare.",
            f"Choose a day from `from` on, at most {MOST_DAYS} days later.",
        )
    language = of_request(request)
    days = await entry.days(running, person, first, last, language)
    items = {(item.start, item.id): (item, day.zone) for day in days for item in day.items}
    return JSONResponse({"items": [_item_out(item, zone, language) for item, zone in items.values()]})


@router.post(
    "/agenda/{booking}/outcome",
    response_model=BookedOut,
    responses=responses(
        TooLarge,
        NotSignedIn,
        NotAllowed,
        UnknownBooking,
        NoCalendar,
        rules.NotPossible,
        rules.NotBegun,
        rules.DayOver,
    ),
)
async def outcome(booking: UUID, body: OutcomeIn, request: Request, running: Running, person: Advising) -> Response:
    """Note whether the family of a booking was met. Noting the same again changes nothing."""
    await entry.decide(running, person, booking, body.outcome)
    return JSONResponse(_booked_out(await entry.find(running, person, booking, of_request(request))))


def _item_out(item: Item, zone: ZoneInfo, language: Language) -> dict[str, Any]:
    return {
        "start": instant(item.start),
        "end": instant(item.end),
        "text": when_text(item.start, item.end, zone, language),
        "kind": "booking" if item.view else "hold" if item.held else "taken",
        "booking": _booked_out(item.view) if item.view else None,
    }


def _booked_out(view: View) -> dict[str, Any]:
    return {
        "id": str(view.id),
        "reference": view.reference,
        "status": view.status,
        "sequence": view.sequence,
        "offering": {"id": view.offering, "name": view.offering_name},
        "municipality": view.municipality,
        "modality": view.modality,
        "place": place_out(view.place),
    }
