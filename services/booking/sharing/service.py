"""Charging municipalities' shares, giving back, and what they are entitled to. The caller opens and commits.

Whatever both charges a share and takes an advisor's time does it in this order, so that nothing deadlocks.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from booking.sharing import rules, tables
from booking.sharing.rules import DAY, Charge, Period
from booking.sharing.tables import Row
from booking.slots import tables as slot_tables
from booking.slots.reads import Pool
from kit.database import Connection

LONGEST = 4 * rules.WEEK


async def charge(connection: Connection, wanted: Charge, booking: UUID, now: datetime) -> bool:
    """Charge a booking or a hold to its municipality's share, with what others lend for it; whether it allows for it.

    In a transaction that takes the advisor's time afterwards.
    """
    key = (wanted.pool, wanted.period)
    standing = (await tables.lock(connection, [key]))[key]
    position = standing.get(wanted.municipality)
    if position is None or not rules.may_take(position, wanted.minutes, released=wanted.released):
        return False
    after, loans = rules.use(standing, wanted.municipality, wanted.minutes)
    uses = {wanted.municipality: wanted.minutes}
    await tables.write(connection, key, standing, after, uses=uses, loans=loans, booking=booking, now=now)
    return True


async def give_back(
    connection: Connection, bookings: Sequence[UUID], now: datetime, *, then: Charge | None = None
) -> None:
    """Give back what these bookings and holds were charged, whose rows the caller has locked and whose time it gives
    back afterwards. `then` is what it charges after that.
    """
    charged = await tables.charged(connection, bookings)
    while True:
        keys = [(each.pool, each.period) for each in charged] + ([(then.pool, then.period)] if then else [])
        if not keys:
            return
        standing = await tables.lock(connection, keys)
        before, charged = charged, await tables.charged(connection, bookings)
        # An agreement that changed while this waited may have charged them to other periods.
        if charged == before:
            break
    for each in charged:
        key = (each.pool, each.period)
        standing[key] = await _give_back(connection, key, standing[key], each, now)


async def _give_back(
    connection: Connection, key: tables.Key, standing: dict[str, rules.Position], each: tables.Charged, now: datetime
) -> dict[str, rules.Position]:
    lends = any(position.lent for position in standing.values())
    owed = await tables.owed(connection, key) if lends else {}
    after, repaid = rules.give_back(standing, owed, each.municipality, each.minutes)
    uses = {each.municipality: -each.minutes}
    await tables.write(connection, key, standing, after, uses=uses, loans=repaid, booking=each.id, now=now)
    return after


@asynccontextmanager
async def recalculating(connection: Connection, now: datetime, advisor: str | None = None) -> AsyncIterator[None]:
    """Within it open hours or agreements (of one advisor) change; at its end, what municipalities are entitled to.

    From the period of yesterday on: it may still be today somewhere. Bookings that were made stay as they are, though
    they be more than what is left. The caller holds the register's lock.
    """
    first = now.date() - DAY
    found = [pool.id for pool in await _pools(connection) if advisor is None or advisor in pool.advisors]
    # The longest period that yesterday may be in begins so long before, and may take the place of shorter ones.
    await tables.lock_from(connection, found, first - LONGEST)
    yield
    for pool in await _pools(connection):
        if advisor is None or advisor in pool.advisors:
            await _entitle(connection, pool, now, first)


async def _pools(connection: Connection) -> list[Pool]:
    return slot_tables.readable(Pool.model_validate_json, await slot_tables.documents(connection, "pool"))


async def _entitle(connection: Connection, pool: Pool, now: datetime, first: date) -> None:
    last = first + DAY * slot_tables.CALENDAR_DAYS
    periods = [] if pool.ended else list(rules.periods(pool.terms(), first, last))
    first = periods[0].first if periods else first
    stored = {(row.first, row.municipality): row for row in await tables.entitlements(connection, pool.id, first)}
    if periods:
        worked = await tables.worked(connection, pool.advisors, periods[0].first, periods[-1].last)
        for period in periods:
            for code, minutes in rules.entitle(period, lambda day: worked.get(day, 0)).items():
                before = stored.pop((period.first, code), None)
                row = _row(period, code, minutes)
                if row != before:
                    await tables.entitle(connection, pool.id, row, minutes - (before.minutes if before else 0), now)
    # What is left is not in the agreement any more: another one begins there, or its periods lie elsewhere now.
    for gone in stored.values():
        await tables.entitle(connection, pool.id, replace(gone, minutes=0), -gone.minutes, now)
    if stored:
        await _charge_anew(connection, pool, periods, now)
        for first_day, code in stored:
            await tables.forget(connection, pool.id, first_day, code)


def _row(period: Period, municipality: str, minutes: int) -> Row:
    terms = period.terms
    assert terms.release_days is not None, "an agreement releases its times"
    return Row(period.first, municipality, period.last, terms.release_days, terms.carry_over, minutes)


async def _charge_anew(connection: Connection, pool: Pool, periods: Sequence[Period], now: datetime) -> None:
    """Charge busy times to the periods that hold their days now, where those have changed."""
    if not periods:
        return
    for each, day in await tables.charged_from(connection, pool.id, periods[0].first):
        period = next((p for p in periods if p.first <= day <= p.last), None)
        if period is None or period.first == each.period or each.municipality not in period.terms.shares:
            continue
        old, new = (pool.id, each.period), (pool.id, period.first)
        standing = await tables.lock(connection, [old, new])
        await _give_back(connection, old, standing[old], each, now)
        after, loans = rules.use(standing[new], each.municipality, each.minutes)
        uses = {each.municipality: each.minutes}
        await tables.write(connection, new, standing[new], after, uses=uses, loans=loans, booking=each.id, now=now)
        await tables.charge_to(connection, each.id, period.first)


async def carry_over(connection: Connection, now: datetime) -> None:
    """Close the periods that have ended: what was not used gives credit in the first period that lies wholly beyond
    the release, where credit is worth something, as far as the agreement's terms go.
    """
    today = rules.today(now)
    for pool, row, position in await tables.ended(connection, today):
        if row.carry_over:
            target = await tables.later(connection, pool, row.municipality, today + DAY * row.release_days)
            minutes = rules.credit(position, target[1], row.carry_over) if target else 0
            if target and minutes:
                await tables.give_credit(connection, pool, target[0], row.municipality, minutes, now)
        await tables.close(connection, pool, row)
