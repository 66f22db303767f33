"""The use cases of messages: what follows from how they stand, and sending them again. The caller commits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from booking import events
from booking.bookings.service import View, view_of
from booking.messages import rules, tables
from booking.messages.tables import Message
from kit import outbox
from kit.access import Person
from kit.database import Connection
from kit.language import Language


@dataclass(frozen=True)
class NotReached:
    """A booking whose family was not reached, and by which messages; `attention` is the id of its place on the list."""

    attention: UUID
    view: View
    messages: Sequence[Message]


async def told(connection: Connection, message: Message, now: datetime) -> None:
    """Keep what notification said of a message, and what follows from it for staff."""
    await tables.lock(connection, message.booking)
    if not await tables.keep(connection, message):
        return
    if message.sent_at is not None:
        settled = await tables.settle_booking(connection, message.booking, message.sent_at, now)
        await _tell_settled(connection, settled, now)
    elif not await _weigh(connection, message, now):
        await tables.move(connection, message.booking)


async def weigh(connection: Connection, booking: UUID, now: datetime) -> None:
    """Weigh again whether a booking's messages reached somebody: what fails is told once, and time goes on."""
    await tables.lock(connection, booking)
    for message in await tables.of_booking(connection, booking):
        if message.status == "pending":
            await _weigh(connection, message, now)


async def _weigh(connection: Connection, message: Message, now: datetime) -> bool:
    """Whether the message reached nobody; staff are then to know."""
    start = await tables.start_of(connection, message.booking)
    if start is None or not rules.reached_nobody(
        message.status, message.code, due=message.due_at, start=start, now=now
    ):
        return False
    own = await tables.is_own(connection, message.booking, rules.TELLS.get(message.kind))
    if rules.is_known(message.kind, message.code, own=own):
        return False
    raised = await tables.raise_attention(connection, message)
    if raised is not None:
        data = events.AttentionRaised(**_attention(raised))
        fact = outbox.row(events.ATTENTION_RAISED, entity_id=str(raised["id"]), data=data, now=now)
        await outbox.write(connection, fact)
    return True


async def not_reached(connection: Connection, language: Language) -> list[NotReached]:
    """The bookings that the transaction sees and whose families were not reached, the soonest first."""
    rows = await tables.open_bookings(connection)
    messages = await tables.unreached(connection, [row["id"] for row in rows])
    return [NotReached(row["attention"], view_of(row, language), messages.get(row["id"], ())) for row in rows]


def resendable(messages: Sequence[Message]) -> list[Message]:
    """Of a booking's messages those that can be sent again: they died, and are about the booking as it is now."""
    newest = max((message.sequence for message in messages), default=0)
    return [message for message in messages if message.status == "dead" and message.sequence == newest]


async def send_again(connection: Connection, booking: UUID, now: datetime) -> int:
    """Ask notification to send the dead messages of a booking that the transaction sees; how many there are.

    Asked twice for the same, it sends once.
    """
    dead = resendable(await tables.of_booking(connection, booking))
    for message in dead:
        data = events.MessageResendRequested(message=message.id, version=message.version, booking=booking)
        fact = outbox.row(events.MESSAGE_RESEND_REQUESTED, entity_id=str(message.id), data=data, now=now)
        await outbox.write(connection, fact)
    return len(dead)


async def handled(connection: Connection, person: Person, attention: UUID, now: datetime) -> None:
    """Note that the person has dealt with what the transaction sees. Again changes nothing."""
    await _tell_settled(connection, await tables.settle(connection, attention, person.id, now), now)


async def settle_past(connection: Connection, now: datetime) -> None:
    """Settle what is of no use any more, because the time has come."""
    await _tell_settled(connection, await tables.settle_past(connection, now), now)


async def _tell_settled(connection: Connection, settled: Iterable[asyncpg.Record], now: datetime) -> None:
    for row in settled:
        data = events.AttentionSettled(**_attention(row), why=row["why"])
        fact = outbox.row(events.ATTENTION_SETTLED, entity_id=str(row["id"]), data=data, now=now)
        await outbox.write(connection, fact)


def _attention(row: asyncpg.Record) -> dict[str, object]:
    names = ("kind", "unit", "booking", "owner", "since", "due")
    return {"attention": row["id"], **{name: row[name] for name in names}}
