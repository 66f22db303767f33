"""Holds and bookings over HTTP."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Header, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, Field, ValidationInfo, field_validator

from booking.bookings import entry, rules
from booking.bookings.holds import Hold
from booking.bookings.service import View, Wanted
from booking.families import export as family_export
from booking.families.contacts import Contact
from booking.families.rules import ContactUnreadable, PhoneNeeded, PhoneNotNeeded, ProtectedFamily
from booking.proofs import pressed
from booking.proofs.rules import TooManyCodes, Unprovable
from booking.slots.api import AdvisorOut, Asking, PlaceOut, Running, SlotOut, SlotsOut, listed, place_out, slot_out
from booking.slots.reads import Modality
from booking.slots.rules import NotOffered
from booking.slots.service import SlotId
from kit import addresses, door, names
from kit.language import Language, instant, of_request
from kit.problems import MEDIA_TYPE, Body, ProblemDocument, document, responses, wrong
from kit.refusal import Refusal, TooLarge, TooManyRequests
from kit.vault.store import KeysUnavailable

router = APIRouter(prefix="/booking/v1", tags=["bookings"])

SlotText = Annotated[str, Field(min_length=1, max_length=200, description="the id of a slot")]
MunicipalityCode = Annotated[str, Field(pattern="^[0-9]{4}$", description="SCB code", examples=["1266"])]
# Manage tokens that are tried and do not exist.
GUESSES = "guesses"
HoldId = Annotated[UUID, Path()]


async def _token(
    request: Request,
    running: Running,
    token: Annotated[str, Path(min_length=20, max_length=100, pattern="^[A-Za-z0-9_-]+$")],
) -> AsyncIterator[str]:
    """A manage token, for whoever does not try many that do not exist."""
    limits, client = running.limits, client_of(request)
    assert limits is not None, "the public reaches this service"
    limits.check(GUESSES, client, running.clock())
    try:
        yield token
    except rules.UnknownBooking:
        limits.take(GUESSES, client, running.clock())
        raise


# Ended before the answer is made: a refusal reaches it while it still is one.
Token = Annotated[str, Depends(_token, scope="function")]


def parse_slot(text: str) -> SlotId:
    """The slot of an id. Raises a validation error in both languages."""
    try:
        return SlotId.parse(text)
    except ValueError:
        raise wrong("slot", "Det är inte en tid som vi har gett ut.", "This is not the id of a slot.") from None


class HoldIn(Body):
    slot: SlotText
    municipality: MunicipalityCode
    modality: Modality

    @field_validator("slot")
    @classmethod
    def _slot(cls, text: str) -> str:
        parse_slot(text)
        return text


class HoldOut(BaseModel):
    id: UUID
    slot: str
    expires_at: datetime


def _phone(text: str | None) -> str | None:
    try:
        return addresses.phone(text) if text else None
    except addresses.CostsTheCaller:
        raise wrong(
            "phone_costs",
            "Numret kostar extra att ringa, eller är inte någons eget. Skriv ett vanligt telefonnummer.",
            "That number costs extra to call, or is nobody's own. Write an ordinary telephone number.",
        ) from None
    except ValueError:
        raise wrong(
            "phone",
            "Skriv ett telefonnummer, till exempel 070-123 45 67.",
            "Write a telephone number, such as +46 70 123 45 67.",
        ) from None


# As it is written; E.164 once it is read.
PhoneText = Annotated[str | None, Field(max_length=60, examples=["+46701234567"]), AfterValidator(_phone)]


def _address(text: str | None) -> str | None:
    try:
        # Letters before the @ may be in it here: whether the mail server takes them is known where it is booked.
        return addresses.email(text, utf8=True) if text else None
    except ValueError:
        raise wrong(
            "email",
            "Skriv en e-postadress, till exempel namn@exempel.se.",
            "Write an e-mail address, such as name@example.org.",
        ) from None


EmailText = Annotated[str | None, Field(max_length=254, examples=["alex@example.org"]), AfterValidator(_address)]


class NumberIn(Body):
    """`phone` is the number to call."""

    phone: PhoneText = None


class ContactIn(Body):
    """A name or an alias, and a telephone number or an e-mail address. Never a personal number.

    For a talk by telephone the number is needed.
    """

    name: str = Field(min_length=1, max_length=100)
    email: EmailText = None
    # After the address: what is asked of two fields is asked at the later one, so that all faults are told at once.
    phone: PhoneText = Field(None, validate_default=True)
    language: Language = "sv"

    @field_validator("name")
    @classmethod
    def _name(cls, text: str) -> str:
        if rules.holds_personal_number(text):
            raise wrong(
                "personal_number",
                "Skriv inget personnummer. Förnamn eller alias räcker.",
                "Do not write a personal number. A first name or an alias is enough.",
            )
        try:
            return names.name(text)
        except names.HoldsLink:
            raise wrong(
                "name_link",
                "Skriv ett namn utan webbadress eller e-postadress.",
                "Write a name without a web or e-mail address.",
            ) from None
        except ValueError:
            raise wrong(
                "name",
                "Skriv namnet på en rad, utan styrtecken och tecken som vänder på ordningen.",
                "Write the name on one line, without control characters and characters that turn the order.",
            ) from None

    @field_validator("phone")
    @classmethod
    def _reachable(cls, number: str | None, info: ValidationInfo) -> str | None:
        # An address that is wrong is told of, and that is enough.
        if not number and "email" in info.data and not info.data["email"]:
            raise wrong(
                "reachable",
                "Ange ett telefonnummer eller en e-postadress.",
                "Give a telephone number or an e-mail address.",
            )
        return number


class ChildIn(Body):
    age: int | None = Field(None, ge=0, le=20, description="whole years")
    expecting: bool = False


class BookingIn(Body):
    """From a hold, or straight from a slot with municipality and modality; for a child or a child to come."""

    hold: UUID | None = None
    slot: SlotText | None = Field(None, validate_default=True)
    municipality: MunicipalityCode | None = Field(None, validate_default=True)
    modality: Modality | None = Field(None, validate_default=True)
    contact: ContactIn
    expecting: bool = False
    child: ChildIn | None = Field(None, validate_default=True)
    proof: UUID | None = Field(None, description="of a refusal proof-needed, once its code is confirmed")

    @field_validator("slot")
    @classmethod
    def _slot(cls, text: str | None, info: ValidationInfo) -> str | None:
        if text:
            parse_slot(text)
        if "hold" in info.data and (info.data["hold"] is None) == (text is None):
            raise wrong("hold_or_slot", "Ange antingen hold eller slot.", "Give either hold or slot.")
        return text

    @field_validator("municipality", "modality")
    @classmethod
    def _with_slot(cls, text: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("slot") and text is None:
            raise wrong("slot_needs", "Ange municipality och modality.", "Give municipality and modality.")
        return text

    @field_validator("child")
    @classmethod
    def _child(cls, child: ChildIn | None, info: ValidationInfo) -> ChildIn | None:
        age = child.age if child else None
        expecting = info.data.get("expecting") or bool(child and child.expecting)
        if (age is None) == (not expecting):
            raise wrong("child", "Ange barnets ålder eller expecting.", "Give the child's age or expecting.")
        return child

    def wanted(self) -> Wanted:
        """The request in the use case's words."""
        return Wanted(
            hold=self.hold,
            slot=SlotId.parse(self.slot) if self.slot else None,
            municipality=self.municipality,
            modality=self.modality,
            contact=Contact(self.contact.name, self.contact.phone, self.contact.email, self.contact.language),
            child_age=self.child.age if self.child else None,
            expecting=self.expecting or bool(self.child and self.child.expecting),
        )


class BookedOut(BaseModel):
    """`messages` says whether any can be sent: without, the family hears of its time and link from the client alone."""

    reference: str
    messages: bool
    manage_token: str
    manage_url: str
    status: Literal["confirmed"]
    start: datetime
    end: datetime
    text: str
    advisor: AdvisorOut
    modality: Modality


class OfferingOut(BaseModel):
    id: str
    name: str


class BookingOut(BaseModel):
    reference: str
    status: Literal["confirmed", "fulfilled", "no_show", "cancelled"]
    sequence: int
    start: datetime
    end: datetime
    text: str
    offering: OfferingOut
    municipality: str
    advisor: AdvisorOut
    modality: Modality
    place: PlaceOut | None


class RescheduleIn(NumberIn):
    """`phone` is the number to call, where the booking becomes a telephone talk of a family that gave none before."""

    slot: SlotText
    modality: Modality | None = None

    @field_validator("slot")
    @classmethod
    def _slot(cls, text: str) -> str:
        parse_slot(text)
        return text


class ProofProblem(ProblemDocument):
    """Where a contact is to be proved, `proof` is what its code is confirmed by: then the request is repeated with it.

    The code was sent by `channel`.
    """

    proof: UUID | None = None
    channel: Literal["email", "sms"] | None = None


class ConflictProblem(ProblemDocument):
    """Where the time is taken, `alternatives` are the nearest that are free."""

    alternatives: list[SlotOut] = Field(default_factory=list)


def _start_responses(*others: type[Refusal]) -> dict[int | str, dict[str, Any]]:
    """What may be refused where a body asks for a start, with the shape of a taken one."""
    made = responses(TooLarge, NotOffered, rules.SlotTaken, rules.NotYetOpen, rules.TooSoon, rules.TooFarAhead, *others)
    schema = ConflictProblem.model_json_schema(ref_template="#/components/schemas/{model}")
    del schema["$defs"]  # the document has them: a search lists slots too
    made[rules.SlotTaken.status]["content"][MEDIA_TYPE]["schema"] = schema
    if rules.ProofNeeded in others:
        made[rules.ProofNeeded.status]["content"][MEDIA_TYPE]["schema"] = ProofProblem.model_json_schema()
    return made


@router.post(
    "/holds", status_code=201, response_model=HoldOut, responses=_start_responses(TooManyRequests, rules.TooManyHolds)
)
async def hold(body: HoldIn, request: Request, running: Running) -> Response:
    """Keep a slot for ten minutes while the family writes."""
    made = await entry.hold(
        running,
        slot=SlotId.parse(body.slot),
        municipality=body.municipality,
        modality=body.modality,
        client=client_of(request),
    )
    return JSONResponse(_hold_out(made), 201)


@router.post("/holds/{hold}/extend", response_model=HoldOut, responses=responses(rules.HoldGone))
async def extend(hold: HoldId, running: Running) -> Response:
    """Let a hold last ten minutes from now, half an hour in all at most."""
    return JSONResponse(_hold_out(await entry.extend(running, hold)))


@router.delete("/holds/{hold}", status_code=204, responses=responses())
async def release(hold: HoldId, running: Running) -> Response:
    """Give a hold back. One that is gone already is no fault."""
    await entry.release(running, hold)
    return Response(status_code=204)


@router.post(
    "/bookings",
    status_code=201,
    response_model=BookedOut,
    responses=_start_responses(
        rules.HoldGone,
        rules.TwinUnderWay,
        rules.KeyReused,
        rules.CallToBook,
        rules.ProofNeeded,
        TooManyRequests,
        rules.TooManyBookings,
        TooManyCodes,
        Unprovable,
        PhoneNeeded,
        KeysUnavailable,
    ),
)
async def create(
    body: BookingIn,
    request: Request,
    running: Running,
    idempotency_key: Annotated[
        str | None, Header(min_length=1, max_length=255, description="chosen by the client; repeat it when you retry")
    ] = None,
) -> Response:
    """Book a time. With an Idempotency-Key a repeated request gets the first one's answer, for a day.

    Whoever asks a family for its details shows it before, or links to, what the municipality must tell it of them
    (article 13 of the GDPR): the page `/personuppgifter/{municipality}` by the SCB code, in English under `/en`.

    While unusually many times are booked the contact is proved first. `proof-needed` says that a code is on its way and
    by which `proof` it is confirmed, at `/proofs/{proof}/confirm`; the same request with that `proof` books. Who has a
    hold keeps the time meanwhile.
    """
    rules.allow_email(body.contact.email, utf8=running.settings.mail_utf8)
    answer = await pressed.book(
        running,
        body.wanted(),
        proof=body.proof,
        client=client_of(request),
        key=idempotency_key,
        language=of_request(request),
    )
    return JSONResponse(answer, 201)


@router.get("/bookings/{token}", response_model=BookingOut, responses=responses(rules.UnknownBooking))
async def show(token: Token, request: Request, running: Running) -> Response:
    """The booking of a manage token."""
    language = of_request(request)
    return JSONResponse(booking_out(await entry.look_up(running, token, language), language))


class ContactOut(BaseModel):
    name: str
    phone: str | None
    email: str | None
    language: Language


class KeptOut(BookingOut):
    """A booking, with the child's age in whole years (null for a child to come), and when it was made and changed."""

    child_age: int | None
    booked_at: datetime
    changed_at: datetime | None


class ReadOut(BaseModel):
    """That a member of staff read of the family, in which role and for which unit."""

    at: datetime
    role: str
    unit: str
    what: str


class ExportOut(BaseModel):
    """What is kept of a booking and of who booked it. `contact` is null once it is erased.

    The family's other bookings are not told: whoever has the link has shown no more than that.

    Notification keeps which kinds of messages were sent about each booking and when, without their text or address.
    """

    contact: ContactOut | None
    known_since: datetime
    erased_at: datetime | None
    bookings: list[KeptOut]
    reads: list[ReadOut]


@router.get(
    "/bookings/{token}/export",
    response_model=ExportOut,
    responses=responses(rules.UnknownBooking, ProtectedFamily, KeysUnavailable),
)
async def export(token: Token, request: Request, running: Running) -> Response:
    """What is kept of the booking of a manage token, and of who booked it."""
    language = of_request(request)
    found = await family_export.export(running, token, language)
    made = ExportOut(
        contact=ContactOut(**vars(found.contact)) if found.contact else None,
        known_since=found.known_since,
        erased_at=found.erased_at,
        bookings=[
            KeptOut(
                **booking_out(found.booking.view, language),
                child_age=found.booking.child_age,
                booked_at=found.booking.booked_at,
                changed_at=found.booking.changed_at,
            )
        ],
        reads=[ReadOut(at=r["at"], role=r["role"], unit=r["unit"], what=r["what"]) for r in found.reads],
    )
    return JSONResponse(made.model_dump(mode="json"), headers={"Cache-Control": "no-store"})


@router.get(
    "/bookings/{token}/slots",
    response_model=SlotsOut,
    responses=responses(rules.UnknownBooking, rules.NotChangeable, NotOffered),
)
async def slots(token: Token, request: Request, running: Running, asked: Asking) -> Response:
    """Free starts to move a booking to, as among `/slots` but as if it were not there: its own time is free for it.

    Where it is already is listed for another way to meet alone.
    """
    view = await entry.look_up(running, token, of_request(request))
    rules.allow_change(view.status, view.start, running.clock())
    return await listed(request, running, view.offering, view.municipality, asked, view.moving)


@router.post(
    "/bookings/{token}/reschedule",
    response_model=BookingOut,
    responses=_start_responses(
        rules.UnknownBooking, rules.NotChangeable, PhoneNeeded, PhoneNotNeeded, ContactUnreadable, KeysUnavailable
    ),
)
async def reschedule(token: Token, body: RescheduleIn, request: Request, running: Running) -> Response:
    """Move a booking to another slot of its offering, or to another way to meet.

    The old time is given up only if the new one is taken.
    """
    language = of_request(request)
    view = await entry.reschedule(running, token, SlotId.parse(body.slot), body.modality, language, body.phone)
    return JSONResponse(booking_out(view, language))


@router.post(
    "/bookings/{token}/cancel",
    response_model=BookingOut,
    responses=responses(rules.UnknownBooking, rules.NotChangeable),
)
async def cancel(token: Token, request: Request, running: Running) -> Response:
    """Cancel a booking. Cancelling again changes nothing."""
    language = of_request(request)
    return JSONResponse(booking_out(await entry.cancel(running, token, language), language))


def install(app: FastAPI) -> None:
    """Let the refusal of a taken time list the nearest free ones, and that of a contact say how it is proved."""

    @app.exception_handler(rules.ProofNeeded)
    async def unproved(request: Request, refusal: rules.ProofNeeded) -> Response:
        return document(
            status=refusal.status,
            code=refusal.code,
            text=refusal.text(of_request(request)),
            extra={"proof": refusal.proof, "channel": refusal.channel},
        )

    @app.exception_handler(rules.SlotTaken)
    async def taken(request: Request, refusal: rules.SlotTaken) -> Response:
        language = of_request(request)
        nearest = [slot_out(free, language) for free in refusal.alternatives]
        return document(
            status=refusal.status, code=refusal.code, text=refusal.text(language), extra={"alternatives": nearest}
        )


def client_of(request: Request) -> str:
    """Who a request is counted for."""
    return door.client_of(request.scope)


def _hold_out(made: Hold) -> dict[str, Any]:
    return {"id": str(made.id), "slot": str(made.slot), "expires_at": instant(made.expires_at)}


def booking_out(view: View, language: Language) -> dict[str, Any]:
    """A booking as clients see it."""
    return {
        "reference": view.reference,
        "status": view.status,
        "sequence": view.sequence,
        "start": instant(view.start),
        "end": instant(view.end),
        "text": view.text(language),
        "offering": {"id": view.offering, "name": view.offering_name},
        "municipality": view.municipality,
        "advisor": {"id": view.advisor, "name": view.advisor_name},
        "modality": view.modality,
        "place": place_out(view.place),
    }
