"""Two transactions at once, in the one order that chance seldom gives: each waits where a lock is held for it."""

import asyncio
from datetime import date, timedelta
from typing import Any

from booking.slots import service
from booking.slots import tables as slot_tables
from booking.slots.reads import Schedule
from kit import database
from kit.database import Connection
from tests.booking import register
from tests.booking.test_contention import _waits_or_ended, deadlocks
from tests.booking.test_free_time import READER, check
from tests.booking.test_journey import request_for, slots
from tests.conftest import Clock, Running, until

LOCK_DAY = "select 1 from advisor_day where advisor = 'maria-ek' and day = $1 for update"


async def on(booking: Running, day: date) -> list[dict[str, Any]]:
    return await slots(booking, **{"from": str(day), "to": str(day)})


async def goes_on(booking: Running, task: "asyncio.Task[Any]") -> None:
    """Return when the task's work waits for a lock."""
    await until(lambda: _waits_or_ended(booking, task))
    assert not task.done()


async def take_leave(connection: Connection, clock: Clock, version: int = 2) -> None:
    """What the reader does when an advisor's working hours are taken away."""
    schedule = Schedule.model_validate(register.schedule(version=version, weekly=[]).model_dump())
    await slot_tables.store(connection, "schedule", schedule, None)
    await service.refresh_open_hours(connection, schedule.advisor, clock())


async def test_leave_that_comes_between_the_rules_and_the_booking_is_kept(booking: Running, clock: Clock) -> None:
    """The advisor was open when the rules asked, and is not when the time is taken; no booking stands in the way."""
    slot = (await slots(booking))[0]
    async with database.transaction(booking.runtime.engine, role=READER) as leave:
        await take_leave(leave, clock)
        booked = asyncio.create_task(booking.http.post("/booking/v1/bookings", json=request_for(slot)))
        await goes_on(booking, booked)
    answer = await booked
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:samtid:problem:slot-taken")
    async with database.driver(booking.admin) as connection:
        assert await connection.fetchval("select count(*) from busy") == 0
    await check(booking)


async def test_a_move_locks_its_days_in_order_before_it_gives_anything_back(booking: Running) -> None:
    """A time goes from Tuesday to Monday while the advisor's hours change, which locks Monday first, then Tuesday."""
    monday = register.NOW.date()
    tuesday = monday + timedelta(days=1)
    earlier, later = (await on(booking, monday))[0], (await on(booking, tuesday))[0]
    made = (await booking.http.post("/booking/v1/bookings", json=request_for(later))).json()
    path = f"/booking/v1/bookings/{made['manage_token']}/reschedule"
    async with database.transaction(booking.admin) as hours:
        await hours.execute(LOCK_DAY, monday)
        moved = asyncio.create_task(booking.http.post(path, json={"slot": earlier["id"]}))
        await goes_on(booking, moved)
        await hours.execute(LOCK_DAY, tuesday)
    assert (await moved).status_code == 200
    assert await deadlocks(booking) == 0
    await check(booking)
