"""What booking publishes: facts about bookings and about free time, without a word about who the family is.

`sequence` is the booking's version: 0 when it is confirmed, one more with each change; a reader ignores a fact whose
sequence is not above the one it has. Instants are UTC; `zone` is the IANA zone in which they were agreed.
"""

from datetime import UTC, date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from kit.events import EventData, EventType
from kit.language import Language

Modality = Literal["video", "phone", "visit"]


class Booked(EventData):
    """A booking as it stands after the fact."""

    booking: UUID
    sequence: int = Field(ge=0)
    offering: str
    municipality: str
    advisor: str
    modality: Modality
    place: str | None = Field(None, description="the centre of a visit")
    start: AwareDatetime
    end: AwareDatetime
    zone: str


class Confirmed(Booked):
    """A time was booked."""

    first: bool = Field(True, description="whether it is the family's first; a follow-up is not")


class Rescheduled(Booked):
    """A booking was moved; it was at `previous_start` before."""

    previous_start: AwareDatetime


class Cancelled(Booked):
    """A booking was cancelled; `late` where it was within the offering's cancellation limit."""

    late: bool
    by: Literal["family", "staff"]
    reason: Literal["advisor_away", "family_asked", "double", "other"] | None = Field(
        None, description="why staff cancelled; says nothing of anybody's health"
    )


class FamilyErased(EventData):
    """A family asked to be erased, and is: for whoever reads a backup back. The id is known to nobody else."""

    family: UUID


class ProofAsked(EventData):
    """Somebody is to show that a contact is theirs, by a code that is sent to it: booking tells who asks for it.

    It is worth nothing from `expires_at` on, an instant in UTC.
    """

    proof: UUID
    channel: Literal["email", "sms"]
    language: Language
    expires_at: AwareDatetime


class ContactChanged(EventData):
    """A contact has another in its place, and is to be told so. Booking tells where, to who asks for the `proof`.

    It is told no more from `expires_at` on, an instant in UTC.
    """

    proof: UUID
    channel: Literal["email", "sms"]
    language: Language
    expires_at: AwareDatetime


class Fulfilled(Booked):
    """The family was met."""


class NoShow(Booked):
    """The family did not come, or did not answer."""


class Reopened(Booked):
    """What was noted of the outcome was taken back on the same day: the booking is confirmed again."""


class MessageResendRequested(EventData):
    """Staff want a message sent again that nobody got: the one that they saw at `version`, and no later state of it."""

    message: UUID
    version: int = Field(ge=1)
    booking: UUID


class Attention(EventData):
    """Something about a booking that staff of `unit` have to look at, until it is dealt with.

    `not_reached`: a message about it reached nobody. `owner` is the advisor who is to meet the family, and `due` the
    instant of that, in UTC.
    """

    attention: UUID
    kind: Literal["not_reached"]
    unit: str
    booking: UUID
    owner: str
    since: AwareDatetime
    due: AwareDatetime


class AttentionRaised(Attention):
    """It came up."""


class AttentionSettled(Attention):
    """It is dealt with, or of no use any more; it may arrive before it was raised."""

    why: Literal["reached", "handled", "past"]


class SearchesCounted(EventData):
    """Families searched for a time: how often since the last such fact of one process, and how often in vain.

    `day` is a local day in Sweden. Searches by staff are not counted.
    """

    municipality: str
    offering: str
    day: date
    searches: int = Field(ge=1)
    found_nothing: int = Field(ge=0)


class AvailabilityMeasured(EventData):
    """What a family would have been offered at an instant: the first free start and the third, null where none is.

    What others hold just then is not free.
    """

    municipality: str
    offering: str
    at: AwareDatetime
    next: AwareDatetime | None
    third_next: AwareDatetime | None


_BOOKED: dict[str, Any] = {
    "booking": UUID("018f2f3e-0000-4000-8000-000000000001"),
    "offering": "foraldrasamtal",
    "municipality": "1266",
    "advisor": "maria-ek",
    "zone": "Europe/Stockholm",
}
_FIRST = {"start": datetime(2026, 3, 30, 7, tzinfo=UTC), "end": datetime(2026, 3, 30, 7, 45, tzinfo=UTC)}
_SECOND = {"start": datetime(2026, 4, 1, 12, tzinfo=UTC), "end": datetime(2026, 4, 1, 12, 45, tzinfo=UTC)}

CONFIRMED = EventType(
    "events",
    "booking",
    "confirmed",
    Confirmed,
    examples={
        "video": Confirmed(**_BOOKED, **_FIRST, sequence=0, modality="video"),
        "visit": Confirmed(**_BOOKED, **_FIRST, sequence=0, modality="visit", place="bvc-horby"),
    },
)
RESCHEDULED = EventType(
    "events",
    "booking",
    "rescheduled",
    Rescheduled,
    examples={"later": Rescheduled(**_BOOKED, **_SECOND, sequence=1, modality="video", previous_start=_FIRST["start"])},
)
CANCELLED = EventType(
    "events",
    "booking",
    "cancelled",
    Cancelled,
    examples={
        "in-time": Cancelled(**_BOOKED, **_SECOND, sequence=2, modality="video", late=False, by="family"),
        "by-staff": Cancelled(
            **_BOOKED, **_SECOND, sequence=2, modality="video", late=True, by="staff", reason="advisor_away"
        ),
    },
)
FULFILLED = EventType(
    "events",
    "booking",
    "fulfilled",
    Fulfilled,
    examples={"visit": Fulfilled(**_BOOKED, **_FIRST, sequence=1, modality="visit", place="bvc-horby")},
)
NO_SHOW = EventType(
    "events",
    "booking",
    "no-show",
    NoShow,
    examples={"phone": NoShow(**_BOOKED, **_FIRST, sequence=1, modality="phone")},
)
REOPENED = EventType(
    "events",
    "booking",
    "reopened",
    Reopened,
    examples={"same-day": Reopened(**_BOOKED, **_FIRST, sequence=2, modality="phone")},
)
MESSAGE_RESEND_REQUESTED = EventType(
    "events",
    "booking",
    "message-resend-requested",
    MessageResendRequested,
    examples={
        "dead": MessageResendRequested(
            message=UUID("018f2f3e-0000-4000-8000-00000000000a"), version=3, booking=_BOOKED["booking"]
        )
    },
)
_ATTENTION: dict[str, Any] = {
    "attention": UUID("018f2f3e-0000-4000-8000-00000000000b"),
    "kind": "not_reached",
    "unit": "horby-familjestod",
    "booking": _BOOKED["booking"],
    "owner": "maria-ek",
    "since": datetime(2026, 3, 2, 12, tzinfo=UTC),
    "due": _FIRST["start"],
}
ATTENTION_RAISED = EventType(
    "events", "booking", "attention-raised", AttentionRaised, examples={"dead": AttentionRaised(**_ATTENTION)}
)
ATTENTION_SETTLED = EventType(
    "events",
    "booking",
    "attention-settled",
    AttentionSettled,
    examples={
        "handled": AttentionSettled(**_ATTENTION, why="handled"),
        "reached": AttentionSettled(**_ATTENTION, why="reached"),
    },
)
SEARCHES_COUNTED = EventType(
    "events",
    "booking",
    "searches-counted",
    SearchesCounted,
    examples={
        "some-in-vain": SearchesCounted(
            municipality="1266", offering="foraldrasamtal", day=date(2026, 3, 2), searches=12, found_nothing=3
        )
    },
)
AVAILABILITY_MEASURED = EventType(
    "events",
    "booking",
    "availability-measured",
    AvailabilityMeasured,
    examples={
        "free": AvailabilityMeasured(
            municipality="1266",
            offering="foraldrasamtal",
            at=datetime(2026, 3, 2, 5, tzinfo=UTC),
            next=_FIRST["start"],
            third_next=_SECOND["start"],
        ),
        "full": AvailabilityMeasured(
            municipality="1266",
            offering="foraldrasamtal",
            at=datetime(2026, 3, 2, 5, tzinfo=UTC),
            next=None,
            third_next=None,
        ),
    },
)

FAMILY_ERASED = EventType(
    "events",
    "booking",
    "family-erased",
    FamilyErased,
    examples={"asked": FamilyErased(family=UUID("3f0b0b5c-6a0c-4a4e-8a44-0b8f7a1f2c11"))},
)
PROOF_ASKED = EventType(
    "events",
    "booking",
    "proof-asked",
    ProofAsked,
    examples={
        "number": ProofAsked(
            proof=UUID("018f2f3e-0000-4000-8000-00000000000c"),
            channel="sms",
            language="sv",
            expires_at=datetime(2026, 3, 2, 7, 10, tzinfo=UTC),
        )
    },
)
CONTACT_CHANGED = EventType(
    "events",
    "booking",
    "contact-changed",
    ContactChanged,
    examples={
        "address": ContactChanged(
            proof=UUID("018f2f3e-0000-4000-8000-00000000000d"),
            channel="email",
            language="sv",
            expires_at=datetime(2026, 3, 3, 7, tzinfo=UTC),
        )
    },
)

PUBLISHES = (
    CONFIRMED,
    RESCHEDULED,
    CANCELLED,
    FULFILLED,
    NO_SHOW,
    REOPENED,
    MESSAGE_RESEND_REQUESTED,
    ATTENTION_RAISED,
    ATTENTION_SETTLED,
    SEARCHES_COUNTED,
    AVAILABILITY_MEASURED,
    FAMILY_ERASED,
    PROOF_ASKED,
    CONTACT_CHANGED,
)
