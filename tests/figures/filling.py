"""A quarter of what families did in three municipalities, as figures know it, in numbers that are easy to check."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from directory import events as directory
from directory.events import Entity
from kit import database
from tests.booking import register

HOOR, HORBY, ESLOV = "1267", "1266", "1285"
# In the first quarter, while the clock of tests shows the second of March.
FIRST = datetime(2026, 1, 12, 9, tzinfo=UTC)
# By town, way to meet, centre and how it ended: how many bookings.
BOOKINGS: dict[tuple[str, str, str | None, str], int] = {
    (HOOR, "visit", "bvc-hoor", "fulfilled"): 14,
    (HOOR, "visit", "bvc-hoor", "no_show"): 6,
    (HOOR, "visit", "bvc-hoor", "late"): 7,
    (HOOR, "visit", "bvc-horby", "fulfilled"): 3,
    (HOOR, "visit", "bvc-horby", "confirmed"): 6,
    (HOOR, "video", None, "fulfilled"): 20,
    (HORBY, "visit", "bvc-horby", "fulfilled"): 11,
    (HORBY, "visit", "bvc-horby", "no_show"): 2,
    (HORBY, "video", None, "fulfilled"): 9,
    (HORBY, "phone", None, "late"): 8,
    (ESLOV, "phone", None, "fulfilled"): 3,
}
# Town, kind, minutes, lender.
ACCOUNTS = (
    (HOOR, "entitlement", 6000, None),
    (HORBY, "entitlement", 6600, None),
    (ESLOV, "entitlement", 12_000, None),
    (HOOR, "use", 6900, None),
    (HOOR, "loan", 900, ESLOV),
    (HORBY, "use", 3000, None),
    (ESLOV, "use", 180, None),
)


def entities() -> list[Entity]:
    """The towns with their children, but for Eslöv, and a second centre."""
    counted = [directory.Denominator(children=1200, source="SCB", as_of=date(2025, 12, 31))]
    towns = [
        town.model_copy(update={"version": 2, "denominators": counted if town.id != ESLOV else []})
        for town in register.MUNICIPALITIES
    ]
    hoor = register.CENTRE.model_copy(update={"id": "bvc-hoor", "name": "BVC Höör", "municipality": HOOR})
    return [*towns, hoor]


def bookings() -> Iterator[tuple[Any, ...]]:
    """The rows of `figure_booking`: each was made some days before it took place, the n-th of its kind n days."""
    for (town, way, place, end), count in BOOKINGS.items():
        for n in range(count):
            start = FIRST + timedelta(days=n)
            status = "cancelled" if end == "late" else end
            yield uuid4(), 1, town, way, place, start, status, end == "late", start - timedelta(days=n), True


async def fill(admin: AsyncEngine) -> None:
    """Write it all, as the superuser."""
    async with database.driver(admin) as connection:
        await connection.executemany(
            "insert into figure_booking values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", [*bookings()]
        )
        await connection.executemany(
            "insert into figure_search values ($1, 'foraldrasamtal', $2, $3, $4)",
            [(HOOR, FIRST.date(), 40, 10), (HORBY, FIRST.date(), 30, 3)],
        )
        await connection.executemany(
            "insert into figure_availability values ($1, 'foraldrasamtal', $2, $3, $4, $5)",
            [
                (town, FIRST.date() + timedelta(days=n), FIRST, *days)
                for town, each in (
                    (HOOR, [(1, 3), (2, 4), (3, 5)]),
                    (HORBY, [(8, 12), (9, 14), (None, None)]),
                    (ESLOV, [(None, None), (None, None), (2, None)]),
                )
                for n, days in enumerate(each)
            ],
        )
        # What the register's own agreement is entitled to.
        await connection.execute("delete from ledger")
        await connection.executemany(
            "insert into ledger (at, pool, period, municipality, kind, minutes, lender, booking)"
            " values ($1, 'hoor-horby-eslov', $2, $3, $4, $5, $6, $7)",
            [
                (FIRST, FIRST.date(), town, kind, minutes, lender, uuid4() if kind in ("use", "loan") else None)
                for town, kind, minutes, lender in ACCOUNTS
            ],
        )
