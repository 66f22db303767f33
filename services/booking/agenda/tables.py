"""The statements of an advisor's days. Which bookings are seen, the database decides: see `booking.secrecy`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg

from booking.agenda.rules import Span
from booking.bookings.tables import VIEW
from booking.slots.reads import Municipality, Offering
from booking.slots.tables import answering
from booking.tables import LONGEST
from kit.database import Connection

# From $4 on may begin what has not ended at $2.
_SEEN = f"""{VIEW}
where b.advisor = $1 and b.status <> 'held' and b.start_at < $3 and b.end_at > $2 and b.start_at >= $4
order by b.start_at
"""
_ANSWERED_FOR = f"""
select m.data::text as place, o.data::text as offering
from directory_copy o
cross join lateral jsonb_array_elements_text(o.data->'municipalities') as given (code)
join directory_copy m on m.kind = 'municipality' and m.id = given.code and not m.ended
where o.kind = 'offering' and not o.ended and {answering("o", "m.id")} = any($1)
order by o.id
"""  # noqa: S608 - put together from constants
# What occupies the advisor, seen or not. It says when and no more.
_BUSY = """
select id, kind, lower(during) as start, upper(during) as end from busy
where advisor = $1 and day between $2 and $3 order by during
"""
_OPEN = """
select day, lower(during) as start, upper(during) as end, o.modalities, o.zone, c.data->>'name' as place_name
from open_block o left join directory_copy c on c.kind = 'centre' and c.id = o.place
where o.advisor = $1 and o.day between $2 and $3 order by during
"""


@dataclass(frozen=True)
class Busy:
    """Time that is taken; instants in UTC, buffers included."""

    id: UUID
    kind: str
    start: datetime
    end: datetime


async def seen(connection: Connection, advisor: str, within: Span) -> list[asyncpg.Record]:
    """The advisor's bookings in a span that the transaction sees, cancelled ones too."""
    found: list[asyncpg.Record] = await connection.fetch(
        _SEEN, advisor, within.start, within.end, within.start - LONGEST
    )
    return found


async def busy(connection: Connection, advisor: str, first: date, last: date) -> list[Busy]:
    """All that occupies the advisor on local days."""
    return [Busy(**row) for row in await connection.fetch(_BUSY, advisor, first, last)]


async def open_hours(connection: Connection, advisor: str, first: date, last: date) -> list[asyncpg.Record]:
    """When the advisor is open on local days, and where visits are met then."""
    found: list[asyncpg.Record] = await connection.fetch(_OPEN, advisor, first, last)
    return found


async def by_id(connection: Connection, booking: UUID, *, lock: bool = False) -> asyncpg.Record | None:
    """A booking that the transaction sees, with the names that a page needs."""
    if lock:
        await connection.execute("select 1 from booking where id = $1 for update", booking)
    return await connection.fetchrow(f"{VIEW} where b.id = $1 and b.status <> 'held'", booking)


async def names(connection: Connection, kind: str, ids: Sequence[str]) -> dict[str, str]:
    """The names of entities of the register, ended ones too."""
    rows = await connection.fetch(
        "select id, data->>'name' as name from directory_copy where kind = $1 and id = any($2)", kind, [*ids]
    )
    return {row["id"]: row["name"] for row in rows}


async def places(connection: Connection) -> list[tuple[str, str]]:
    """Id and name of every centre."""
    rows = await connection.fetch(
        "select id, data->>'name' as name from directory_copy where kind = 'centre' and not ended order by 2"
    )
    return [(row["id"], row["name"]) for row in rows]


async def feeds(connection: Connection) -> list[asyncpg.Record]:
    """The calendar feeds that the transaction sees."""
    found: list[asyncpg.Record] = await connection.fetch("select id, name, created_at from calendar_feed order by 3, 1")
    return found


async def insert_feed(
    connection: Connection, feed: UUID, staff: str, name: str, secret_hash: bytes, now: datetime
) -> None:
    """Keep a new feed of the member of staff whose transaction this is."""
    await connection.execute(
        "insert into calendar_feed (id, staff, name, secret_hash, created_at) values ($1, $2, $3, $4, $5)",
        feed,
        staff,
        name,
        secret_hash,
        now,
    )


async def delete_feed(connection: Connection, feed: UUID) -> None:
    """Forget a feed that the transaction sees."""
    await connection.execute("delete from calendar_feed where id = $1", feed)


async def staff_of_feed(connection: Connection, secret_hash: bytes) -> str | None:
    """Whose feed has the address with this hash, in a transaction that was told it."""
    found: str | None = await connection.fetchval("select staff from calendar_feed where secret_hash = $1", secret_hash)
    return found


async def by_reference(connection: Connection, reference: str) -> asyncpg.Record | None:
    """The id and the unit of a booking that the transaction sees."""
    return await connection.fetchrow("select id, unit from booking where reference = $1", reference)


async def answered_for(connection: Connection, units: Collection[str]) -> list[tuple[Municipality, Offering]]:
    """Each offering of a municipality for whose families one of the units answers, in the order of the offerings' ids.

    One statement, however many municipalities there are.
    """
    rows = await connection.fetch(_ANSWERED_FOR, [*units])
    return [(Municipality.model_validate_json(row["place"]), Offering.stored(row["offering"])) for row in rows]


async def unit_of(connection: Connection, offering: str, municipality: str) -> str | None:
    """The unit that answers for a municipality's families in an offering that has not ended; None where none does."""
    found: str | None = await connection.fetchval(
        f"select {answering('o', '$2')} from directory_copy o"  # noqa: S608 - put together from constants
        " where o.kind = 'offering' and not o.ended and o.id = $1"
        " and o.data->'municipalities' ? $2",
        offering,
        municipality,
    )
    return found


async def unit_of_family(connection: Connection, family: UUID) -> str | None:
    """The unit that answers for a family that the transaction sees."""
    found: str | None = await connection.fetchval("select unit from family where id = $1", family)
    return found


async def staff_of_unit(connection: Connection, unit: str, roles: Sequence[str]) -> list[tuple[str, str, str | None]]:
    """Id, name and, where it is one, advisor of the staff who hold one of the roles for a unit."""
    rows = await connection.fetch(
        "select id, data->>'name' as name, data->>'advisor' as advisor from directory_copy"
        " where kind = 'staff' and not ended"
        " and data->'grants' @> jsonb_build_array(jsonb_build_object('unit', $1::text)) and exists ("
        " select from jsonb_array_elements(data->'grants') as held"
        " where held->>'unit' = $1 and held->>'role' = any($2)) order by 2, 1",
        unit,
        [*roles],
    )
    return [(row["id"], row["name"], row["advisor"]) for row in rows]
