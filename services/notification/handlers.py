"""What notification does with facts about bookings: it plans messages. Facts come twice and in any order."""

from datetime import datetime
from functools import partial
from uuid import UUID

from opentelemetry import propagate
from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncConnection

from kit.events import CloudEvent, Read
from kit.language import Language
from kit.messaging import Handler, Reads
from notification import rules, tables


class Booked(Read):
    """What the messages depend on. `sequence` is the version of the booking after the fact."""

    booking: UUID
    sequence: int
    start: AwareDatetime


class Resend(Read):
    """A member of staff wants a message sent again that they saw at `version`."""

    message: UUID
    version: int


class ProofAsked(Read):
    """A code, or that a contact was changed, is to be sent, by this way and no other, and not from `expires_at` on."""

    proof: UUID
    channel: rules.Channel
    language: Language
    expires_at: AwareDatetime


async def on_booking(fact: rules.Fact, connection: AsyncConnection, event: CloudEvent[Booked], now: datetime) -> None:
    """A word of the fact now and, unless it is a cancellation, reminders later; what older facts planned is dropped."""
    booked = event.data
    if not await tables.advance(connection, booked.booking, booked.sequence, now):
        return
    trace: dict[str, str] = {}
    propagate.inject(trace)
    # Planned from the time of the fact, not of its arrival: every order of arrival then gives the same messages.
    due = rules.messages(fact, event.time, booked.start)
    await tables.add(connection, booked.booking, booked.sequence, due, trace, now)


async def on_resend(connection: AsyncConnection, event: CloudEvent[Resend], now: datetime) -> None:
    """Send a dead message again. What is not dead any more, or died again meanwhile, is left as it is."""
    wanted = tables.message_table.c.id == event.data.message
    await tables.send_again(connection, now, wanted, version=event.data.version)


async def on_proof(connection: AsyncConnection, event: CloudEvent[ProofAsked], now: datetime) -> None:
    """Send a code at once; one that comes too late is nobody's."""
    asked = event.data
    if asked.expires_at <= now:
        return
    trace: dict[str, str] = {}
    propagate.inject(trace)
    await tables.add_code(
        connection,
        tables.DueCode(asked.proof, asked.channel, asked.language, event.time, asked.expires_at, 0, trace),
    )


READS = (
    Reads(
        "notification",
        stream="EVENTS",
        subjects="events.booking.>",
        handlers={
            "se.samtid.booking.confirmed.v1": Handler(Booked, partial(on_booking, "confirmed")),
            "se.samtid.booking.rescheduled.v1": Handler(Booked, partial(on_booking, "rescheduled")),
            "se.samtid.booking.cancelled.v1": Handler(Booked, partial(on_booking, "cancelled")),
            "se.samtid.booking.message-resend-requested.v1": Handler(Resend, on_resend),
            "se.samtid.booking.proof-asked.v1": Handler(ProofAsked, on_proof),
            "se.samtid.booking.contact-changed.v1": Handler(ProofAsked, on_proof),
        },
    ),
)
