"""The statements on shares: what is charged to them, what is given back, what they are made of.

They come after the booking's row and before the advisor's days in the order of locks (`booking.bookings.tables`): rows
of `entitlement` in the order of their key.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from booking.sharing.rules import Loan, Position
from kit.database import Connection

# Part of the statement that takes the time: a charge that the municipality has time of its own for, so that nobody
# lends. Any other is decided by `service.charge`, and then nothing is `charging` here.
CHARGE = """
charged as (
    update entitlement set used = used + :charge
    from guard
    where guard.alone and :charging and pool = :pool and municipality = :municipality and first = :period
        and used + lent - borrowed + :charge <= minutes + credit
        and (:released or used + :charge <= minutes + credit)
    returning true
),
noted as (
    insert into ledger (at, pool, period, municipality, kind, minutes, booking)
    select :now, :pool, :period, :municipality, 'use', :charge, :id from charged
),
may as materialized (
    select from guard where alone and (not :charging or exists (select from charged))
),
"""

_COLUMNS = "municipality, minutes as entitled, credit, used, lent, borrowed"
LOCK = f"""
select pool, first, {_COLUMNS} from entitlement
where (pool, first) in (select * from unnest($1::text[], $2::date[]))
order by pool, first, municipality for update
"""  # noqa: S608 - put together from constants
OWED = """
select lender, municipality as borrower, sum(minutes) as minutes from ledger
where pool = $1 and period = $2 and kind = 'loan' group by lender, municipality
"""
STAND = """
update entitlement e set used = n.used, lent = n.lent, borrowed = n.borrowed
from unnest($3::text[], $4::int[], $5::int[], $6::int[]) as n (municipality, used, lent, borrowed)
where e.pool = $1 and e.first = $2 and e.municipality = n.municipality
"""
WRITE = """
insert into ledger (at, pool, period, municipality, kind, minutes, lender, booking)
select $1, $2, $3, x.municipality, x.kind, x.minutes, x.lender, $4
from unnest($5::text[], $6::text[], $7::int[], $8::text[]) as x (municipality, kind, minutes, lender)
"""
# What an advisor's busy times are charged to is kept with them: the advisor may have left the agreement since.
_CHARGED = """
select id, pool, period, municipality, extract(epoch from upper(during) - lower(during))::int / 60 as minutes
from busy
"""
CHARGED = f"{_CHARGED} where id = any($1::uuid[]) and pool is not null order by pool, period, municipality, id"

WORKED = """
select day, (sum(extract(epoch from upper(during) - lower(during))) / 60)::int as minutes
from open_block where advisor = any($1::text[]) and day between $2 and $3 group by day
"""
ENTITLE = """
insert into entitlement (pool, first, municipality, last, release_days, carry_over, minutes)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (pool, first, municipality) do update
set last = excluded.last, release_days = excluded.release_days, carry_over = excluded.carry_over,
    minutes = excluded.minutes
"""
GRANT = """
insert into ledger (at, pool, period, municipality, kind, minutes) values ($1, $2, $3, $4, $5, $6)
"""

Key = tuple[str, date]


@dataclass(frozen=True)
class Charged:
    """Minutes of a booking or a hold that a municipality's share was charged."""

    id: UUID
    pool: str
    period: date
    municipality: str
    minutes: int


async def lock(connection: Connection, keys: Iterable[Key]) -> dict[Key, dict[str, Position]]:
    """How all stand in the periods of agreements, each by its first day; nobody else changes it until the end."""
    wanted = sorted(set(keys))
    rows = await connection.fetch(LOCK, [pool for pool, _ in wanted], [first for _, first in wanted])
    found: dict[Key, dict[str, Position]] = {key: {} for key in wanted}
    for row in rows:
        found[row["pool"], row["first"]][row["municipality"]] = Position(*row[3:])
    return found


async def owed(connection: Connection, key: Key) -> dict[tuple[str, str], int]:
    """The loans of a period that are not repaid, in minutes by lender and borrower."""
    return {(row["lender"], row["borrower"]): row["minutes"] for row in await connection.fetch(OWED, *key)}


async def charged(connection: Connection, ids: Sequence[UUID]) -> list[Charged]:
    """What shares were charged for these bookings and holds, in the order of locks."""
    return [Charged(**row) for row in await connection.fetch(CHARGED, ids)]


async def write(
    connection: Connection,
    key: Key,
    before: Mapping[str, Position],
    after: Mapping[str, Position],
    *,
    uses: Mapping[str, int],
    loans: Iterable[Loan],
    booking: UUID,
    now: datetime,
) -> None:
    """Set how all stand in a period, whose rows the caller has locked, and write what made it so into the ledger."""
    changed = [code for code in after if after[code] != before[code]]
    await connection.execute(
        STAND,
        *key,
        changed,
        [after[code].used for code in changed],
        [after[code].lent for code in changed],
        [after[code].borrowed for code in changed],
    )
    rows: list[tuple[str, str, int, str | None]] = [(code, "use", minutes, None) for code, minutes in uses.items()]
    rows += [(loan.borrower, "loan", loan.minutes, loan.lender) for loan in loans]
    await connection.execute(
        WRITE,
        now,
        *key,
        booking,
        [row[0] for row in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
        [row[3] for row in rows],
    )


async def lock_from(connection: Connection, pools: Sequence[str], first: date) -> None:
    """Lock these agreements' periods that end on `first` or later, before the days of their advisors."""
    await connection.execute(
        "select from entitlement where pool = any($1) and last >= $2 order by pool, first, municipality for update",
        pools,
        first,
    )


async def worked(connection: Connection, advisors: Sequence[str], first: date, last: date) -> dict[date, int]:
    """The minutes that these advisors are open together, by local day."""
    return {row["day"]: row["minutes"] for row in await connection.fetch(WORKED, advisors, first, last)}


@dataclass(frozen=True)
class Row:
    """What is stored of one municipality in one period; days are both included."""

    first: date
    municipality: str
    last: date
    release_days: int
    carry_over: int
    minutes: int


async def entitlements(connection: Connection, pool: str, first: date) -> list[Row]:
    """What is stored of an agreement's periods that end on `first` or later."""
    rows = await connection.fetch(
        "select first, municipality, last, release_days, carry_over, minutes from entitlement"
        " where pool = $1 and last >= $2",
        pool,
        first,
    )
    return [Row(**row) for row in rows]


async def entitle(connection: Connection, pool: str, row: Row, change: int, now: datetime) -> None:
    """Set what a municipality is entitled to in a period, and write the `change` in minutes into the ledger."""
    await connection.execute(
        ENTITLE, pool, row.first, row.municipality, row.last, row.release_days, row.carry_over, row.minutes
    )
    if change:
        await connection.execute(GRANT, now, pool, row.first, row.municipality, "entitlement", change)


async def forget(connection: Connection, pool: str, first: date, municipality: str) -> None:
    """Drop a period in which a municipality stands at nothing, and never did anything that still counts."""
    await connection.execute(
        "delete from entitlement where pool = $1 and first = $2 and municipality = $3"
        " and (minutes, credit, used, lent, borrowed) = (0, 0, 0, 0, 0)",
        pool,
        first,
        municipality,
    )


async def charged_from(connection: Connection, pool: str, first: date) -> list[tuple[Charged, date]]:
    """What an agreement's shares are charged for busy times on day `first` and later, with those days."""
    rows = await connection.fetch(
        f"{_CHARGED.replace('select ', 'select day, ', 1)} where pool = $1 and day >= $2 order by id", pool, first
    )
    return [(Charged(*row[1:]), row["day"]) for row in rows]


async def charge_to(connection: Connection, busy: UUID, period: date) -> None:
    """Note that a busy time is charged to another period."""
    await connection.execute("update busy set period = $2 where id = $1", busy, period)


async def ended(connection: Connection, today: date) -> list[tuple[str, Row, Position]]:
    """The periods before `today` that are not closed yet, locked, in their order."""
    rows = await connection.fetch(
        f"select pool, first, last, release_days, carry_over, minutes, {_COLUMNS} from entitlement"  # noqa: S608 - ours
        " where last < $1 and not closed order by pool, first, municipality for update",
        today,
    )
    return [
        (
            r["pool"],
            Row(r["first"], r["municipality"], r["last"], r["release_days"], r["carry_over"], r["minutes"]),
            Position(r["entitled"], r["credit"], r["used"], r["lent"], r["borrowed"]),
        )
        for r in rows
    ]


async def later(connection: Connection, pool: str, municipality: str, after: date) -> tuple[date, Position] | None:
    """A municipality's first period that begins after a day, by its first day, locked."""
    row = await connection.fetchrow(
        f"select first, {_COLUMNS} from entitlement where pool = $1 and municipality = $2 and first > $3"  # noqa: S608
        " order by first limit 1 for update",
        pool,
        municipality,
        after,
    )
    return (row["first"], Position(*row[2:])) if row else None


async def close(connection: Connection, pool: str, row: Row) -> None:
    """Note that a period is over and what it gives is given."""
    await connection.execute(
        "update entitlement set closed = true where pool = $1 and first = $2 and municipality = $3",
        pool,
        row.first,
        row.municipality,
    )


async def give_credit(
    connection: Connection, pool: str, period: date, municipality: str, minutes: int, now: datetime
) -> None:
    """Add credit to a period that the caller has locked."""
    await connection.execute(
        "update entitlement set credit = credit + $4 where pool = $1 and first = $2 and municipality = $3",
        pool,
        period,
        municipality,
        minutes,
    )
    await connection.execute(GRANT, now, pool, period, municipality, "credit", minutes)
