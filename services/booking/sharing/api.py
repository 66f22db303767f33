"""The agreements and their reports over HTTP, for whoever coordinates a municipality in them."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from booking.sharing import report
from booking.sharing.report import Line, Report
from booking.sharing.rules import PeriodKind, today
from booking.slots.api import Running
from kit import access, database
from kit.access import NotAllowed, NotSignedIn, Person
from kit.days import FIRST_YEAR, LAST_YEAR
from kit.problems import responses
from kit.refusal import NotFound

router = APIRouter(prefix="/booking/v1", tags=["agreements"])

Coordinating = Annotated[Person, Depends(access.signed_in("coordinator"))]


class MemberOut(BaseModel):
    municipality: str = Field(description="SCB code", examples=["1266"])
    name: str


class AgreementOut(BaseModel):
    """An agreement (KL 9:37), with the years of which there is a report."""

    id: str
    name: str
    members: list[MemberOut]
    years: list[int]


class AgreementsOut(BaseModel):
    items: list[AgreementOut]


class LoanOut(BaseModel):
    """Minutes that another municipality lent or borrowed."""

    municipality: str
    minutes: int


class StandingOut(BaseModel):
    """How a municipality stood, in minutes. `used` is booked, or held at the moment. `unused` is what it was entitled
    to, its credit and what it borrowed, less what it used and lent: negative where leave took away time that was used
    already. `balance` is lent less borrowed.
    """

    municipality: str
    entitled: int
    credit: int
    used: int
    borrowed: int
    lent: int
    unused: int
    balance: int
    borrowed_from: list[LoanOut]
    lent_to: list[LoanOut]


class PeriodOut(BaseModel):
    """Local days `first` to `last`, both included. A period belongs to the year of its first day."""

    first: date
    last: date | None
    municipalities: list[StandingOut]


class TermsOut(BaseModel):
    """What the agreement said on local days `first` to `last`, both included; `last` is null where it has no end.

    Shares and carry-over are percent; `release_days` before its day a time may be booked by any member.
    """

    first: date
    last: date | None
    shares: dict[str, int]
    release_days: int | None
    period: PeriodKind
    carry_over: int


class ReportOut(BaseModel):
    """A year of an agreement (KL 9:38): sums over its ledger. `municipalities` is the whole year."""

    agreement: str
    name: str
    year: int
    terms: list[TermsOut]
    municipalities: list[StandingOut]
    periods: list[PeriodOut]


@router.get("/agreements", response_model=AgreementsOut, responses=responses(NotSignedIn, NotAllowed))
async def agreements(running: Running, person: Coordinating) -> Response:
    """The agreements in which a municipality of the person's units is or was a member."""
    async with database.driver(running.engine) as connection:
        found = await report.agreements(connection, person, today(running.clock()).year)
    items = [
        {
            "id": each.pool.id,
            "name": each.pool.name,
            "members": [{"municipality": code, "name": name} for code, name in each.members.items()],
            "years": each.years,
        }
        for each in found
    ]
    return JSONResponse({"items": items})


@router.get(
    "/agreements/{pool}/reports/{year}",
    response_model=ReportOut,
    responses=responses(NotSignedIn, NotAllowed, NotFound),
)
async def report_of(
    running: Running,
    person: Coordinating,
    pool: Annotated[str, Path(max_length=63)],
    year: Annotated[int, Path(ge=FIRST_YEAR, le=LAST_YEAR)],
) -> Response:
    """What each municipality had, used, borrowed and lent in a year, by period. A year without any has no periods."""
    async with database.transaction(running.engine, seconds=database.JOB_SECONDS) as connection:
        found = await report.read(connection, person, pool, year, today(running.clock()).year)
    return JSONResponse(_report_out(found))


def _report_out(found: Report) -> dict[str, Any]:
    return {
        "agreement": found.agreement.pool.id,
        "name": found.agreement.pool.name,
        "year": found.year,
        "terms": [
            {
                "first": terms.first.isoformat(),
                "last": None if terms.last == date.max else terms.last.isoformat(),
                "shares": terms.shares,
                "release_days": terms.release_days,
                "period": terms.period,
                "carry_over": terms.carry_over,
            }
            for terms in found.terms
        ],
        "municipalities": [_standing_out(code, line) for code, line in found.total.items()],
        "periods": [
            {
                "first": each.first.isoformat(),
                "last": each.last and each.last.isoformat(),
                "municipalities": [_standing_out(code, line) for code, line in each.lines.items()],
            }
            for each in found.periods
        ],
    }


def _standing_out(code: str, line: Line) -> dict[str, Any]:
    def loans(of: dict[str, int]) -> list[dict[str, Any]]:
        return [{"municipality": other, "minutes": minutes} for other, minutes in of.items()]

    return {
        "municipality": code,
        **vars(line.position),
        "unused": line.unused,
        "balance": line.balance,
        "borrowed_from": loans({**line.borrowed_from}),
        "lent_to": loans({**line.lent_to}),
    }
