"""Notification's facts about messages, kept as booking's own copy. They come twice and in any order."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncConnection

from booking.messages import service
from booking.messages.tables import Message
from booking.roles import MESSAGES, SERVICE
from kit import database
from kit.events import CloudEvent, Read
from kit.messaging import Handler, Reads


class Changed(Read):
    """How a message stands after the fact; `version` is the message's."""

    message: UUID
    version: int
    booking: UUID
    sequence: int
    kind: Literal["confirmation", "change", "cancellation", "reminder_5d", "reminder_24h"]
    status: Literal["pending", "sent", "dropped", "dead"]
    channel: Literal["email", "sms"] | None = None
    due_at: AwareDatetime
    sent_at: AwareDatetime | None = None
    attempts: int = 0
    code: str | None = None
    next_attempt_at: AwareDatetime | None = None


async def on_changed(connection: AsyncConnection, event: CloudEvent[Changed], now: datetime) -> None:
    """Keep it, unless something later is known, and weigh whether the family was reached."""
    fields = {name: value for name, value in vars(event.data).items() if name != "message"}
    message = Message(id=event.data.message, **fields, changed_at=event.time)
    driver = await database.driver_of(connection)
    await database.tell(driver, role=MESSAGES, booking=str(message.booking))
    await service.told(driver, message, now)


READS = Reads(
    SERVICE,
    stream="EVENTS",
    subjects="events.notification.>",
    handlers={"se.samtid.notification.message-changed.v1": Handler(Changed, on_changed)},
)
