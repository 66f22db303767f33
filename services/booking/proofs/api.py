"""Proofs over HTTP: asking for a code, confirming it, and the bookings that it opens."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, ValidationInfo, field_validator

from booking.bookings import starts
from booking.bookings.api import BookingOut, EmailText, MunicipalityCode, PhoneText, booking_out, client_of
from booking.bookings.entry import links
from booking.proofs import entry, rules
from booking.proofs.rules import CodeGone, NoSms, NotProved, TooManyCodes, WrongCode
from booking.proofs.service import Way
from booking.slots.api import Running
from kit import database
from kit.language import Language, instant, of_request
from kit.problems import Body, responses, wrong
from kit.refusal import TooLarge
from kit.vault.store import KeysUnavailable

router = APIRouter(prefix="/booking/v1", tags=["proofs"])

ProofToken = Annotated[str, Path(min_length=20, max_length=100, pattern="^[A-Za-z0-9_-]+$")]


class ProofIn(Body):
    """A telephone number or an e-mail address that bookings were made with.

    `municipality` is whose number a refusal says to call; `language` is the message's.
    """

    email: EmailText = None
    phone: PhoneText = Field(None, validate_default=True)
    municipality: MunicipalityCode | None = None
    language: Language = "sv"

    @field_validator("phone")
    @classmethod
    def _one(cls, number: str | None, info: ValidationInfo) -> str | None:
        if "email" in info.data and bool(number) == bool(info.data["email"]):
            raise wrong(
                "one_contact",
                "Ange antingen ett telefonnummer eller en e-postadress.",
                "Give either a telephone number or an e-mail address.",
            )
        return number

    def way(self) -> Way:
        """Where a code goes."""
        return Way("sms", self.phone) if self.phone else Way("email", self.email or "")


class ProofOut(BaseModel):
    """`expires_at` is until when a code can be confirmed."""

    id: UUID
    expires_at: datetime


class CodeIn(Body):
    code: str = Field(min_length=1, max_length=40, description="six digits, with spaces or without")


class ProvedOut(BaseModel):
    """Whoever has `token` sees the bookings that were made with the contact, until `ends_at`."""

    token: str
    ends_at: datetime


class MyBookingOut(BookingOut):
    """A booking, with its manage token and its page."""

    manage_token: str
    manage_url: str


class MyBookingsOut(BaseModel):
    items: list[MyBookingOut]
    limit: int
    offset: int
    next: str | None


@router.post(
    "/proofs",
    status_code=201,
    response_model=ProofOut,
    responses=responses(TooLarge, NoSms, TooManyCodes, KeysUnavailable),
)
async def ask(body: ProofIn, request: Request, running: Running) -> Response:
    """Send a code to a number or address with which somebody has booked; earlier codes are void.

    The answer is the same where nobody has, and nothing is sent. A number gets three an hour and six a day at most.
    """
    help_phone = None
    if body.municipality:
        async with database.driver(running.engine) as connection:
            help_phone = await starts.help_phone(connection, body.municipality)
    asked = await entry.ask(
        running, body.way(), client=client_of(request), language=body.language, help_phone=help_phone
    )
    made = {"id": str(asked), "expires_at": instant(running.clock() + rules.VALID)}
    return JSONResponse(made, 201)


@router.post("/proofs/{proof}/confirm", response_model=ProvedOut, responses=responses(TooLarge, CodeGone, WrongCode))
async def confirm(proof: UUID, body: CodeIn, running: Running) -> Response:
    """Confirm a code, once. It can be tried five times."""
    proved = await entry.confirm(running, proof, body.code)
    return JSONResponse({"token": proved.token, "ends_at": instant(proved.ends_at)})


@router.get("/proofs/{token}/bookings", response_model=MyBookingsOut, responses=responses(NotProved))
async def bookings(token: ProofToken, request: Request, running: Running) -> Response:
    """The bookings that were made with a proved contact: those to come, and those of the last thirty days."""
    language = of_request(request)
    mine = await entry.mine(running, token, language)
    items: list[dict[str, Any]] = [
        {
            **booking_out(view, language),
            "manage_token": manage,
            "manage_url": links(running).page(f"/bokning/{manage}", language),
        }
        for manage, view in mine.bookings.items()
    ]
    return JSONResponse({"items": items, "limit": rules.SHOWN, "offset": 0, "next": None})


@router.delete("/proofs/{token}", status_code=204, responses=responses())
async def end(token: ProofToken, running: Running) -> Response:
    """Let the token open nothing any more. One that does not is no fault."""
    await entry.end(running, token)
    return Response(status_code=204)
