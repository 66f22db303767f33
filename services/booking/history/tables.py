"""The statements about what happened to one booking. Which rows a transaction sees, the database decides."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from booking.messages.tables import Why as Settled
from kit.database import Connection

_FOUND = """
select id, status, municipality, unit, modality, start_at, end_at, zone, created_at, family
from booking where reference = $1
"""
_UNREACHED = "select since, settled_at, why from attention where booking = $1 order by since"
# Beside what was read of the booking: what was read of its family and of no booking at all, such as a search.
_READS = """
select l.at, l.role, l.what, l.why, {who} as who
from read_log l {named}
where (l.booking = $1 or l.booking is null and l.family = $2) and l.what <> 'review'
order by l.id
"""
_BY_WHOM = _READS.format(
    who="coalesce(s.data->>'name', l.staff)",
    named="left join directory_copy s on s.kind = 'staff' and s.id = l.staff",
)
_BY_STAFF = _READS.format(who="null::text", named="")
# Few wait while events are published, and only these are looked into.
_UNPUBLISHED = """
select convert_from(payload, 'UTF8')::jsonb->>'type' as type, created_at as since from outbox
where published_at is null and position(convert_to($1::uuid::text, 'UTF8') in payload) > 0
order by id
"""


@dataclass(frozen=True)
class Unreached:
    """That a family was not reached, since when, and until when and why not any more; instants in UTC."""

    since: datetime
    settled_at: datetime | None
    why: Settled | None


@dataclass(frozen=True)
class Read:
    """That a member of staff saw something of the family, `who` where the reader of this may know; `at` in UTC."""

    at: datetime
    role: str
    what: str
    why: str
    who: str | None


@dataclass(frozen=True)
class Unpublished:
    """An event that others have not been told of, and since when."""

    type: str
    since: datetime


async def by_reference(connection: Connection, reference: str) -> asyncpg.Record | None:
    """The booking with this reference, where the transaction sees it."""
    return await connection.fetchrow(_FOUND, reference)


async def unreached(connection: Connection, booking: UUID) -> list[Unreached]:
    """Each time that its family was not reached, the first first."""
    return [Unreached(**row) for row in await connection.fetch(_UNREACHED, booking)]


async def reads(connection: Connection, booking: UUID, family: UUID, *, named: bool) -> list[Read]:
    """What was read of the booking and its family, the first first; by whom, where staff are `named`."""
    rows = await connection.fetch(_BY_WHOM if named else _BY_STAFF, booking, family)
    return [Read(**row) for row in rows]


async def unpublished(connection: Connection, booking: UUID) -> list[Unpublished]:
    """The events about a booking that wait to be published, the first first."""
    return [Unpublished(**row) for row in await connection.fetch(_UNPUBLISHED, booking)]
