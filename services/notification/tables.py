"""The tables of notification: which messages there are to send, and nothing about whom they go to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit import database, outbox
from kit import inbox as inbox_table
from notification.roles import DELIVERY
from notification.rules import Kind

metadata = database.metadata()
inbox = inbox_table.table(metadata)
outbox_table = outbox.table(metadata)

# The highest version seen of each booking: what arrives late about an older one changes nothing.
booking_table = Table(
    "booking",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("sequence", Integer, nullable=False),
)

message_table = Table(
    "message",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("booking", Uuid, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("status", Text, nullable=False, server_default="pending"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False),
    Column("last_error", Text),
    Column("trace", JSONB, nullable=False),
    Column("sent_at", DateTime(timezone=True)),
    UniqueConstraint("booking", "sequence", "kind"),
    CheckConstraint("kind in ('confirmation', 'change', 'cancellation', 'reminder_5d', 'reminder_24h')", name="kind"),
    CheckConstraint("status in ('pending', 'sent', 'dropped', 'dead')", name="status"),
)
Index("message_due", message_table.c.next_attempt_at, postgresql_where=message_table.c.status == "pending")

# An attempt is written before a server is spoken to and outside the claim's transaction: if the process dies in
# between, this is the only trace of it. It names a message without a foreign key, whose check would wait for the claim.
attempt_table = Table(
    "attempt",
    metadata,
    Column("message", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("begun_at", DateTime(timezone=True), nullable=False),
)


@dataclass(frozen=True)
class Message:
    """A message that is due. `trace` carries the context of the event that gave rise to it."""

    id: UUID
    booking: UUID
    sequence: int
    kind: Kind
    attempts: int
    trace: Mapping[str, str]


async def advance(connection: AsyncConnection, booking: UUID, sequence: int) -> bool:
    """Note that `booking` is at `sequence`, and drop what waits for older ones; False where it was there before.

    A message that is being sent just now is passed over: whoever sends it learns from booking that it is superseded.
    """
    statement = insert(booking_table).values(id=booking, sequence=sequence)
    statement = statement.on_conflict_do_update(
        index_elements=["id"],
        set_={"sequence": statement.excluded.sequence},
        where=booking_table.c.sequence < statement.excluded.sequence,
    )
    if (await connection.execute(statement.returning(booking_table.c.id))).first() is None:
        return False
    older = (
        select(message_table.c.id)
        .where(
            message_table.c.booking == booking,
            message_table.c.sequence < sequence,
            message_table.c.status == "pending",
        )
        .with_for_update(skip_locked=True)
    )
    await connection.execute(
        update(message_table).where(message_table.c.id.in_(older)).values(status="dropped", last_error="superseded")
    )
    return True


async def add(
    connection: AsyncConnection, booking: UUID, sequence: int, due: Mapping[Kind, datetime], trace: Mapping[str, str]
) -> None:
    """Write the messages of one version of a booking."""
    await connection.execute(
        insert(message_table).on_conflict_do_nothing(),
        [
            {
                "id": uuid4(),
                "booking": booking,
                "sequence": sequence,
                "kind": kind,
                "due_at": at,
                "next_attempt_at": at,
                "trace": dict(trace),
            }
            for kind, at in due.items()
        ],
    )


async def claim(connection: AsyncConnection, now: datetime) -> Message | None:
    """The message that has been due longest, locked until the transaction ends; others pass over it meanwhile."""
    statement = (
        select(*(message_table.c[name] for name in Message.__dataclass_fields__))
        .where(message_table.c.status == "pending", message_table.c.next_attempt_at <= now)
        .order_by(message_table.c.next_attempt_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await connection.execute(statement)).first()
    return Message(**row._mapping) if row else None  # noqa: SLF001 - SQLAlchemy's documented name


async def begin_attempt(engine: AsyncEngine, message: Message, now: datetime) -> bool:
    """Note, in a transaction of its own, that a server is about to be spoken to.

    False where this attempt was begun before and never ended: the family may have the message already.
    """
    statement = insert(attempt_table).values(message=message.id, number=message.attempts + 1, begun_at=now)
    async with database.begin(engine, role=DELIVERY) as connection:
        made = await connection.execute(statement.on_conflict_do_nothing().returning(attempt_table.c.message))
        return made.first() is not None


async def settle(connection: AsyncConnection, message: Message, **values: Any) -> None:
    """Write how an attempt ended."""
    await connection.execute(
        update(message_table).where(message_table.c.id == message.id).values(attempts=message.attempts + 1, **values)
    )
