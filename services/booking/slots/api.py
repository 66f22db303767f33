"""Free times over HTTP."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from booking.slots import service
from booking.slots.reads import Modality
from booking.slots.rules import Free, Moving, NotOffered, Place
from booking.slots.service import SlotId
from booking.slots.tables import Search
from kit import database
from kit.app import Runtime, runtime
from kit.days import DayOrInstant
from kit.language import Language, instant, of_request, when_text
from kit.problems import responses

router = APIRouter(prefix="/booking/v1", tags=["slots"])

Running = Annotated[Runtime, Depends(runtime)]

# The zone in which a plain date in `from` and `to` is understood.
LOCAL = ZoneInfo("Europe/Stockholm")


class AdvisorOut(BaseModel):
    id: str
    name: str


class PlaceOut(BaseModel):
    id: str
    name: str
    address: str


class SlotOut(BaseModel):
    """A free start. `text` is its local time in the reader's language; `place` is where visits are met."""

    id: str
    start: datetime
    end: datetime
    text: str
    advisor: AdvisorOut
    modalities: list[Modality]
    place: PlaceOut | None


class SlotsOut(BaseModel):
    """`more_opens` is told with the last page: the local day on which more times open, where a municipality has used
    its share of the days further ahead.
    """

    items: list[SlotOut]
    more_opens: date | None
    limit: int
    offset: int
    next: str | None


@dataclass(frozen=True)
class Asked:
    """Which of the free starts are asked for."""

    first: Annotated[DayOrInstant | None, Query(alias="from", description="a local date, or an instant")] = None
    last: Annotated[
        DayOrInstant | None, Query(alias="to", description="a local date (included), or an instant (not)")
    ] = None
    modality: Annotated[Modality | None, Query()] = None
    advisor: Annotated[str | None, Query(max_length=63)] = None
    language: Annotated[str | None, Query(pattern="^[a-z]{2,3}$", description="one that the advisor speaks")] = None
    any_advisor: Annotated[
        bool,
        Query(
            description="each start once, one that can be a visit once for each place: with the advisor to prefer if"
            " free there, or the one whose week is least used"
        ),
    ] = False
    prefer: Annotated[str | None, Query(max_length=63, description="the family's last advisor")] = None
    limit: Annotated[int, Query(ge=1, le=500)] = 50
    offset: Annotated[int, Query(ge=0, le=100_000)] = 0


Asking = Annotated[Asked, Depends()]


@router.get("/slots", response_model=SlotsOut, responses=responses(NotOffered))
async def slots(
    request: Request,
    running: Running,
    offering: Annotated[str, Query(min_length=1, max_length=63)],
    municipality: Annotated[str, Query(pattern="^[0-9]{4}$", description="SCB code")],
    asked: Asking,
) -> Response:
    """Free starts, the first one first; of those that can be visits the municipality's own places first.

    Only what can be booked is listed.
    """
    return await listed(request, running, offering, municipality, asked)


async def listed(
    request: Request,
    running: Runtime,
    offering: str,
    municipality: str,
    asked: Asked,
    moving: Moving | None = None,
) -> Response:
    """The free starts that are asked for, as clients see them. Raises NotOffered."""
    limit, offset = asked.limit, asked.offset
    wanted = Search(
        now=running.clock(),
        offering=offering,
        municipality=municipality,
        first=_instant(asked.first),
        last=_instant(asked.last + timedelta(days=1) if type(asked.last) is date else asked.last),
        modality=asked.modality,
        advisor=asked.advisor,
        language=asked.language,
        any_advisor=asked.any_advisor,
        prefer=asked.prefer,
        limit=limit + 1,
        offset=offset,
        moving=moving,
    )
    async with database.driver(running.engine) as connection:
        found = await service.search(connection, wanted)
        more = len(found) > limit
        opens = None if more else await service.more_opens(connection, wanted, found)
    if not offset and not moving:
        request.app.state.searches.note(running, municipality, offering, len(found))
    reader = of_request(request)
    query = {**request.query_params, "limit": limit, "offset": offset + limit}
    return JSONResponse(
        {
            "items": [slot_out(free, reader) for free in found[:limit]],
            "more_opens": opens and str(opens),
            "limit": limit,
            "offset": offset,
            "next": f"{request.url.path}?{urlencode(query)}" if more else None,
        }
    )


def slot_out(free: Free, language: Language) -> dict[str, Any]:
    """A slot as clients see it."""
    return {
        "id": str(SlotId(free.offering, free.advisor, free.start)),
        "start": instant(free.start),
        "end": instant(free.end),
        "text": when_text(free.start, free.end, ZoneInfo(free.zone), language),
        "advisor": {"id": free.advisor, "name": free.advisor_name},
        "modalities": free.modalities,
        "place": place_out(free.place),
    }


def place_out(place: Place | None) -> dict[str, str] | None:
    """A place as clients see it."""
    return vars(place) if place else None


def _instant(given: datetime | date | None) -> datetime | None:
    if given is None or isinstance(given, datetime):
        return given
    return datetime.combine(given, time.min, LOCAL)
