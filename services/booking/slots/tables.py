"""The queries of the register's copies, of open hours and of free starts."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, TypeVar

import asyncpg
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from booking.sharing import rules as sharing
from booking.sharing.rules import Position, Share
from booking.slots.reads import Advisor, Entity, Municipality, Offering, Pool, Schedule, Unit
from booking.slots.rules import Block, Free, Moving, Place, Reach, SlotFacts
from kit import database
from kit.database import Connection, Statement

log = logging.getLogger(__name__)

Made = TypeVar("Made")

# Longer than any horizon that directory accepts (90 days) and an agreement's longest period after it (28 days), so that
# neither a search nor a share ever sees the end of the calendar.
CALENDAR_DAYS = 120
# A search looks at so many days first, and further ahead only if it has not found enough: it costs what it finds, not
# what there is.
WINDOWS = (timedelta(days=3), timedelta(days=15))
# Handlers of directory's state take this lock: what they work out depends on several entities at once.
REGISTER_LOCK = 7_269_842

STORE = """
insert into directory_copy (kind, id, version, ended, data, epoch)
select $1, $2, $3, $4, $5, $6
where not exists (
    select from directory_epoch where kind = $1 and epoch > coalesce($6::timestamptz, '-infinity')
)
on conflict (kind, id) do update
set version = excluded.version, ended = excluded.ended, data = excluded.data, epoch = excluded.epoch
where (coalesce(directory_copy.epoch, '-infinity'), directory_copy.version)
    < (coalesce(excluded.epoch, '-infinity'), excluded.version)
returning true
"""
# The same version of the same epoch, with other words: the register went back in time and did not notice, or lies.
DIFFERS = """
select exists (
    select from directory_copy
    where kind = $1 and id = $2 and version = $3 and data <> $4::jsonb and epoch is not distinct from $5::timestamptz
)
"""
BEGIN_EPOCH = """
insert into directory_epoch (kind, epoch) values ($1, $2)
on conflict (kind) do update set epoch = excluded.epoch where directory_epoch.epoch < excluded.epoch
returning true
"""
# What has ended so is of the new epoch, before its first version: what comes late of an earlier one changes nothing.
END_OTHERS = """
update directory_copy set epoch = $2, version = 0, ended = true, data = data || '{"ended": true, "version": 0}'
where kind = $1 and coalesce(epoch, '-infinity') < $2 and id <> all($3::text[]) and not ended
returning coalesce(data->>'advisor', '') as advisor
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
           -- In hours: a day of an interval is one of the session's time zone, and may have 23 or 25.
           :now::timestamptz + make_interval(hours => 24 * (data->>'horizon_days')::int) as horizon,
           least(:last::timestamptz,
                 :now::timestamptz + make_interval(hours => 24 * (data->>'horizon_days')::int)) as latest
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
# Whether visits elsewhere are left out: where families look near, and one of their own places takes visits at all.
_NEAR = """
near as materialized (
    select case when :near and coalesce(:modality, 'visit') = 'visit' then exists (
        select from reach r
        join open_block b on b.advisor = r.advisor and b.day between greatest(r.first, :today::date) and r.last
        join directory_copy c on c.kind = 'centre' and c.id = b.place and not c.ended and c.data->>'address' <> ''
        where r.offering = :offering and r.municipality = :municipality
            and 'visit' = any(r.modalities) and 'visit' = any(b.modalities)
            and c.data->>'municipality' = :municipality
    ) else false end as only
)
"""
# Of each block `spot` is where it is visited, null where it is met otherwise alone, and `far` that this is in another
# municipality. No visit has a place that is not known, has ended or has no address: `booking.slots.rules.ways` in SQL.
_STARTS = """
from o
cross join near
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
    select b.advisor, b.during, b.place, b.zone, b.modalities, m.visited and not m.own as far,
           case when m.visited then b.place end as spot
    from open_block b
    left join directory_copy c on coalesce(:modality, 'visit') = 'visit' and 'visit' = any(b.modalities)
        and c.kind = 'centre' and c.id = b.place and not c.ended and c.data->>'address' <> ''
    cross join lateral (
        select case when c.id is null then array_remove(b.modalities, 'visit') else b.modalities end as modalities,
               c.data->>'municipality' = :municipality as own,
               c.id is not null and 'visit' = any(r.modalities) as visited
        offset 0
    ) m
    where b.advisor = d.advisor and b.day = d.day and m.modalities && r.modalities
        and (:modality is null or :modality = any(m.modalities))
        and (not (m.visited and not m.own) or not near.only
             or :modality is null and m.modalities && array_remove(r.modalities, 'visit'))
    offset 0
) b
cross join lateral unnest(d.free * b.during::tstzmultirange) as gap
cross join lateral generate_series(
    lower(b.during) + o.step * ceil(extract(epoch from lower(gap) - lower(b.during)) / extract(epoch from o.step)),
    upper(gap) - o.whole,
    o.step
) as s(busy_from)
"""
# What is asked for ends before `last`; what may be booked ends with the horizon itself.
_BOOKABLE = (
    "where s.busy_from + o.before >= o.earliest and s.busy_from + o.before < :last::timestamptz"
    " and s.busy_from + o.before <= o.horizon"
)
_NAMED = """
select f.start, f.start + f.duration as end, f.advisor, f.can, f.place, f.zone, f.far,
       case when c.id is null then array_remove(f.may, 'visit') else f.may end as may,
       a.data->>'name' as advisor_name, c.data->>'name' as place_name, c.data->>'address' as place_address
from found f
join directory_copy a on a.kind = 'advisor' and a.id = f.advisor
left join directory_copy c on c.kind = 'centre' and c.id = f.place and not c.ended and c.data->>'address' <> ''
order by f.start, f.far, f.spot, f.advisor
"""
_FOUND = (
    "b.advisor, b.place, b.spot, b.far, b.zone, s.busy_from, s.busy_from + o.before as start, o.duration,"
    " r.modalities as can, b.modalities as may"
)
# Each start once, and where it can be visited once for each place, with one of the advisors who are free there then:
# `booking.sharing.rules.preference` in SQL. The municipality's own places come first.
_ONE_EACH = f"distinct on (s.busy_from, b.far, b.spot) {_FOUND}"
_PREFERRED = "s.busy_from, b.far, b.spot, b.advisor is distinct from :prefer::text, load.taken, b.advisor"
# Looked up for each start: joined, the planner may come to look for the starts of each week and advisor anew.
_WITH_LOAD = (
    "cross join lateral (select taken from load where load.advisor = d.advisor"
    " and load.monday = d.day - (extract(isodow from d.day)::int - 1) offset 0) load"
)


# The time of a booking that is to be moved, which is free for it, and what a share was charged for it.
_OWN = """
own as materialized (
    select advisor, day, tstzmultirange(during) as during, pool, period, municipality,
           minutes_of(tstzmultirange(during)) as charge
    from busy where id = :moving
)
"""
_WITH_OWN = {
    "d.free": "(d.free + coalesce((select own.during * d.open from own"
    " where (own.advisor, own.day) = (d.advisor, d.day)), '{}'))",
    "e.used": "(e.used - coalesce((select own.charge from own"
    " where (own.pool, own.period, own.municipality) = (e.pool, e.first, e.municipality)), 0))",
    # Where it is already, it can only be met in another way.
    _BOOKABLE: f"{_BOOKABLE} and not (b.advisor = :met_by and s.busy_from + o.before = :met_at and coalesce("
    ":modality = :met_as, not b.modalities && array_remove(r.modalities, :met_as)))",
}
# The same searches for a booking that is to be moved, as if its time were given back: apart, because others need not
# pay for it.
_TO_MOVE: dict[Statement, Statement] = {}


def _statement(parts: str, then: str) -> Statement:
    ordinary = Statement(f"with {parts} {then}")
    sql = f"with {_OWN}, {parts} {then}"
    for part, instead in _WITH_OWN.items():
        sql = sql.replace(part, instead)
    _TO_MOVE[ordinary] = Statement(sql)
    return ordinary


def _free_starts(found: str, order: str, *more: str) -> Statement:
    parts = ", ".join(
        (_OFFERING, _NEAR, _ALLOWED, *more, f"found as (select {found} {order} limit :limit offset :offset)"),
    )
    return _statement(parts, _NAMED)


IN_ORDER = _free_starts(_FOUND, f"{_STARTS} {_BOOKABLE} order by s.busy_from, b.far, b.spot, b.advisor")
ANY_ADVISOR = _free_starts(_ONE_EACH, f"{_STARTS} {_WITH_LOAD} {_BOOKABLE} order by {_PREFERRED}", _LOAD)
# The place of the start that is gone, which the family meant to come to, is as near as the municipality's own.
NEAREST = _free_starts(
    "one.*",
    "from one order by far and spot is distinct from (select place from gone),"
    " abs(extract(epoch from start - :nearest_to::timestamptz)), busy_from, far, spot, advisor",
    _LOAD,
    "gone as materialized (select place from open_block where advisor = :prefer"
    " and during @> :nearest_to::timestamptz and day between :nearest_to::date - 1 and :nearest_to::date + 1)",
    f"one as (select {_ONE_EACH} {_STARTS} {_WITH_LOAD} {_BOOKABLE} order by {_PREFERRED})",
)
OPENS = _statement(
    f"{_OFFERING}, {_NEAR}, {_NOT_YET}", f"select min(d.day - allowed.release_days) {_STARTS} {_BOOKABLE}"
)

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
left join directory_copy c on c.kind = 'centre' and c.id = b.place and not c.ended and c.data->>'address' <> ''
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
left join (
    select day, range_agg(during) as open from open_block where advisor = $1 and day between $2 and $3 group by day
) h using (day)
left join (
    select day, range_agg(during) as taken from busy where advisor = $1 and day between $2 and $3 group by day
) t using (day)
on conflict (advisor, day) do update
set open = excluded.open, free = excluded.free, capacity = excluded.capacity, taken = excluded.taken
where (advisor_day.open, advisor_day.free) is distinct from (excluded.open, excluded.free)
"""


async def store(connection: Connection, kind: str, entity: Entity, epoch: datetime | None) -> bool:
    """Keep one entity's state; whether it was newer than what was there."""
    data = entity.model_dump_json()
    if await connection.fetchval(STORE, kind, entity.id, entity.version, entity.ended, data, epoch):
        return True
    if await connection.fetchval(DIFFERS, kind, entity.id, entity.version, data, epoch):
        # Ids of staff and advisors are made of their names.
        log.error("an entity (%s) has two states of version %d: run `samtid resync`", kind, entity.version)
    return False


async def begin_epoch(connection: Connection, kind: str, epoch: datetime, ids: Sequence[str]) -> set[str] | None:
    """Let entities of earlier epochs end that are not among `ids`; whose schedules ended, or None where nothing did."""
    if not await connection.fetchval(BEGIN_EPOCH, kind, epoch):
        return None
    rows = await connection.fetch(END_OTHERS, kind, epoch, list(ids))
    return {row["advisor"] for row in rows} or None


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


def readable(read: Callable[[str], Made], documents: Iterable[str]) -> list[Made]:
    """The documents that can be read. One that cannot, since an older release kept it, is said in the log and left out:
    what is not known is not offered, and keeps nothing else from being so.
    """
    made = []
    for document in documents:
        try:
            made.append(read(document))
        except ValidationError as error:
            log.error("a kept document is left out: it is no %s that this release can read", error.title)  # noqa: TRY400 - its text repeats the document
    return made


def answering(offering: str, code: str) -> str:
    """`slots.rules.answering` in SQL, of a row of `directory_copy` and a municipality."""
    return (
        f"coalesce({offering}.data->'units'->>{code}, (select a.id from directory_copy a"  # noqa: S608 - constants
        " where a.kind = 'unit'"
        f" and not a.ended and a.id = {offering}.data->>'unit' and a.data->>'municipality' = {code}))"
    )


async def municipalities(connection: Connection) -> list[Municipality]:
    """The municipalities that have not ended."""
    rows = await connection.fetch(
        "select data::text from directory_copy where kind = 'municipality' and not ended order by id"
    )
    return readable(Municipality.model_validate_json, [row["data"] for row in rows])


async def municipality_of_slug(connection: Connection, slug: str) -> Municipality | None:
    """The municipality with this name in page addresses."""
    found = await connection.fetchval(
        "select data::text from directory_copy where kind = 'municipality' and not ended and data->>'slug' = $1", slug
    )
    return Municipality.model_validate_json(found) if found else None


async def offerings_of(connection: Connection, municipality: str) -> list[Offering]:
    """What a municipality offers, in the order of the ids."""
    rows = await connection.fetch(
        "select o.data::text from directory_copy o"  # noqa: S608 - put together from constants
        " where o.kind = 'offering' and not o.ended and o.data->'municipalities' ? $1"
        f" and {answering('o', '$1')} is not null order by o.id",
        municipality,
    )
    return readable(Offering.stored, [row["data"] for row in rows])


async def entities(
    connection: Connection,
) -> tuple[list[Offering], list[Advisor], list[Unit], list[Pool]]:
    """What decides who may be booked by whom."""
    return (
        readable(Offering.stored, await documents(connection, "offering")),
        readable(Advisor.model_validate_json, await documents(connection, "advisor")),
        readable(Unit.model_validate_json, await documents(connection, "unit")),
        readable(Pool.model_validate_json, await documents(connection, "pool")),
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
    return readable(Schedule.model_validate_json, [row["data"] for row in rows])


async def advisor_of(connection: Connection, schedule: str) -> str | None:
    """Whose a schedule is, by the copy that is kept."""
    advisor: str | None = await connection.fetchval(
        "select data->>'advisor' from directory_copy where kind = 'schedule' and id = $1", schedule
    )
    return advisor


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
    """Free starts from `first` to before `last` (UTC instants), the first one first; of those that can be visits the
    municipality's own places first, then by place, then by advisor.

    With `any_advisor` each start comes once, and one that can be a visit once for each place: with the advisor to
    `prefer`, if free there, or else the one whose week is least used. So it is with `nearest_to`, where the limit keeps
    the starts that lie nearest to that instant: visits elsewhere after all that are of the municipality's own places,
    or of the one where `prefer` would have been.

    With `near` starts are left out that could only be visits elsewhere, unless no place of the municipality's takes
    visits for the offering: what remains is what its families would travel to. `language` is one that the advisor
    speaks. For staff, `by_staff`, there is no lead time.

    For a booking that is `moving` its own time is free, and its share has what it was charged; where it is already is
    listed for other ways to meet alone.
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
    near: bool = False
    moving: Moving | None = None

    def values(self, last: datetime | None = None) -> dict[str, Any]:
        """What the statements ask for, up to `last`."""
        own = self.moving
        return vars(self) | {
            "moving": own and own.booking,
            "met_by": own and own.advisor,
            "met_at": own and own.start,
            "met_as": own and own.modality,
            "today": sharing.today(self.now),
            "first": self.first or self.now,
            "last": last or self.last or self.now + timedelta(days=CALENDAR_DAYS),
        }

    def asks(self, statement: Statement) -> Statement:
        """The statement for this search."""
        return _TO_MOVE[statement] if self.moving else statement


async def free_starts(connection: Connection, wanted: Search) -> list[Free]:
    """What is free and can be booked."""
    if wanted.nearest_to:
        rows = await wanted.asks(NEAREST).rows(connection, **wanted.values())
    else:
        statement = wanted.asks(ANY_ADVISOR if wanted.any_advisor else IN_ORDER)
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
            row["far"],
        )
        for row in rows
    ]


async def opens(connection: Connection, wanted: Search) -> date | None:
    """The local day on which more of what is searched for can be booked, for the municipality has used its share of it.

    None where nothing waits for that.
    """
    row = await wanted.asks(OPENS).row(connection, **wanted.values())
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
            "select exists(select from directory_copy o, directory_copy m"  # noqa: S608 - put together from constants
            " where o.kind = 'offering' and o.id = $1 and not o.ended and o.data->'municipalities' ? $2"
            " and m.kind = 'municipality' and m.id = $2"
            f" and {answering('o', '$2')} is not null)",
            offering,
            municipality,
        )
    )
