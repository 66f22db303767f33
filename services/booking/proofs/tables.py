"""The statements about proofs. Which rows of them, of families and of bookings a transaction sees, the database says:
see `booking.secrecy`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg

from booking.bookings.tables import VIEW
from booking.families.contacts import Sealed
from booking.proofs.rules import Channel
from kit.database import Connection
from kit.language import Language

# Of those with this number or address: who booked last, and for which municipalities bookings were made.
_BOOKED = """
select f.id, b.municipality from family f join booking b on b.family = f.id
where f.phone_fingerprint = $1 or f.email_fingerprint = $1
order by b.created_at desc
"""
_INSERT = """
insert into proof (id, channel, fingerprint, family, sealed, language, municipality, tells, asked_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
# Each try is counted before it is known whether it is right, and stays counted.
_TRY = """
update proof set tries = tries + 1
where id = $1 and tries < $2 and proved_at is null and expires_at > $3 and not tells
returning tries, channel, fingerprint, family, sealed
"""
_PROVE = """
update proof set proved_at = $2, token_hash = $3, ends_at = $4
where id = $1 and proved_at is null and expires_at > $2 and family is not null
"""
_COUNT = """
insert into code_count as c (day, country, codes) select $1, $2, 1 where $3 > 0
on conflict (day, country) do update set codes = c.codes + 1 where c.codes < $3
returning codes
"""
_MADE_WITH = """
where b.family in (select id from family where phone_fingerprint = $1 or email_fingerprint = $1) and b.start_at > $2
order by b.start_at, b.id limit $3
"""
_TOLD = """
select p.channel, p.expires_at, p.tells, coalesce(p.sealed, f.sealed) as sealed, p.family,
       coalesce(p.language, f.language) as language, m.data->>'name' as municipality, m.data->>'phone' as help_phone
from proof p
left join family f on f.id = p.family
left join directory_copy m on m.kind = 'municipality' and m.id = p.municipality
where p.id = $1 and p.proved_at is null and p.expires_at > $2 and p.tries < $3
    and (p.language is not null or (f.sealed is not null and f.erased_at is null))
"""


@dataclass(frozen=True)
class NewProof:
    """A code that is asked for. `fingerprint` is that of the contact it goes to; `family` is whose contact that is, or
    None where nobody booked with it: then nothing is sent.

    Where the family has the contact only once it is proved, or had it before (then it is `tells`, and no code, that is
    sent), `sealed` holds it meanwhile; where the family itself is not there yet, `language` is its own.
    """

    id: UUID
    channel: Channel
    fingerprint: bytes
    family: UUID | None
    sealed: bytes | None
    language: Language | None
    municipality: str | None
    tells: bool = False


# What follows is done as `booking.roles.PROOF`.


async def lock(connection: Connection, fingerprint: bytes) -> None:
    """Wait for a contact's other requests."""
    await connection.execute("select pg_advisory_xact_lock($1)", int.from_bytes(fingerprint[8:16], "big", signed=True))


async def is_asked(connection: Connection, proof: UUID) -> bool:
    """Whether this proof was asked for before."""
    return bool(await connection.fetchval("select exists(select from proof where id = $1)", proof))


async def asked(connection: Connection, fingerprint: bytes, *, to_book: bool) -> list[datetime]:
    """When codes for a contact were asked for, as far as that is kept: to book with it, or to see what it opens."""
    query = "select asked_at from proof where fingerprint = $1 and not tells and (language is not null) = $2"
    return [row["asked_at"] for row in await connection.fetch(query, fingerprint, to_book)]


async def booked(connection: Connection, fingerprint: bytes) -> list[asyncpg.Record]:
    """The families that booked with a contact, each with a municipality, the latest booking first."""
    found: list[asyncpg.Record] = await connection.fetch(_BOOKED, fingerprint)
    return found


async def has_contact(connection: Connection, family: UUID, fingerprint: bytes) -> bool:
    """Whether a contact is this family's."""
    query = "select exists(select from family where id = $1 and (phone_fingerprint = $2 or email_fingerprint = $2))"
    return bool(await connection.fetchval(query, family, fingerprint))


async def void(connection: Connection, fingerprint: bytes, now: datetime, *, to_book: bool) -> None:
    """Let no earlier code of a contact, as `asked`, be valid any more."""
    await connection.execute(
        "update proof set expires_at = $2 where fingerprint = $1 and proved_at is null and expires_at > $2"
        " and not tells and (language is not null) = $3",
        fingerprint,
        now,
        to_book,
    )


async def insert(connection: Connection, new: NewProof, now: datetime, expires: datetime) -> None:
    """Keep that a code was asked for."""
    await connection.execute(
        _INSERT,
        new.id,
        new.channel,
        new.fingerprint,
        new.family,
        new.sealed,
        new.language,
        new.municipality,
        new.tells,
        now,
        expires,
    )


async def is_open(connection: Connection, proof: UUID, most: int, now: datetime) -> bool | None:
    """Whether the code of a proof can still be confirmed, which was tried `most` times at most; None for none."""
    query = "select proved_at is null and expires_at > $3 and tries < $2 from proof where id = $1"
    found: bool | None = await connection.fetchval(query, proof, most, now)
    return found


async def comes(connection: Connection, proof: UUID, since: datetime) -> asyncpg.Record | None:
    """The family that was not there yet and has proved its contact after an instant."""
    query = "select family, sealed, channel from proof where id = $1 and language is not null and proved_at > $2"
    return await connection.fetchrow(query, proof, since)


async def count(connection: Connection, day: date, country: int, most: int) -> bool:
    """Count one more code to a country on a day in UTC; False where there were `most` already."""
    return await connection.fetchval(_COUNT, day, country, most) is not None


async def has_room(connection: Connection, day: date, country: int, most: int) -> bool:
    """Whether `count` would count one more."""
    sent = await connection.fetchval("select codes from code_count where day = $1 and country = $2", day, country)
    return (sent or 0) < most


async def try_once(connection: Connection, proof: UUID, most: int, now: datetime) -> asyncpg.Record | None:
    """Count a try at a code; None where it is no longer valid, or was tried so often."""
    return await connection.fetchrow(_TRY, proof, most, now)


async def prove(connection: Connection, proof: UUID, token_hash: bytes, now: datetime, ends: datetime) -> bool:
    """Note that a contact is proved, once; False where that was done, or the code is void meanwhile."""
    done: str = await connection.execute(_PROVE, proof, now, token_hash, ends)
    return done == "UPDATE 1"


async def is_proved(connection: Connection, proof: UUID, family: UUID, since: datetime) -> bool:
    """Whether this proof proved a contact of a family after an instant."""
    query = "select exists(select from proof where id = $1 and family = $2 and proved_at > $3)"
    return bool(await connection.fetchval(query, proof, family, since))


async def mark(connection: Connection, channel: Channel, fingerprint: bytes, now: datetime) -> None:
    """Note with the families that have a contact that it is proved."""
    kind = "phone" if channel == "sms" else "email"
    await connection.execute(
        f"with theirs as (select id from family where {kind}_fingerprint = $1 order by id for no key update)"  # noqa: S608
        f" update family set {kind}_proved_at = $2 from theirs where family.id = theirs.id",
        fingerprint,
        now,
    )


# As `booking.roles.ANSWER`.


async def told(connection: Connection, proof: UUID, most: int, now: datetime) -> asyncpg.Record | None:
    """What a code that is valid needs to be sent: a family's sealed contact, or the one of the proof itself."""
    return await connection.fetchrow(_TOLD, proof, now, most)


# As `booking.roles.PROVED`, which sees one proof by its token.


async def session(connection: Connection) -> asyncpg.Record | None:
    """The proof whose token the transaction was given, while it lasts."""
    return await connection.fetchrow("select id, channel, family, fingerprint, ends_at from proof")


async def bookings(connection: Connection, fingerprint: bytes, since: datetime, most: int) -> list[asyncpg.Record]:
    """The bookings that were made with a contact and begin after an instant, the first one first: rows of `VIEW`."""
    found: list[asyncpg.Record] = await connection.fetch(VIEW + _MADE_WITH, fingerprint, since, most)
    return found


async def families(connection: Connection, fingerprint: bytes) -> list[asyncpg.Record]:
    """The families that have a contact, each with a municipality that it booked in, the latest booking first."""
    found: list[asyncpg.Record] = await connection.fetch(_BOOKED, fingerprint)
    return found


async def renew(connection: Connection, former: bytes, channel: Channel, renewed: Sealed, now: datetime) -> bool:
    """Put a family's contact in place of the `former` one (as it is sealed); False where that was changed meanwhile."""
    kind = "phone" if channel == "sms" else "email"
    done: str = await connection.execute(
        "update family set sealed = $3, phone_fingerprint = $4, email_fingerprint = $5,"  # noqa: S608
        f" {kind}_proved_at = $6 where id = $1 and sealed = $2",
        renewed.key.id,
        former,
        renewed.sealed,
        renewed.fingerprints.phone,
        renewed.fingerprints.email,
        now,
    )
    return done == "UPDATE 1"


async def end(connection: Connection) -> None:
    """Let the proof's token open nothing any more; of two, the former."""
    await connection.execute("update proof set token_hash = null, ends_at = null")


# As `booking.roles.RETENTION`.


async def forget(connection: Connection, before: datetime, families: Sequence[UUID] = ()) -> None:
    """Delete the proofs that were asked for before an instant, and those of these families."""
    await connection.execute("delete from proof where asked_at < $1 or family = any($2)", before, [*families])
    await connection.execute("delete from code_count where day < $1", before.date())
