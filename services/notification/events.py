"""What notification publishes: how each message stands, and nothing about whom it goes to or what it says."""

from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from kit.events import EventData, EventType
from notification.rules import Channel, Kind


class MessageChanged(EventData):
    """A message was planned, an attempt to send it ended, or it was dropped; instants are UTC.

    `version` grows with each fact about the message: a reader ignores one that is not above what it has. `code` says in
    a word why the last attempt failed, or why the message was dropped.
    """

    message: UUID
    version: int = Field(ge=1)
    booking: UUID
    sequence: int = Field(ge=0, description="the version of the booking that the message tells of")
    kind: Kind
    status: Literal["pending", "sent", "dropped", "dead"]
    channel: Channel | None = Field(None, description="by which way it was last tried; where it is sent, went")
    due_at: AwareDatetime
    sent_at: AwareDatetime | None = None
    attempts: int = Field(0, ge=0)
    code: str | None = Field(None, max_length=80)
    next_attempt_at: AwareDatetime | None = Field(None, description="while it is pending")

    @classmethod
    def of(cls, row: Any) -> "MessageChanged":
        """The fact that a stored message gives rise to."""
        return cls(
            message=row.id,
            version=row.version,
            booking=row.booking,
            sequence=row.sequence,
            kind=row.kind,
            status=row.status,
            channel=row.channel,
            due_at=row.due_at,
            sent_at=row.sent_at,
            attempts=row.attempts,
            code=row.last_error,
            next_attempt_at=row.next_attempt_at if row.status == "pending" else None,
        )


_MESSAGE = {
    "message": UUID("018f2f3e-0000-4000-8000-00000000000a"),
    "booking": UUID("018f2f3e-0000-4000-8000-000000000001"),
    "sequence": 0,
    "kind": "confirmation",
    "due_at": datetime(2026, 3, 2, 12, tzinfo=UTC),
}

MESSAGE_CHANGED = EventType(
    "events",
    "notification",
    "message-changed",
    MessageChanged,
    examples={
        "planned": MessageChanged(**_MESSAGE, version=1, status="pending", next_attempt_at=_MESSAGE["due_at"]),
        "failing": MessageChanged(
            **_MESSAGE,
            version=4,
            status="pending",
            channel="email",
            attempts=3,
            code="smtp_451",
            next_attempt_at=datetime(2026, 3, 2, 12, 1, tzinfo=UTC),
        ),
        "sent": MessageChanged(
            **_MESSAGE,
            version=2,
            status="sent",
            channel="sms",
            attempts=1,
            sent_at=datetime(2026, 3, 2, 12, 0, 1, tzinfo=UTC),
        ),
        "dead": MessageChanged(**_MESSAGE, version=2, status="dead", channel="email", attempts=1, code="smtp_550"),
    },
)

PUBLISHES = (MESSAGE_CHANGED,)
