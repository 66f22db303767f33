"""The statements about families. Which rows a transaction sees of them, the database decides: see `booking.secrecy`."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from booking.families.contacts import Fingerprints, Sealed
from kit.database import Connection

_VISITS = """
select b.family, b.status, b.end_at, b.changed_at, o.data::text as offering
from booking b left join directory_copy o on o.kind = 'offering' and o.id = b.offering
where b.family = any($1)
"""


async def sealed(connection: Connection, family: UUID) -> asyncpg.Record | None:
    """A family with its sealed contact, if the transaction sees it."""
    return await connection.fetchrow(
        "select id, unit, sealed, language, protection, created_at, erased_at from family where id = $1", family
    )


async def all_sealed(connection: Connection, families: Sequence[UUID]) -> list[asyncpg.Record]:
    """Those of the families that the transaction sees and that are not erased, with their sealed contacts."""
    found: list[asyncpg.Record] = await connection.fetch(
        "select id, sealed, language, given_to_staff, created_at, phone_proved_at, email_proved_at from family"
        " where id = any($1) and sealed is not null and erased_at is null",
        [*families],
    )
    return found


async def contact(connection: Connection, family: UUID, *, lock: bool) -> asyncpg.Record | None:
    """A family's sealed contact and its number's fingerprint, if the transaction sees it; locked against other changes.

    The lock is not one that a booking for the family waits for.
    """
    query = "select id, sealed, phone_fingerprint, language, created_at from family where id = $1"
    return await connection.fetchrow(f"{query} for no key update" if lock else query, family)


async def change_contact(connection: Connection, family: UUID, sealed: Sealed) -> None:
    """Put a family's contact in place of the one before. After all else that waits: bookings for it wait for this."""
    await connection.execute(
        "update family set sealed = $2, phone_fingerprint = $3, email_fingerprint = $4 where id = $1",
        family,
        sealed.sealed,
        sealed.fingerprints.phone,
        sealed.fingerprints.email,
    )


async def complete(connection: Connection, family: UUID, fingerprints: Fingerprints) -> None:
    """Put whole fingerprints in place of the first bytes of these, which are all that was kept before."""
    await connection.execute(
        "update family set phone_fingerprint = $2, email_fingerprint = $3"
        " where id = $1 and octet_length(phone_fingerprint) = 1",
        family,
        fingerprints.phone,
        fingerprints.email,
    )


async def is_erased(connection: Connection, family: UUID) -> bool:
    """Whether a family that the transaction sees is erased, or is about to be."""
    return bool(await connection.fetchval("select erased_at is not null from family where id = $1", family))


async def with_phone(connection: Connection, fingerprint: bytes) -> list[asyncpg.Record]:
    """The families that the transaction sees whose telephone number has this fingerprint.

    Some may have another number: of those that were made known before fingerprints were whole, only the first byte is
    kept (`whole` is false).
    """
    found: list[asyncpg.Record] = await connection.fetch(
        "select id, sealed, language, given_to_staff, phone_proved_at, email_proved_at,"
        " octet_length(phone_fingerprint) > 1 as whole from family"
        " where phone_fingerprint = any($1) and sealed is not null and erased_at is null order by created_at desc",
        [fingerprint, fingerprint[:1]],
    )
    return found


async def grant(connection: Connection, family: UUID, unit: str, staff: Collection[str]) -> None:
    """Name the staff who see a family of protected identity."""
    await connection.execute(
        "insert into family_access (family, unit, staff) select $1, $2, unnest($3::text[]) on conflict do nothing",
        family,
        unit,
        [*staff],
    )


async def ways(connection: Connection, family: UUID) -> asyncpg.Record | None:
    """Whether a family that the transaction sees gave a number and an address, and whether it gave them to staff."""
    return await connection.fetchrow(
        "select phone_fingerprint is not null as phone, email_fingerprint is not null as email, given_to_staff"
        " from family where id = $1",
        family,
    )


async def reads(connection: Connection, booking: UUID) -> list[asyncpg.Record]:
    """Who of the staff has read of a booking's family for it, without their names, the latest first."""
    found: list[asyncpg.Record] = await connection.fetch(
        "select l.at, l.role, l.unit, l.what, u.data->>'name' as unit_name from read_log l"
        " left join directory_copy u on u.kind = 'unit' and u.id = l.unit where l.booking = $1 order by l.at desc",
        booking,
    )
    return found


# What follows is done as `booking.roles.RETENTION`, which sees no contact.


async def kept(connection: Connection, made_before: datetime, after: UUID, number: int) -> list[UUID]:
    """Families whose identity is kept, in the order of their ids, from the one after `after` on."""
    rows = await connection.fetch(
        "select id from family where erased_at is null and created_at < $1 and id > $2 order by id limit $3",
        made_before,
        after,
        number,
    )
    return [row["id"] for row in rows]


async def lock(connection: Connection, families: Sequence[UUID]) -> list[UUID]:
    """Those of the families whose identity is kept, locked: nobody can book for them meanwhile."""
    rows = await connection.fetch(
        "select id from family where id = any($1) and erased_at is null order by id for update", [*families]
    )
    return [row["id"] for row in rows]


async def kept_since(connection: Connection, families: Sequence[UUID]) -> dict[UUID, datetime]:
    """When those of the families were made known whose identity is kept."""
    return dict(
        await connection.fetch(
            "select id, created_at from family where id = any($1) and erased_at is null", [*families]
        )
    )


async def visits(connection: Connection, families: Sequence[UUID]) -> list[asyncpg.Record]:
    """The bookings of families, with the document of their offering."""
    found: list[asyncpg.Record] = await connection.fetch(_VISITS, [*families])
    return found


async def mark(connection: Connection, family: UUID, rule: str, now: datetime) -> None:
    """Decide that a family's identity goes, and write that into the log of erasures."""
    await connection.execute("update family set erased_at = $2, erasing = true where id = $1", family, now)
    await connection.execute(
        "insert into erasure (family, at, rule) values ($1, $2, $3) on conflict do nothing", family, now, rule
    )


async def marked(connection: Connection) -> list[UUID]:
    """The families whose identity was decided to go, and is not gone yet."""
    return [row["id"] for row in await connection.fetch("select id from family where erasing")]


async def erased_since(connection: Connection, since: datetime) -> list[UUID]:
    """The families that the log of erasures names from an instant on."""
    return [row["family"] for row in await connection.fetch("select family from erasure where at >= $1", since)]


async def clear(connection: Connection, families: Sequence[UUID]) -> None:
    """Take away what was sealed, whose key is destroyed."""
    await connection.execute(
        "update family set sealed = null, phone_fingerprint = null, email_fingerprint = null, phone_proved_at = null,"
        " email_proved_at = null, erasing = false where id = any($1) and erasing",
        [*families],
    )
    await connection.execute("delete from family_access where family = any($1)", [*families])


async def known(connection: Connection, ids: Sequence[UUID]) -> list[UUID]:
    """Which of the ids are families'."""
    return [row["id"] for row in await connection.fetch("select id from family where id = any($1)", [*ids])]
