"""What booking does by itself, with nobody who asks for it."""

import asyncio
from contextlib import suppress

from booking.bookings import jobs
from kit import database
from tests.booking.test_journey import request_for, slots
from tests.conftest import Clock, Running, until


async def count(booking: Running, what: str) -> int:
    async with database.driver(booking.admin) as connection:
        found: int = await connection.fetchval(f"select count(*) from {what}")
        return found


async def test_an_expired_hold_gives_its_time_back_though_nobody_asks_for_it(booking: Running, clock: Clock) -> None:
    slot = (await slots(booking, limit=30))[-1]
    body = {"slot": slot["id"], "municipality": "1266", "modality": "video"}
    held = await booking.http.post("/booking/v1/holds", json=body)
    assert held.status_code == 201
    assert slot["id"] not in [free["id"] for free in await slots(booking, limit=30)]
    assert await count(booking, "entitlement where used > 0") == 1
    clock.move(minutes=11)

    async def listed() -> bool:
        return slot["id"] in [free["id"] for free in await slots(booking, limit=30)]

    await until(listed, 20)
    assert await count(booking, "booking") == 0
    assert await count(booking, "busy") == 0
    assert await count(booking, "entitlement where used > 0") == 0


async def test_keys_of_requests_are_forgotten_after_a_day(booking: Running, clock: Clock) -> None:
    for key, free in zip(("old", "young"), await slots(booking, limit=2), strict=True):
        made = await booking.http.post("/booking/v1/bookings", json=request_for(free), headers={"Idempotency-Key": key})
        assert made.status_code == 201
        clock.move(hours=1)
    # The first is 24 hours and a moment old, the second an hour less.
    clock.move(hours=22, seconds=1)
    again = asyncio.create_task(jobs.keep_calendar(booking.runtime))

    async def forgotten() -> bool:
        return await count(booking, "idempotency") < 2

    await until(forgotten, 20)
    assert await count(booking, "idempotency") == 1
    again.cancel()
    with suppress(asyncio.CancelledError):
        await again
