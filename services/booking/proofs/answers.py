"""What booking tells notification when it asks for a code, at the moment of sending. It is stored nowhere."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from kit.events import EventData, Read


class CodeQuestion(Read):
    proof: UUID


class NoCode(EventData):
    """There is nothing to send: the code is over or used, or its family was erased."""

    found: Literal[False]


class Changed(EventData):
    """That another contact took the place of this one: where that is told."""

    found: Literal[True]
    changed: Literal[True]
    to: str = Field(description="the number, as E.164, or the address")
    municipality: str | None = Field(description="the name, where the family has to do with one alone")
    help_phone: str | None = Field(description="that municipality's number; E.164")
    expires_at: AwareDatetime


class Code(EventData):
    """A code, and the one number or address that it goes to."""

    found: Literal[True]
    code: str = Field(pattern="^[0-9]{6}$")
    to: str = Field(description="the number, as E.164, or the address")
    municipality: str | None = Field(description="the name, where the family has to do with one alone")
    help_phone: str | None = Field(description="that municipality's number; E.164")
    expires_at: AwareDatetime
