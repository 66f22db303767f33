"""The statements of figures: facts kept, what follows from them, and what is asked of that."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from booking.sharing.rules import today
from kit.database import Connection

_KEEP = "insert into figure_fact (event, type, at, data) values ($1, $2, $3, $4) on conflict do nothing returning true"
_BOOKING = """
insert into figure_booking as b (booking, sequence, municipality, modality, place, start_at, status, late)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (booking) do update set
    sequence = excluded.sequence, municipality = excluded.municipality, modality = excluded.modality,
    place = excluded.place, start_at = excluded.start_at, status = excluded.status, late = excluded.late
where b.sequence < excluded.sequence
"""
# Whatever was known before: nothing else says when a booking was made.
_CONFIRMED = "update figure_booking set confirmed_at = $2, first = $3 where booking = $1"
_SEARCHES = """
insert into figure_search as s (municipality, offering, day, searches, found_nothing) values ($1, $2, $3, $4, $5)
on conflict (municipality, offering, day) do update set
    searches = s.searches + excluded.searches, found_nothing = s.found_nothing + excluded.found_nothing
"""
_AVAILABILITY = """
insert into figure_availability as a (municipality, offering, day, at, next_days, third_days)
values ($1, $2, $3, $4, $5, $6)
on conflict (municipality, offering, day) do update set
    at = excluded.at, next_days = excluded.next_days, third_days = excluded.third_days
where excluded.at < a.at
"""
_SETTLED = "select municipality, counted::text from figure_quarter where first = $1 and municipality = any($2)"
_SETTLE = "insert into figure_quarter (municipality, first, counted) values ($1, $2, $3) on conflict do nothing"
_PROJECTIONS = ("figure_booking", "figure_search", "figure_availability")

# How a booking stands after each fact.
_STATUS = {
    "confirmed": "confirmed",
    "rescheduled": "confirmed",
    "reopened": "confirmed",
    "cancelled": "cancelled",
    "fulfilled": "fulfilled",
    "no-show": "no_show",
}

_MADE = """
select municipality, modality, place, count(*) as n from figure_booking
where municipality = any($1) and confirmed_at >= $2 and confirmed_at < $3 group by 1, 2, 3
"""
_OUTCOMES = """
select municipality, case when modality = 'visit' then place end as place,
       case when status = 'cancelled' then 'late' else status end as outcome, count(*) as n
from figure_booking
where municipality = any($1) and start_at >= $2 and start_at < $3
and (status in ('fulfilled', 'no_show') or status = 'cancelled' and late)
group by 1, 2, 3
"""
_WAITS = """
select municipality, case when modality = 'visit' then place end as place, array_agg(
    (start_at at time zone 'Europe/Stockholm')::date - (confirmed_at at time zone 'Europe/Stockholm')::date
) as days
from figure_booking
where municipality = any($1) and start_at >= $2 and start_at < $3 and status = 'fulfilled' and first
and confirmed_at is not null
group by 1, 2
"""
_MEASURED = """
select municipality, next_days, third_days from figure_availability
where municipality = any($1) and day between $2 and $3
"""
_SEARCHED = """
select municipality, sum(searches)::int as searches, sum(found_nothing)::int as found_nothing from figure_search
where municipality = any($1) and day between $2 and $3 group by 1
"""
# A period of an agreement counts where it begins. A loan is one municipality's debt and the other's claim.
_ACCOUNTS = """
select pool, municipality,
       coalesce(sum(minutes) filter (where kind in ('entitlement', 'credit')), 0)::int as entitled,
       coalesce(sum(minutes) filter (where kind = 'use'), 0)::int as used,
       coalesce(sum(minutes) filter (where kind = 'borrowed'), 0)::int as borrowed,
       coalesce(sum(minutes) filter (where kind = 'lent'), 0)::int as lent
from (
    select pool, municipality, case kind when 'loan' then 'borrowed' else kind end as kind, minutes from ledger
    where pool = any($1) and period between $2 and $3
    union all
    select pool, lender, 'lent', minutes from ledger
    where pool = any($1) and period between $2 and $3 and kind = 'loan'
) booked
group by 1, 2
"""
# From place to place in the index, not through all bookings that there ever were.
_CENTRES = """
with recursive met as (
    select town, (
        select min(place) from figure_booking where municipality = town and modality = 'visit'
    ) as place
    from unnest($1::text[]) town
    union all
    select town, (
        select min(b.place) from figure_booking b
        where b.municipality = town and b.modality = 'visit' and b.place > met.place
    )
    from met where place is not null
)
select data::text from directory_copy
where kind = 'centre' and (not ended and data->>'municipality' = any($1) or id in (select place from met))
"""


@dataclass(frozen=True)
class Fact:
    """An event as figures keep it: its name (`confirmed`), the instant of the fact, and what was read of its data."""

    event: UUID
    type: str
    at: datetime
    data: Any


async def keep(connection: Connection, fact: Fact) -> bool:
    """Add a fact for good; False where it is there already."""
    return bool(await connection.fetchval(_KEEP, fact.event, fact.type, fact.at, fact.data.model_dump_json()))


async def project(connection: Connection, facts: Iterable[Fact]) -> None:
    """Draw what follows from facts, in any order. Each fact may be given once."""
    bookings, confirmed, searches, measured = [], [], [], []
    for fact in facts:
        data = fact.data
        if fact.type == "searches-counted":
            searches.append((data.municipality, data.offering, data.day, data.searches, data.found_nothing))
        elif fact.type == "availability-measured":
            day = today(data.at)
            until = [start and (today(start) - day).days for start in (data.next, data.third_next)]
            measured.append((data.municipality, data.offering, day, data.at, *until))
        else:
            bookings.append(
                (
                    data.booking,
                    data.sequence,
                    data.municipality,
                    data.modality,
                    data.place,
                    data.start,
                    _STATUS[fact.type],
                    data.late,
                )
            )
            if fact.type == "confirmed":
                confirmed.append((data.booking, fact.at, data.first))
    for statement, rows in (
        (_BOOKING, bookings),
        (_CONFIRMED, confirmed),
        (_SEARCHES, searches),
        (_AVAILABILITY, measured),
    ):
        if rows:
            await connection.executemany(statement, rows)


async def empty(connection: Connection) -> None:
    """Forget what followed from facts. Whoever would add to it waits until the transaction ends."""
    await connection.execute(f"lock table {', '.join(_PROJECTIONS)} in share row exclusive mode")
    for table in _PROJECTIONS:
        await connection.execute(f"delete from {table}")  # noqa: S608 - the names stand above


async def kept(connection: Connection, models: Mapping[str, Any], batch: int) -> AsyncIterator[list[Fact]]:
    """All facts that are kept, in batches; `models` reads the data of each type."""
    found: list[Fact] = []
    async for row in connection.cursor("select event, type, at, data::text as data from figure_fact", prefetch=batch):
        found.append(Fact(row["event"], row["type"], row["at"], models[row["type"]].model_validate_json(row["data"])))
        if len(found) == batch:
            yield found
            found = []
    yield found


async def is_kept(connection: Connection, events: Iterable[UUID]) -> set[UUID]:
    """Which of these events are kept as facts."""
    rows = await connection.fetch("select event from figure_fact where event = any($1)", [*events])
    return {row["event"] for row in rows}


async def begin_day(connection: Connection, day: date) -> bool:
    """Note that free time is measured on a day; False where it was before. A twin under way makes this wait."""
    return bool(
        await connection.fetchval(
            "insert into measured_day (day) values ($1) on conflict do nothing returning true",
            day,
        )
    )


async def offered(connection: Connection) -> list[tuple[str, str]]:
    """Municipality and offering of all that families can book."""
    rows = await connection.fetch("select distinct municipality, offering from reach order by 1, 2")
    return [(row["municipality"], row["offering"]) for row in rows]


async def made(connection: Connection, towns: Iterable[str], since: datetime, until: datetime) -> list[asyncpg.Record]:
    """How many bookings were made, by municipality, modality and place, from `since` to before `until`."""
    found: list[asyncpg.Record] = await connection.fetch(_MADE, [*towns], since, until)
    return found


async def outcomes(
    connection: Connection, towns: Iterable[str], since: datetime, until: datetime
) -> list[asyncpg.Record]:
    """How many times came to what, by municipality and the place of a visit."""
    found: list[asyncpg.Record] = await connection.fetch(_OUTCOMES, [*towns], since, until)
    return found


async def waits(connection: Connection, towns: Iterable[str], since: datetime, until: datetime) -> list[asyncpg.Record]:
    """The local days between booking and meeting of families who were met for the first time."""
    found: list[asyncpg.Record] = await connection.fetch(_WAITS, [*towns], since, until)
    return found


async def measured(connection: Connection, towns: Iterable[str], first: date, last: date) -> list[asyncpg.Record]:
    """What was free each day, by municipality."""
    found: list[asyncpg.Record] = await connection.fetch(_MEASURED, [*towns], first, last)
    return found


async def searched(connection: Connection, towns: Iterable[str], first: date, last: date) -> list[asyncpg.Record]:
    """How often families searched, by municipality."""
    found: list[asyncpg.Record] = await connection.fetch(_SEARCHED, [*towns], first, last)
    return found


async def accounts(connection: Connection, pools: Iterable[str], first: date, last: date) -> list[asyncpg.Record]:
    """Minutes by agreement and municipality, of the agreements' periods that begin from `first` to `last`."""
    found: list[asyncpg.Record] = await connection.fetch(_ACCOUNTS, [*pools], first, last)
    return found


async def settled(connection: Connection, towns: Iterable[str], first: date) -> dict[str, str]:
    """What was settled of a quarter that began on `first`, by municipality."""
    rows = await connection.fetch(_SETTLED, first, [*towns])
    return {row["municipality"]: row["counted"] for row in rows}


async def settle(connection: Connection, first: date, counted: Mapping[str, str]) -> None:
    """Keep what was counted of a quarter, by municipality, for good. What is kept already stays."""
    await connection.executemany(_SETTLE, [(town, first, document) for town, document in counted.items()])


async def coordinated(connection: Connection, units: Iterable[str]) -> set[str]:
    """The municipalities of units."""
    rows = await connection.fetch(
        "select distinct data->>'municipality' as id from directory_copy"
        " where kind = 'unit' and not ended and id = any($1)",
        [*units],
    )
    return {row["id"] for row in rows}


async def centres(connection: Connection, towns: Iterable[str]) -> list[str]:
    """The documents of the centres of municipalities, and of those where their families were met."""
    rows = await connection.fetch(
        _CENTRES,
        [*towns],
    )
    return [row["data"] for row in rows]
