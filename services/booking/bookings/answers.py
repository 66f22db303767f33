"""What booking tells notification when it asks whom to tell about a booking, at the moment of sending.

The only message of the system that says who a family is: it goes from one service to the other and is stored nowhere.
"""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from booking.events import Modality
from kit.events import EventData, Read
from kit.language import Language


class ContactQuestion(Read):
    booking: UUID


class NoContact(EventData):
    """The booking has been erased, or never was."""

    found: Literal[False]


class ProtectedContact(EventData):
    """How to tell a family of protected identity that there is a message, and nothing of what about."""

    found: Literal[True]
    protected: Literal[True]
    status: Literal["confirmed", "fulfilled", "no_show", "cancelled"]
    sequence: int = Field(ge=0)
    over: bool = Field(description="whether the time has passed, so that there is nothing left to tell")
    email: str | None
    phone: str | None = Field(description="E.164")
    language: Language
    help_phone: str | None = Field(description="whom to call to be told; E.164")


class Contact(EventData):
    """The booking as it is now, and whom to tell. Instants are UTC; `zone` is the IANA zone to tell them in."""

    found: Literal[True]
    status: Literal["confirmed", "fulfilled", "no_show", "cancelled"]
    sequence: int = Field(ge=0)
    reference: str
    name: str
    email: str | None
    phone: str | None = Field(description="E.164")
    language: Language
    manage_url: str = Field(description="whoever has it manages the booking")
    start: AwareDatetime
    end: AwareDatetime
    zone: str
    offering: str = Field(description="its name in the family's language")
    advisor: str = Field(description="the name")
    modality: Modality
    place: str | None = Field(description="name and address of the centre of a visit")
    municipality: str = Field(description="the name")
    help_phone: str | None = Field(description="for those who would rather call; E.164")
    book_url: str | None = Field(None, description="where another time can be booked")
