"""Records what staff read of families, and lets reviewers look at it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import asyncpg

from booking.reviews import rules, tables
from booking.reviews.rules import Filter, Head, Read, Trait, What, Why
from booking.slots.service import closed
from kit.access import NotAllowed, Person
from kit.database import Connection

# Names of samples, so that the same one is signed off once.
SAMPLES = UUID("6d6d5d2e-92b5-4a1c-8f8e-0c5a3c1f2b11")
REVIEWS_SHOWN = 200


async def record(
    connection: Connection,
    person: Person,
    *,
    unit: str,
    family: UUID | None,
    booking: UUID | None,
    what: What,
    why: Why,
) -> None:
    """Write into the log that `person` is shown something of a family of `unit`, now by the database's own clock.

    Call it in the transaction of the read (`secrecy.of`, which says who reads), for each family that is shown, and as
    its last step: other reads wait from here until it ends. `why` is the way there, one of few that are known, so that
    nothing of the family can be in it. Raises NotAllowed for whoever holds no role for the unit; the database asks the
    register for that role once more, and refuses a family or booking that the person does not see. Where it raises,
    nothing may be shown.
    """
    role = rules.role_for(person.staff.grants, unit, what)
    if role is None:
        raise NotAllowed
    await tables.LOG_READ.row(connection, role=role, unit=unit, family=family, booking=booking, what=what, why=why)


async def verify(connection: Connection, noted: Head | None = None) -> Head:
    """Follow the whole log, in a transaction of the database's owner that sees one state; give the head.

    `noted` is the head of an earlier run. Raises Broken for the first row that does not fit.
    """
    last, found = rules.NOTHING, None
    async for entry in tables.entries(connection):
        last = rules.follow(last, entry)
        if noted and noted.id == entry.id:
            found = last
    rules.end(last, await tables.written(connection))
    if noted and noted.id:
        rules.compare(noted, found)
    return last


# What follows is for reviewers, in transactions of `secrecy.of_review`. Looking at the log is itself in the log.


@dataclass(frozen=True)
class Seen:
    """Rows of the log, newest first, out of `total`."""

    rows: Sequence[asyncpg.Record]
    total: int


@dataclass(frozen=True)
class Sample:
    """Reads drawn by chance out of `total` that are not the reviewer's own, none newer than row `upto`. The same seed
    draws the same again.
    """

    rows: Sequence[asyncpg.Record]
    traits: dict[int, tuple[Trait, ...]]
    total: int
    seed: str
    size: int
    upto: int


async def names(connection: Connection, asked: Filter) -> tuple[dict[str, str], dict[str, str]]:
    """The names of all units by their id, and of those who read in the days that are asked for."""
    units = await tables.UNITS.rows(connection)
    readers = await tables.READERS.rows(connection, **_period(asked))
    return dict(units), dict(readers)


async def look(connection: Connection, person: Person, asked: Filter, *, limit: int, offset: int) -> Seen:
    """One page of the log."""
    count = await tables.COUNT.row(connection, **_asked(asked))
    assert count is not None, "a count is a row"
    rows = await tables.PAGE.rows(connection, **_asked(asked), limit=limit, offset=offset)
    await _record(connection, person, asked, "review > list")
    return Seen(rows, count[0])


async def everything(connection: Connection, person: Person, asked: Filter) -> list[asyncpg.Record]:
    """All rows, the oldest first, to be taken out."""
    rows = await tables.ALL.rows(connection, **_asked(asked))
    await _record(connection, person, asked, "review > export")
    return rows


async def latest(connection: Connection) -> int:
    """The id of the newest row that the reviewer may see; 0 where there is none."""
    return int(await connection.fetchval(tables.LATEST))


async def draw(connection: Connection, person: Person, asked: Filter, *, seed: str, size: int, upto: int) -> Sample:
    """A sample to review: see `rules.sample`."""
    drawn = await _drawn(connection, person, asked, seed=seed, size=size, upto=upto)
    await _record(connection, person, asked, "review > sample")
    return drawn


async def sign_off(
    connection: Connection,
    person: Person,
    asked: Filter,
    *,
    seed: str,
    size: int,
    upto: int,
    seen: Sequence[str],
    remark: str,
    note: str,
    now: datetime,
) -> int | None:
    """Note that the reviewer has looked at a sample, and give the number of its rows.

    `seen` are the ids of the rows that were shown. Where the sample has others now, because a booking was moved to
    somebody else, or none, nothing is noted: None. The same sample, signed off again, stays as it was.
    """
    drawn = await _drawn(connection, person, asked, seed=seed, size=size, upto=upto)
    if not drawn.rows or [str(row["id"]) for row in drawn.rows] != list(seen):
        return None
    units = _units(person, asked)
    await tables.SIGN_OFF.row(
        connection,
        id=uuid5(SAMPLES, repr((person.id, units, asked, seed, size, upto))),
        at=now,
        reviewer=person.id,
        units=units,
        first=asked.first,
        last=asked.last,
        staff=asked.staff,
        what=asked.what,
        seed=seed,
        upto=upto,
        seen=[row["id"] for row in drawn.rows],
        remark=remark,
        note=note or None,
    )
    await _record(connection, person, asked, "review > sign-off")
    return len(drawn.rows)


async def reviews(connection: Connection) -> list[asyncpg.Record]:
    """What was signed off for units that are all the reviewer's, the newest first."""
    return await tables.REVIEWS.rows(connection, limit=REVIEWS_SHOWN)


async def _drawn(connection: Connection, person: Person, asked: Filter, *, seed: str, size: int, upto: int) -> Sample:
    facts = await tables.FACTS.rows(connection, **_asked(asked), reviewer=person.id, upto=upto)
    traits = rules.traits([Read(**row) for row in facts], closed)
    order = rules.sample(traits, size, seed)
    rows = await tables.THESE.rows(connection, **_asked(asked), ids=order)
    return Sample(rows, traits, len(traits), seed, size, upto)


async def _record(connection: Connection, person: Person, asked: Filter, why: Why) -> None:
    for unit in _units(person, asked):
        await record(connection, person, unit=unit, family=None, booking=None, what="review", why=why)


def _units(person: Person, asked: Filter) -> list[str]:
    return [unit for unit in person.units("reviewer") if asked.unit in (None, unit)]


def _period(asked: Filter) -> dict[str, datetime]:
    first, end = asked.instants()
    return {"first": first, "end": end}


def _asked(asked: Filter) -> dict[str, Any]:
    return {**asdict(asked), **_period(asked)}
