"""Booking's answers to what notification asks at the moment of sending, whom to tell or which code. Stored nowhere."""

import json
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import nats.errors
from nats.aio.client import Client
from opentelemetry import propagate
from pydantic import AwareDatetime, Field, ValidationError, field_validator

from kit.events import Read
from kit.language import Language
from notification.rules import NotKnown, Status, TryLater

SUBJECT = "query.booking.contact"
CODE_SUBJECT = "query.booking.code"
TIMEOUT_SECONDS = 2


class Answer(Read):
    """`found` is false where the booking has been erased; `protected` where its family's identity is; `changed`
    where it is no code that is to be sent.
    """

    found: bool
    protected: bool = False
    changed: bool = False


class Protected(Read):
    """How one booking of a family of protected identity stands: that there is something to tell, never what."""

    status: Status
    sequence: int
    over: bool
    email: str | None
    phone: str | None
    language: Language
    help_phone: str | None


class Contact(Read):
    """How one booking stands now, and whom to tell. Instants are aware; `zone` is the IANA zone to tell them in."""

    status: Status
    sequence: int
    reference: str = Field(pattern="^[A-Z0-9]{4,16}$")
    name: str
    email: str | None
    phone: str | None
    language: Language
    manage_url: str
    start: AwareDatetime
    end: AwareDatetime
    zone: str
    offering: str
    advisor: str
    modality: Literal["video", "phone", "visit"]
    place: str | None
    municipality: str
    help_phone: str | None
    book_url: str | None = None

    @field_validator("zone")
    @classmethod
    def _exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("no such zone") from error
        return zone


class Changed(Read):
    """That a contact has another in its place: whom to tell."""

    to: str
    municipality: str | None
    help_phone: str | None
    expires_at: AwareDatetime


class Code(Changed):
    """A code, and the number or address that it goes to."""

    code: str = Field(pattern="^[0-9]{6}$")


async def ask(client: Client, booking: UUID) -> Contact | Protected | None:
    """The contact of a booking, or None where it has been erased.

    Raises NotKnown where nobody answers within two seconds or nobody can be asked, TryLater where the answer cannot be
    read: never a guess.
    """
    data = await _asked(client, SUBJECT, {"booking": str(booking)})
    try:
        answer = Answer.model_validate_json(data)
        if not answer.found:
            return None
        return (Protected if answer.protected else Contact).model_validate_json(data)
    except ValidationError:
        # Without its cause: pydantic's message repeats what could not be read, and that is personal.
        raise TryLater("unreadable_answer") from None


async def ask_code(client: Client, proof: UUID) -> Code | Changed | None:
    """The code of a proof or what it tells, or None where there is nothing to send any more. Raises as `ask`."""
    data = await _asked(client, CODE_SUBJECT, {"proof": str(proof)})
    try:
        answer = Answer.model_validate_json(data)
        if not answer.found:
            return None
        return (Changed if answer.changed else Code).model_validate_json(data)
    except ValidationError:
        raise TryLater("unreadable_answer") from None


async def _asked(client: Client, subject: str, question: dict[str, str]) -> bytes:
    if not client.is_connected:
        raise NotKnown("no_answer")
    headers: dict[str, str] = {}
    propagate.inject(headers)
    try:
        reply = await client.request(subject, json.dumps(question).encode(), timeout=TIMEOUT_SECONDS, headers=headers)
    except (nats.errors.Error, TimeoutError) as error:
        raise NotKnown("no_answer") from error
    return bytes(reply.data)
