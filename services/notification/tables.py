"""The tables of notification: which messages there are to send, and nothing about whom they go to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context
from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    Row,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    delete,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate
from sqlalchemy.sql.elements import ColumnElement

from kit import database, outbox
from kit import inbox as inbox_table
from kit.language import Language
from notification import events
from notification.roles import DELIVERY
from notification.rules import Channel, Kind

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

STATUSES = ("pending", "sent", "dropped", "dead")

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
    # By which way it was last tried, and by which it will never reach the family.
    Column("channel", Text),
    Column("refused", Text),
    # One more with each fact that is told of it.
    Column("version", Integer, nullable=False, server_default="1"),
    UniqueConstraint("booking", "sequence", "kind"),
    CheckConstraint("kind in ('confirmation', 'change', 'cancellation', 'reminder_5d', 'reminder_24h')", name="kind"),
    CheckConstraint("status in ('pending', 'sent', 'dropped', 'dead')", name="status"),
    CheckConstraint("channel in ('email', 'sms')", name="channel"),
    CheckConstraint("refused in ('email', 'sms')", name="refused"),
)
Index("message_due", message_table.c.next_attempt_at, postgresql_where=message_table.c.status == "pending")
# What is measured each ten seconds.
Index(
    "message_open",
    message_table.c.status,
    message_table.c.due_at,
    postgresql_where=message_table.c.status.in_(["pending", "dead"]),
)

# An attempt is written before a server is spoken to and outside the claim's transaction: if the process dies in
# between, this is the only trace of it. It names a message without a foreign key, whose check would wait for the claim.
attempt_table = Table(
    "attempt",
    metadata,
    Column("message", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("begun_at", DateTime(timezone=True), nullable=False),
)

# The codes that are still to be sent, by the proof that each is for; the code itself is asked for and never kept.
code_table = Table(
    "code",
    metadata,
    Column("proof", Uuid, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False),
    Column("trace", JSONB, nullable=False),
    CheckConstraint("channel in ('email', 'sms')", name="channel"),
    CheckConstraint("language in ('sv', 'en')", name="language"),
    Index("code_due", "next_attempt_at"),
)


@dataclass(frozen=True)
class Message:
    """A message that is due. `trace` carries the context of the event that gave rise to it."""

    id: UUID
    booking: UUID
    sequence: int
    kind: Kind
    due_at: datetime
    attempts: int
    last_error: str | None
    refused: Channel | None
    trace: Mapping[str, str]


@dataclass(frozen=True)
class DueCode:
    """A code that is due. `trace` carries the context of the event that asked for it."""

    proof: UUID
    channel: Channel
    language: Language
    asked_at: datetime
    expires_at: datetime
    attempts: int
    trace: Mapping[str, str]


# What a fact tells of a message.
_TOLD = tuple(
    message_table.c[name]
    for name in (
        *("id", "version", "booking", "sequence", "kind", "channel", "status"),
        *("due_at", "sent_at", "attempts", "last_error", "next_attempt_at"),
    )
)
_ONE_MORE = {"version": message_table.c.version + 1}


# A trace is read for how a booking led to its message; that this was written down, and read, would hide it.
_UNTRACED = set_span_in_context(
    NonRecordingSpan(SpanContext(1, 1, is_remote=False, trace_flags=TraceFlags(0))), Context()
)
Change = ReturningInsert[Any] | ReturningUpdate[Any]


async def _tell(connection: AsyncConnection, statement: Change, now: datetime) -> list[UUID]:
    """Change messages, and write a fact about each of them; which they were."""
    rows = (await connection.execute(statement)).all()
    token = attach(_UNTRACED)
    try:
        facts = [
            outbox.row(events.MESSAGE_CHANGED, entity_id=str(row.id), data=events.MessageChanged.of(row), now=now)
            for row in rows
        ]
    finally:
        detach(token)
    await outbox.add(connection, outbox_table, facts)
    return [row.id for row in rows]


async def advance(connection: AsyncConnection, booking: UUID, sequence: int, now: datetime) -> bool:
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
    dropped = update(message_table).where(message_table.c.id.in_(older))
    dropped = dropped.values(status="dropped", last_error="superseded", **_ONE_MORE)
    await _tell(connection, dropped.returning(*_TOLD), now)
    return True


async def add(
    connection: AsyncConnection,
    booking: UUID,
    sequence: int,
    due: Mapping[Kind, datetime],
    trace: Mapping[str, str],
    now: datetime,
) -> None:
    """Write the messages of one version of a booking."""
    planned = insert(message_table).values(
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
        ]
    )
    await _tell(connection, planned.on_conflict_do_nothing().returning(*_TOLD), now)


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


# Some will be dead for ever, since what they say is over: an alarm must not go on for these.
DEAD_COUNTED = timedelta(days=7)
# The statuses stand in it, and not beside it: a plan that must hold for each status would read the whole table.
_WAITING = text("""
    select (select min(due_at) from message where status = 'pending' and due_at <= :now) as due,
        (select count(*) from message where status = 'dead' and due_at > :since) as dead
""")


async def waiting(connection: AsyncConnection, now: datetime) -> tuple[float, int]:
    """How many seconds the message due longest has waited to be sent, and how many of a week reached nobody."""
    row = (await connection.execute(_WAITING, {"now": now, "since": now - DEAD_COUNTED})).one()
    return (now - row.due).total_seconds() if row.due else 0.0, row.dead


async def begin_attempt(engine: AsyncEngine, message: Message, now: datetime) -> bool:
    """Note, in a transaction of its own, that a server is about to be spoken to.

    False where this attempt was begun before and never ended: the family may have the message already.
    """
    statement = insert(attempt_table).values(message=message.id, number=message.attempts + 1, begun_at=now)
    async with database.begin(engine, role=DELIVERY) as connection:
        made = await connection.execute(statement.on_conflict_do_nothing().returning(attempt_table.c.message))
        return made.first() is not None


async def settle(
    connection: AsyncConnection, message: Message, now: datetime, *, counted: bool = True, **values: Any
) -> None:
    """Write how an attempt ended. One that is not `counted` spoke to no server, and is told of once, not each time."""
    changed = update(message_table).where(message_table.c.id == message.id).values(**values)
    if counted:
        changed = changed.values(attempts=message.attempts + 1)
    elif values.get("status") == "pending" and values.get("last_error") == message.last_error:
        await connection.execute(changed)
        return
    await _tell(connection, changed.values(_ONE_MORE).returning(*_TOLD), now)


async def dead(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> Sequence[Row[Any]]:
    """The messages that reached nobody, in the order in which they were due."""
    found = select(*_TOLD).where(message_table.c.status == "dead", *conditions)
    return (await connection.execute(found.order_by(message_table.c.due_at, message_table.c.id))).all()


async def send_again(
    connection: AsyncConnection, now: datetime, *conditions: ColumnElement[bool], version: int | None = None
) -> list[UUID]:
    """Make dead messages pending, as if they were planned now; which. With a `version` only what is still at it."""
    dead = select(message_table.c.id).where(message_table.c.status == "dead", *conditions)
    if version is not None:
        dead = dead.where(message_table.c.version == version)
    ids = (await connection.scalars(dead.with_for_update(skip_locked=True))).all()
    await connection.execute(delete(attempt_table).where(attempt_table.c.message.in_(ids)))
    again = update(message_table).where(message_table.c.id.in_(ids))
    again = again.values(
        status="pending", attempts=0, next_attempt_at=now, last_error=None, channel=None, refused=None, **_ONE_MORE
    )
    return await _tell(connection, again.returning(*_TOLD), now)


async def add_code(connection: AsyncConnection, code: DueCode) -> None:
    """Have a code sent, once."""
    values = {**vars(code), "trace": dict(code.trace), "next_attempt_at": code.asked_at}
    await connection.execute(insert(code_table).values(values).on_conflict_do_nothing())


async def claim_code(connection: AsyncConnection, now: datetime) -> DueCode | None:
    """The code that has been due longest, locked as by `claim`."""
    statement = (
        select(*(code_table.c[name] for name in DueCode.__dataclass_fields__))
        .where(code_table.c.next_attempt_at <= now)
        .order_by(code_table.c.next_attempt_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await connection.execute(statement)).first()
    return DueCode(**row._mapping) if row else None  # noqa: SLF001 - SQLAlchemy's documented name


async def settle_code(connection: AsyncConnection, code: DueCode, again: datetime | None) -> None:
    """Have a code sent `again` then, or forget it."""
    mine = code_table.c.proof == code.proof
    if again is None:
        await connection.execute(delete(code_table).where(mine))
    else:
        later = update(code_table).where(mine).values(next_attempt_at=again, attempts=code.attempts + 1)
        await connection.execute(later)
