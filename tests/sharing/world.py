"""An agreement in booking's database that tests change as directory would, and what must hold of its shares whatever
happened.
"""

from collections import defaultdict
from datetime import UTC, date, datetime, time
from itertools import count
from typing import Any
from uuid import uuid4

from booking.sharing import rules
from booking.sharing.rules import Position
from booking.slots.handlers import READS, keep
from booking.slots.service import SlotId
from directory import events as directory
from kit import database, roles
from kit.app import Runtime
from kit.events import CloudEvent
from tests.booking import register
from tests.conftest import Running

READER = roles.reader("booking")
POOL = "hoor-horby-eslov"
MUNICIPALITIES = ("1266", "1267", "1285")

_versions = count(2)

# Every row of the ledger, and what its sums are kept as.
SUMS = """
select coalesce(e.pool, l.pool) as pool, coalesce(e.first, l.period) as period,
       coalesce(e.municipality, l.municipality) as municipality,
       array[coalesce(e.minutes, 0), coalesce(e.credit, 0), coalesce(e.used, 0), coalesce(e.lent, 0),
             coalesce(e.borrowed, 0)]::bigint[] as kept,
       array[coalesce(l.minutes, 0), coalesce(l.credit, 0), coalesce(l.used, 0), coalesce(l.lent, 0),
             coalesce(l.borrowed, 0)]::bigint[] as summed
from entitlement e
full join (
    select pool, period, municipality,
           sum(minutes) filter (where what = 'entitlement') as minutes,
           sum(minutes) filter (where what = 'credit') as credit, sum(minutes) filter (where what = 'use') as used,
           sum(minutes) filter (where what = 'lent') as lent,
           sum(minutes) filter (where what = 'borrowed') as borrowed
    from (
        select pool, period, municipality, case kind when 'loan' then 'borrowed' else kind end as what, minutes
        from ledger
        union all select pool, period, lender, 'lent', minutes from ledger where kind = 'loan'
    ) rows group by pool, period, municipality
) l on l.pool = e.pool and l.period = e.first and l.municipality = e.municipality
"""
# What busy times are charged to, by the times themselves.
BUSY = """
select pool, period, municipality, sum(extract(epoch from upper(during) - lower(during)) / 60)::int as minutes
from busy where pool is not null group by pool, period, municipality
"""


async def put(runtime: Runtime, *entities: directory.Entity, now: datetime | None = None) -> None:
    """What the handler of directory's state does with newer versions of these."""
    for entity in entities:
        event = register.TYPES[type(entity)]
        newer = entity.model_copy(update={"version": next(_versions)})
        data = READS.handlers[event.type].data.model_validate(newer.model_dump())
        told = CloudEvent[Any](
            id=uuid4(), source="/directory", type=event.type, subject=entity.id, time=register.NOW, data=data
        )
        async with database.begin(runtime.engine, role=READER) as connection:
            await keep(connection, told, now or runtime.clock())


async def clear(booking: Running) -> None:
    """Begin anew, taking locks in the order in which the service does: its jobs go on meanwhile."""
    async with database.transaction(booking.admin) as connection:
        for table in (
            "booking_change",
            "idempotency",
            "booking",
            "family",
            "entitlement",
            "ledger",
            "advisor_day",
            "busy",
        ):
            await connection.execute(f"delete from {table}")
        await connection.execute("delete from open_block")
        await connection.execute("delete from outbox")


def pool(*advisors: str, **changes: Any) -> directory.Pool:
    return register.pool(*advisors).model_copy(update=changes)


def week(hours: dict[int, tuple[int, int]]) -> list[directory.WeeklyBlock]:
    """A block each weekday, from hour to hour."""
    return [
        directory.WeeklyBlock(weekday=day, start=time(first), end=time(last), modalities=["video", "phone"])
        for day, (first, last) in hours.items()
    ]


async def positions(booking: Running) -> dict[tuple[date, str], Position]:
    async with database.driver(booking.admin) as connection:
        rows = await connection.fetch(
            "select first, municipality, minutes, credit, used, lent, borrowed from entitlement where pool = $1", POOL
        )
    return {(r["first"], r["municipality"]): Position(*tuple(r)[2:]) for r in rows}


async def check_ledger(booking: Running) -> None:
    """What is kept is the ledger's sum, what is used is what advisors are busy with, and what is lent is borrowed."""
    async with database.driver(booking.admin) as connection:
        for row in await connection.fetch(SUMS):
            assert row["kept"] == row["summed"], dict(row)
        used = await connection.fetch("select pool, first as period, municipality, used as minutes from entitlement")
        busy = {tuple(row) for row in await connection.fetch(BUSY)}
        assert {tuple(row) for row in used if row["minutes"]} == busy
    by_period: dict[date, list[Position]] = defaultdict(list)
    for (first, _), position in (await positions(booking)).items():
        by_period[first].append(position)
    for standing in by_period.values():
        assert sum(p.lent for p in standing) == sum(p.borrowed for p in standing)
        assert sum(p.left for p in standing) == sum(p.limit - p.used for p in standing)


async def candidates(runtime: Runtime, *offerings: str) -> list[tuple[SlotId, date]]:
    """Every start of the days that can be booked, with its local day, whether free and allowed or not."""
    async with database.driver(runtime.engine) as connection:
        rows = await connection.fetch(
            "select advisor, day, during from open_block where upper(during) > $1", runtime.clock()
        )
    found = []
    for row in rows:
        minutes = int((row["during"].upper - row["during"].lower).total_seconds()) // 60
        for at in range(0, minutes - 59, 60):
            start = datetime.fromtimestamp(row["during"].lower.timestamp() + at * 60, UTC)
            found += [(SlotId(o, row["advisor"], start), row["day"]) for o in offerings]
    return sorted(found, key=lambda f: (f[0].start, f[0].advisor, f[0].offering))


def today(runtime: Runtime) -> date:
    return rules.today(runtime.clock())
