"""The queries of the register's copies, of open hours and of free starts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from booking.sharing import rules as sharing
from booking.sharing.rules import Position, Share
from booking.slots.reads import Advisor, Municipality, Offering, Pool, Schedule, Unit
from booking.slots.rules import Block, Free, Place, Reach, SlotFacts
from kit import database
from kit.database import Connection, Statement

# Longer than any horizon that directory accepts (90 days) and an agreement's longest period after it (28 days), so that
# neither a search nor a share ever sees the end of the calendar.
CALENDAR_DAYS = 120
# A search looks at so many days first, and further ahead only if it has not found enough: it costs what it finds, not
# what there is.
WINDOWS = (timedelta(days=3), timedelta(days=15))
# Handlers of directory's state take this lock: what they work out depends on several entities at once.
REGISTER_LOCK = 7_269_842

STORE = """
insert into directory_copy (kind, id, version, ended, data) values ($1, $2, $3, $4, $5)
on conflict (kind, id) do update set version = excluded.version, ended = excluded.ended, data = excluded.data
where directory_copy.version < excluded.version
returning true
"""

# Starts are cut from what a block and the advisor's free time have in common, at whole steps from the block's start.
# A start counts with its buffers; lead time and horizon are the offering's. `materialized` and `offset 0` keep the
# planner from working the offering's numbers out for each row and from reading every day for each block: 9 times as
# fast with five advisors and 43 days.
_OFFERING = """
o as materialized (
    select id,
           make_interval(mins => (data->>'duration')::int) as duration,
           make_interval(mins => (data->>'buffer_before')::int) as before,
           make_interval(mins => (data->>'starts_every')::int) as step,
           make_interval(mins => (data->>'buffer_before')::int + (data->>'duration')::int
                                 + (data->>'buffer_after')::int) as whole,
           (data->>'buffer_before')::int + (data->>'duration')::int + (data->>'buffer_after')::int as charge,
           greatest(:first::timestamptz,
                    :now::timestamptz + case when :by_staff then interval '0'
                                             else make_interval(hours => (data->>'lead_time_hours')::int) end
           ) as earliest,
           least(:last::timestamptz,
                 :now::timestamptz + make_interval(days => (data->>'horizon_days')::int)) as latest
    from directory_copy where kind = 'offering' and id = :offering
)
"""
# The days on which the municipality's shares allow for a start: all that are anybody's already, and the whole period
# where it has enough left. `booking.sharing.rules.may_take` in SQL.
_ALLOWED = """
allowed as materialized (
    select e.pool, range_agg(daterange(e.first, e.until, '[]')) as days
    from (
        select e.pool, e.first, case when e.used + o.charge <= e.minutes + e.credit then e.last
                                     else least(e.last, :today::date + e.release_days) end as until
        from o, entitlement e
        where e.municipality = :municipality and e.last >= :today::date - 1
    ) e
    where e.until >= e.first
    group by e.pool
)
"""
# The other days, and when each is anybody's.
_NOT_YET = """
allowed as materialized (
    select e.pool, e.release_days, daterange(greatest(e.first, :today::date + e.release_days + 1), e.last, '[]') as days
    from o, entitlement e
    where e.municipality = :municipality and e.last > :today::date + e.release_days
        and e.used + o.charge > e.minutes + e.credit
)
"""
# How much of each advisor's week is taken.
_LOAD = """
load as materialized (
    select d.advisor, d.day - (extract(isodow from d.day)::int - 1) as monday,
           sum(d.taken)::float8 / nullif(sum(d.capacity), 0) as taken
    from o, advisor_day d
    where d.advisor in (select advisor from reach where offering = :offering and municipality = :municipality)
        and d.day between (o.earliest - interval '8 days')::date and (o.latest + interval '8 days')::date
    group by 1, 2
)
"""
_STARTS = """
from o
join reach r on r.offering = :offering and r.municipality = :municipality
    and (:modality::text is null or :modality = any(r.modalities))
    and (:advisor::text is null or :advisor = r.advisor)
    and (:language::text is null or :language = any(r.languages))
left join allowed on allowed.pool = r.pool
cross join lateral (
    select * from advisor_day d
    where d.advisor = r.advisor and d.day between r.first and r.last
    and d.day between (o.earliest - interval '1 day')::date and (o.latest + interval '1 day')::date
    and (r.pool is null or d.day <@ allowed.days)
    offset 0
) d
cross join lateral (
    select * from open_block b where b.advisor = d.advisor and b.day = d.day and b.modalities && r.modalities
        and (:modality::text is null or :modality = any(b.modalities))
    offset 0
) b
cross join lateral unnest(d.free * b.during::tstzmultirange) as gap
cross join lateral generate_series(
    lower(b.during) + o.step * ceil(extract(epoch from lower(gap) - lower(b.during)) / extract(epoch from o.step)),
    upper(gap) - o.whole,
    o.step
) as s(busy_from)
"""
_BOOKABLE = "where s.busy_from + o.before >= o.earliest and s.busy_from + o.before < o.latest"
_NAMED = """
select f.start, f.start + f.duration as end, f.advisor, f.can, f.may, f.place, f.zone,
       a.data->>'name' as advisor_name, c.data->>'name' as place_name, c.data->>'address' as place_address
from found f
join directory_copy a on a.kind = 'advisor' and a.id = f.advisor
left join directory_copy c on c.kind = 'centre' and c.id = f.place
order by f.start, f.advisor
"""
_FOUND = (
    "b.advisor, b.place, b.zone, s.busy_from + o.before as start, o.duration, r.modalities as can, b.modalities as may"
)


def _free_starts(found: str, order: str, *more: str) -> Statement:
    parts = ", ".join(
        (_OFFERING, _ALLOWED, *more, f"found as (select {found} {order} limit :limit offset :offset)"),
    )
    return Statement(f"with {parts} {_NAMED}")


IN_ORDER = _free_starts(_FOUND, f"{_STARTS} {_BOOKABLE} order by s.busy_from, b.advisor")
NEAREST = _free_starts(
    _FOUND,
    f"{_STARTS} {_BOOKABLE}"
    " order by abs(extract(epoch from s.busy_from + o.before - :nearest_to::timestamptz)), s.busy_from, b.advisor",
)
# Each start once, with one of the advisors who are free then: `booking.sharing.rules.preference` in SQL.
ANY_ADVISOR = _free_starts(
    f"distinct on (s.busy_from) {_FOUND}",
    f"{_STARTS} join load on load.advisor = d.advisor and load.monday = d.day - (extract(isodow from d.day)::int - 1)"
    f" {_BOOKABLE} order by s.busy_from, b.advisor is distinct from :prefer::text, load.taken, b.advisor",
    _LOAD,
)
OPENS = Statement(f"with {_OFFERING}, {_NOT_YET} select min(d.day - allowed.release_days) {_STARTS} {_BOOKABLE}")

# All that the rules ask about one start, in one round trip. Each part is null where there is none.
SLOT_FACTS = Statement("""
select o.data::text as offering, m.id as municipality, a.data->>'name' as advisor_name,
       r.unit, r.modalities, b.day,
       lower(b.during) as block_start, upper(b.during) as block_end,
       b.modalities as block_modalities, b.place, b.zone,
       c.data->>'name' as place_name, c.data->>'address' as place_address,
       r.pool, e.first as period, e.release_days, e.minutes as entitled, e.credit, e.used, e.lent, e.borrowed
from (select 1) one
left join directory_copy o on o.kind = 'offering' and o.id = :offering and not o.ended
left join directory_copy m on m.kind = 'municipality' and m.id = :municipality and not m.ended
left join directory_copy a on a.kind = 'advisor' and a.id = :advisor
left join open_block b on b.advisor = :advisor and b.during @> :start::timestamptz
    and b.day between (:start::timestamptz - interval '1 day')::date and (:start::timestamptz + interval '1 day')::date
left join reach r on r.offering = :offering and r.municipality = :municipality and r.advisor = :advisor
    and b.day between r.first and r.last
left join entitlement e on e.pool = r.pool and e.municipality = :municipality and b.day between e.first and e.last
left join directory_copy c on c.kind = 'centre' and c.id = b.place
""")

LOCK_DAYS = "select 1 from advisor_day where advisor = $1 and day between $2 and $3 order by day for update"
OPEN_HOURS = """
insert into open_block (advisor, day, during, modalities, place, zone)
select $1, x.day, tstzrange(x.opens, x.closes), string_to_array(x.modalities, ','), x.place, x.zone
from unnest($2::date[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[], $7::text[])
    as x(day, opens, closes, modalities, place, zone)
"""
PROJECT = """
insert into advisor_day (advisor, day, open, free, capacity, taken)
select $1, d.day, coalesce(h.open, '{}'), coalesce(h.open, '{}') - coalesce(t.taken, '{}'),
       minutes_of(coalesce(h.open, '{}')), minutes_of(coalesce(h.open * t.taken, '{}'))
from (select $2::date + n as day from generate_series(0, $3::date - $2::date) n) d
left join (select day, range_agg(during) as open from open_block where advisor = $1 group by day) h using (day)
left join (select day, range_agg(during) as taken from busy where advisor = $1 group by day) t using (day)
on conflict (advisor, day) do update
set open = excluded.open, free = excluded.free, capacity = excluded.capacity, taken = excluded.taken
where (advisor_day.open, advisor_day.free) is distinct from (excluded.open, excluded.free)
"""


async def store(connection: Connection, kind: str, entity_id: str, version: int, *, ended: bool, data: str) -> bool:
    """Keep one entity's state; whether it was newer than what was there."""
    return bool(await connection.fetchval(STORE, kind, entity_id, version, ended, data))


async def lock_register(connection: Connection) -> None:
    """Wait for other handlers of directory's state to commit."""
    await connection.execute("select pg_advisory_xact_lock($1)", REGISTER_LOCK)


async def documents(connection: Connection, kind: str) -> list[str]:
    """The documents of all entities of a kind, ended ones too."""
    rows = await connection.fetch("select data::text from directory_copy where kind = $1 order by id", kind)
    return [row["data"] for row in rows]


async def document(connection: Connection, kind: str, entity_id: str) -> str | None:
    """The document of one entity that has not ended."""
    found: str | None = await connection.fetchval(
        "select data::text from directory_copy where kind = $1 and id = $2 and not ended", kind, entity_id
    )
    return found


async def find_staff(engine: AsyncEngine, by: Literal["id", "identity"], value: str) -> str | None:
    """The live member of staff with an id, or with an identity at the provider, as a JSON document."""
    # An id, which each request of staff is looked up by, is found by the primary key.
    column = "id" if by == "id" else "data->>'identity'"
    async with database.driver(engine) as connection:
        found: str | None = await connection.fetchval(
            f"select data::text from directory_copy where kind = 'staff' and not ended and {column} = $1",  # noqa: S608 - ours
            value,
        )
        return found


async def municipalities(connection: Connection) -> list[Municipality]:
    """The municipalities that have not ended."""
    rows = await connection.fetch(
        "select data::text from directory_copy where kind = 'municipality' and not ended order by id"
    )
    return [Municipality.model_validate_json(row["data"]) for row in rows]


async def municipality_of_slug(connection: Connection, slug: str) -> Municipality | None:
    """The municipality with this name in page addresses."""
    found = await connection.fetchval(
        "select data::text from directory_copy where kind = 'municipality' and not ended and data->>'slug' = $1", slug
    )
    return Municipality.model_validate_json(found) if found else None


async def offerings_of(connection: Connection, municipality: str) -> list[Offering]:
    """What a municipality offers, in the order of the ids."""
    rows = await connection.fetch(
        "select data::text from directory_copy where kind = 'offering' and not ended"
        " and data->'municipalities' ? $1 order by id",
        municipality,
    )
    return [Offering.stored(row["data"]) for row in rows]


async def entities(
    connection: Connection,
) -> tuple[list[Offering], list[Advisor], list[Unit], list[Pool]]:
    """What decides who may be booked by whom."""
    return (
        [Offering.stored(d) for d in await documents(connection, "offering")],
        [Advisor.model_validate_json(d) for d in await documents(connection, "advisor")],
        [Unit.model_validate_json(d) for d in await documents(connection, "unit")],
        [Pool.model_validate_json(d) for d in await documents(connection, "pool")],
    )


async def replace_reach(connection: Connection, wanted: set[Reach]) -> None:
    """Make the table hold exactly `wanted`, touching only what differs."""
    rows = await connection.fetch("select * from reach")
    present = {
        Reach(**{**dict(row), "modalities": tuple(row["modalities"]), "languages": tuple(row["languages"])})
        for row in rows
    }
    await connection.executemany(
        "delete from reach where offering = $1 and municipality = $2 and advisor = $3 and first = $4",
        [(r.offering, r.municipality, r.advisor, r.first) for r in present - wanted],
    )
    await connection.executemany(
        "insert into reach (offering, municipality, advisor, first, last, pool, unit, modalities, languages)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [
            (r.offering, r.municipality, r.advisor, r.first, r.last, r.pool, r.unit, r.modalities, r.languages)
            for r in wanted - present
        ],
    )


async def schedules(connection: Connection, advisor: str) -> list[Schedule]:
    """The schedules of one advisor that have not ended."""
    rows = await connection.fetch(
        "select data::text from directory_copy where kind = 'schedule' and not ended and data->>'advisor' = $1", advisor
    )
    return [Schedule.model_validate_json(row["data"]) for row in rows]


async def scheduled_advisors(connection: Connection) -> list[str]:
    """Every advisor that has or had a schedule."""
    rows = await connection.fetch(
        "select distinct data->>'advisor' as id from directory_copy where kind = 'schedule' order by id"
    )
    return [row["id"] for row in rows]


async def replace_open_hours(
    connection: Connection, advisor: str, first: date, last: date, blocks: Iterable[Block]
) -> None:
    """Set an advisor's open time on days `first` to `last` and work out the free time anew.

    Takes the locks of those days first, so that a booking under way is either seen here or sees what is written here.
    """
    found = list(blocks)
    await connection.execute(LOCK_DAYS, advisor, first, last)
    await connection.execute(
        "delete from open_block where advisor = $1 and day between $2 and $3", advisor, first, last
    )
    await connection.execute(
        OPEN_HOURS,
        advisor,
        [b.day for b in found],
        [b.start for b in found],
        [b.end for b in found],
        [",".join(b.modalities) for b in found],
        [b.place for b in found],
        [b.zone for b in found],
    )
    await connection.execute(PROJECT, advisor, first, last)


@dataclass(frozen=True, kw_only=True)
class Search:
    """Free starts from `first` to before `last` (UTC instants), the first one first, then by advisor.

    With `nearest_to` the limit keeps those that lie nearest to that instant. `language` is one that the advisor speaks.
    For staff, `by_staff`, there is no lead time. With `any_advisor` each start comes once: with the advisor to
    `prefer`, if free, or else the one whose week is least used.
    """

    now: datetime
    offering: str
    municipality: str
    first: datetime | None = None
    last: datetime | None = None
    modality: str | None = None
    advisor: str | None = None
    language: str | None = None
    limit: int = 50
    offset: int = 0
    nearest_to: datetime | None = None
    by_staff: bool = False
    any_advisor: bool = False
    prefer: str | None = None

    def values(self, last: datetime | None = None) -> dict[str, Any]:
        """What the statements ask for, up to `last`."""
        return vars(self) | {
            "today": sharing.today(self.now),
            "first": self.first or self.now,
            "last": last or self.last or self.now + timedelta(days=CALENDAR_DAYS),
        }


async def free_starts(connection: Connection, wanted: Search) -> list[Free]:
    """What is free and can be booked."""
    if wanted.nearest_to:
        rows = await NEAREST.rows(connection, **wanted.values())
    else:
        statement = ANY_ADVISOR if wanted.any_advisor else IN_ORDER
        last: datetime = wanted.values()["last"]
        for window in (*WINDOWS, None):
            until = last if window is None else min(last, (wanted.first or wanted.now) + window)
            rows = await statement.rows(connection, **wanted.values(until))
            if until == last or len(rows) == wanted.limit:
                break
    return [
        Free(
            wanted.offering,
            row["advisor"],
            row["advisor_name"],
            row["start"],
            row["end"],
            tuple(m for m in row["can"] if m in row["may"]),
            _place(row),
            row["zone"],
        )
        for row in rows
    ]


async def opens(connection: Connection, wanted: Search) -> date | None:
    """The local day on which more of what is searched for can be booked, for the municipality has used its share of it.

    None where nothing waits for that.
    """
    row = await OPENS.row(connection, **wanted.values())
    return row[0] if row else None


async def slot_facts(
    connection: Connection, *, offering: str, municipality: str, advisor: str, start: datetime
) -> SlotFacts:
    """What is known about one start, whose busy time begins at or after `start` minus its buffer."""
    row = await SLOT_FACTS.row(connection, offering=offering, municipality=municipality, advisor=advisor, start=start)
    assert row is not None, "the statement starts from one row"
    block = None
    if row["block_start"]:
        block = Block(
            row["day"],
            row["block_start"],
            row["block_end"],
            tuple(row["block_modalities"]),
            row["place"],
            row["zone"],
        )
    return SlotFacts(
        Offering.stored(row["offering"]) if row["offering"] else None,
        row["municipality"],
        row["advisor_name"],
        row["unit"],
        tuple(row["modalities"] or ()),
        block,
        _place(row),
        row["pool"],
        Share(row["pool"], row["period"], row["release_days"], Position(*tuple(row.values())[-5:]))
        if row["period"]
        else None,
    )


def _place(row: asyncpg.Record) -> Place | None:
    return Place(row["place"], row["place_name"], row["place_address"]) if row["place_name"] else None


async def is_offered(connection: Connection, offering: str, municipality: str) -> bool:
    """Whether a municipality's families can book an offering at all."""
    return bool(
        await connection.fetchval(
            "select exists(select from directory_copy o, directory_copy m where o.kind = 'offering' and o.id = $1"
            " and not o.ended and o.data->'municipalities' ? $2 and m.kind = 'municipality' and m.id = $2)",
            offering,
            municipality,
        )
    )
