"""What booking does by itself: ends holds, forgets keys, and keeps the calendar long enough."""

import asyncio

from booking import secrecy
from booking.bookings import entry, holds, service, tables
from booking.bookings.answers import Contact, ContactQuestion, NoContact, ProtectedContact
from booking.roles import SWEEP
from booking.sharing import service as sharing
from booking.slots import service as slots
from booking.slots import tables as slot_tables
from kit import database
from kit.app import Runtime

SWEEP_SECONDS = 1
CALENDAR_SECONDS = 3600


async def sweep(runtime: Runtime) -> None:
    """Give the time of expired holds back, each second."""
    while True:
        async with database.transaction(runtime.engine, role=SWEEP) as connection:
            await holds.expire(connection, runtime.clock())
        await asyncio.sleep(SWEEP_SECONDS)


async def keep_calendar(runtime: Runtime) -> None:
    """Each hour: open the days that have come within reach, close the periods that are over, forget old keys."""
    while True:
        old = runtime.clock() - service.KEYS_KEPT
        async with database.transaction(
            runtime.engine, role=SWEEP, seconds=database.JOB_SECONDS, before=old.isoformat()
        ) as connection:
            advisors = await slot_tables.scheduled_advisors(connection)
            await service.forget_keys(connection, old)
        for advisor in advisors:
            async with database.transaction(runtime.engine, role=SWEEP, seconds=database.JOB_SECONDS) as connection:
                await slot_tables.lock_register(connection)
                async with sharing.recalculating(connection, runtime.clock(), advisor):
                    await slots.refresh_open_hours(connection, advisor, runtime.clock())
        async with database.transaction(runtime.engine, role=SWEEP, seconds=database.JOB_SECONDS) as connection:
            await sharing.carry_over(connection, runtime.clock())
        await asyncio.sleep(CALENDAR_SECONDS)


async def answer_contact(runtime: Runtime, question: ContactQuestion) -> Contact | ProtectedContact | NoContact:
    """Answer notification's question; only its NATS user may ask. Raises KeysUnavailable."""
    vault = entry.vault(runtime)
    async with vault.turn():
        async with secrecy.of_booking(runtime.engine, question.booking) as connection:
            row = await tables.with_contact(connection, question.booking)
        return await service.contact(row, entry.links(runtime), vault, runtime.clock())
