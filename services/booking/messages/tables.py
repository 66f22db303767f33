"""The statements about messages and what there is to attend to. Which rows a transaction sees, the database decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

import asyncpg

from booking.bookings.tables import VIEW
from kit.database import Connection

_KEEP = """
insert into message (id, version, booking, sequence, kind, status, channel, due_at, sent_at, attempts, code,
                     next_attempt_at, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (id) do update set version = excluded.version, status = excluded.status, channel = excluded.channel,
    sent_at = excluded.sent_at, attempts = excluded.attempts, code = excluded.code,
    next_attempt_at = excluded.next_attempt_at, changed_at = excluded.changed_at
where message.version < excluded.version
returning id
"""
_OPEN = """
insert into attention (id, kind, booking, unit, owner, since, due)
select $1, 'not_reached', b.id, b.unit, b.advisor, $3, b.start_at
from booking b
where b.id = $2 and (b.status = 'confirmed' or b.status = $4)
    and not exists (select from message m where m.booking = b.id and m.sent_at >= $3)
    and not exists (
        select from attention a where a.booking = b.id
            and (a.why = 'handled' and a.settled_at > $5 or a.why = 'past' and a.due >= b.start_at)
    )
on conflict (booking, kind) where settled_at is null do nothing
returning *
"""
_SETTLED = "update attention set settled_at = $2, why = $3, staff = $4 where settled_at is null and {} returning *"
# One that is settled because the time had come is still so, unless the family came.
_OF = """
select a.booking from attention a join booking b on b.id = a.booking
where a.booking = any($1) and (a.settled_at is null or a.why = 'past' and b.status <> 'fulfilled')
"""
_FAILING = """
select distinct m.booking from message m
where m.status = 'pending' and m.code is not null
    and not exists (select from attention a where a.booking = m.booking and a.settled_at is null)
"""
_OWN = """
select staff is null or reason is not distinct from 'family_asked' from booking_change
where booking = $1 and what = $2 order by at desc limit 1
"""
# Of a booking's messages those about it as it is now.
_UNREACHED = """
select * from message
where booking = any($1) and (status = 'dead' or status = 'pending' and code is not null)
    and sequence = (select max(n.sequence) from message n where n.booking = message.booking)
order by due_at
"""


@dataclass(frozen=True)
class Message:
    """How a message stands; instants in UTC. `code` says why it was not sent, `next_attempt_at` when it is tried.

    `changed_at` is since when it stands so, where that is known.
    """

    id: UUID
    version: int
    booking: UUID
    sequence: int
    kind: Literal["confirmation", "change", "cancellation", "reminder_5d", "reminder_24h"]
    status: Literal["pending", "sent", "dropped", "dead"]
    channel: Literal["email", "sms"] | None
    due_at: datetime
    sent_at: datetime | None
    attempts: int
    code: str | None
    next_attempt_at: datetime | None
    changed_at: datetime | None


Why = Literal["reached", "handled", "past"]


async def lock(connection: Connection, booking: UUID) -> None:
    """Let what is told about one booking be weighed one at a time, until the transaction ends."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"message {booking}")


async def keep(connection: Connection, message: Message) -> bool:
    """Keep what a fact says of a message; False where a later one was there before."""
    return await connection.fetchval(_KEEP, *vars(message).values()) is not None


async def failing(connection: Connection) -> list[UUID]:
    """The bookings with a message that fails, and of which nothing is on the list yet."""
    return [row["booking"] for row in await connection.fetch(_FAILING)]


async def start_of(connection: Connection, booking: UUID) -> datetime | None:
    """When the time of a booking begins; None where the transaction does not see it."""
    found: datetime | None = await connection.fetchval("select start_at from booking where id = $1", booking)
    return found


async def is_own(connection: Connection, booking: UUID, what: str | None) -> bool:
    """Whether the family made the last change of a kind itself, or asked for it; not where nothing is noted of it."""
    return bool(await connection.fetchval(_OWN, booking, what))


async def raise_attention(connection: Connection, message: Message) -> asyncpg.Record | None:
    """Put a booking on the list of those whose family was not reached; None where it stands there, or need not.

    It need not where a message has come through since, where staff noted that the family knows what fell due before,
    where it stood there until the time came, and where the booking is cancelled and it was not that which the family
    should have been told.
    """
    since, also = message.changed_at or message.due_at, "cancelled" if message.kind == "cancellation" else None
    return await connection.fetchrow(_OPEN, uuid4(), message.booking, since, also, message.due_at)


async def settle_booking(connection: Connection, booking: UUID, reached: datetime, now: datetime) -> list[Any]:
    """Settle what came up about a booking before its family was reached."""
    sql = _SETTLED.format("booking = $1 and since <= $5")
    found: list[Any] = await connection.fetch(sql, booking, now, "reached", None, reached)
    return found


async def settle(connection: Connection, attention: UUID, staff: str, now: datetime) -> list[Any]:
    """Settle one, because a member of staff has dealt with it."""
    found: list[Any] = await connection.fetch(_SETTLED.format("id = $1"), attention, now, "handled", staff)
    return found


async def settle_past(connection: Connection, now: datetime) -> list[Any]:
    """Settle those whose time has come."""
    sql = "update attention set settled_at = $1, why = 'past' where settled_at is null and due <= $1 returning *"
    found: list[Any] = await connection.fetch(sql, now)
    return found


async def move(connection: Connection, booking: UUID) -> None:
    """Let an open one follow its booking, which was moved."""
    await connection.execute(
        "update attention a set due = b.start_at, owner = b.advisor from booking b"
        " where b.id = a.booking and a.booking = $1 and a.settled_at is null",
        booking,
    )


async def of_booking(connection: Connection, booking: UUID) -> list[Message]:
    """All messages about a booking, in the order in which they fall due."""
    rows = await connection.fetch("select * from message where booking = $1 order by due_at, sequence", booking)
    return [Message(**row) for row in rows]


async def unreached(connection: Connection, bookings: Sequence[UUID]) -> Mapping[UUID, Sequence[Message]]:
    """Of the bookings as they are now, the messages that have reached nobody, some of which are tried again."""
    found: dict[UUID, list[Message]] = {}
    for row in await connection.fetch(_UNREACHED, [*bookings]):
        found.setdefault(row["booking"], []).append(Message(**row))
    return found


async def open_bookings(connection: Connection) -> list[asyncpg.Record]:
    """The bookings that the transaction sees and whose families were not reached, with names, the soonest first."""
    found: list[asyncpg.Record] = await connection.fetch(
        VIEW.replace("select b.*,", "select b.*, n.id as attention, n.since,").replace(
            "from booking b", "from attention n join booking b on b.id = n.booking"
        )
        + " where n.settled_at is null order by b.start_at, b.id"
    )
    return found


async def not_reached(connection: Connection, bookings: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the bookings whose families were not reached, or had not been when the time came."""
    return frozenset(row["booking"] for row in await connection.fetch(_OF, [*bookings]))
