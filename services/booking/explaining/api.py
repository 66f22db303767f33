"""Why a time is not offered, over HTTP, for staff."""

from datetime import UTC, datetime
from typing import Annotated, get_args

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from booking.explaining import service
from booking.explaining.rules import Reason, Rule
from booking.explaining.service import ROLES, Asked
from booking.slots.api import Running
from kit import access, database
from kit.access import NotAllowed, NotSignedIn, Person
from kit.days import Instant
from kit.language import instant, of_request
from kit.problems import responses
from kit.refusal import NotFound

router = APIRouter(prefix="/booking/v1", tags=["explanations"])

Asking = Annotated[Person, Depends(access.signed_in(*ROLES))]


class RuleOut(BaseModel):
    """A rule in its order. `allows` is null for those after the first that says no: they were not tried."""

    rule: Rule
    allows: bool | None


class ExplanationOut(BaseModel):
    """Whether families of the municipality are offered the start. `reason` is what stands in the way, for programs;
    `text` and `advice` say it, and what can be done, in the reader's language.
    """

    start: datetime
    offered: bool
    reason: Reason | None
    text: str = Field(examples=["Tiden är upptagen."])
    advice: str = Field(examples=["Välj en annan tid."])
    rules: list[RuleOut] = Field(min_length=len(get_args(Rule)))


@router.get("/explanations", response_model=ExplanationOut, responses=responses(NotSignedIn, NotAllowed, NotFound))
async def explanation(
    request: Request,
    running: Running,
    person: Asking,
    offering: Annotated[str, Query(min_length=1, max_length=63)],
    advisor: Annotated[str, Query(min_length=1, max_length=63, description="of a municipality of the person's units")],
    municipality: Annotated[str, Query(pattern="^[0-9]{4}$", description="SCB code")],
    start: Annotated[Instant, Query(description="an instant from 2000 to 2100")],
) -> Response:
    """The rules of search and booking in order, up to the first that stands in the way."""
    asked = Asked(offering, municipality, advisor, start.astimezone(UTC))
    async with database.driver(running.engine) as connection:
        told = await service.explain(connection, person, asked, now=running.clock(), language=of_request(request))
    return JSONResponse(
        {
            "start": instant(asked.start),
            "offered": told.explanation.offered,
            "reason": told.explanation.stop and told.explanation.stop.reason,
            "text": told.sentence,
            "advice": told.advice,
            "rules": [{"rule": rule, "allows": allows} for rule, allows in told.explanation.rules.items()],
        }
    )
