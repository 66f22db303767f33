"""Counts how often families search and find nothing. No search is written down by itself, nor whose it was."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import date

from booking import events
from booking.sharing.rules import today
from kit import database, outbox
from kit.app import Runtime

WRITE_SECONDS = 60


@dataclass
class Searches:
    """The searches that one process has not written yet. Those of a process that is killed are lost."""

    all: Counter[tuple[str, str, date]] = field(default_factory=Counter)
    in_vain: Counter[tuple[str, str, date]] = field(default_factory=Counter)

    def note(self, running: Runtime, municipality: str, offering: str, found: int) -> None:
        """A family searched, and so many times were free. What does not exist must not be counted: refuse it before."""
        if database.keeps_nothing():
            return
        about = (municipality, offering, today(running.clock()))
        self.all[about] += 1
        self.in_vain[about] += not found

    async def count_searches(self, runtime: Runtime) -> None:
        """Write what was counted each minute, and at the end."""
        try:
            while True:
                await asyncio.sleep(WRITE_SECONDS)
                await self.write(runtime)
        finally:
            await self.write(runtime)

    async def write(self, runtime: Runtime) -> None:
        """Write one fact for each municipality, offering and day that was searched for."""
        all_, in_vain = self.all.copy(), self.in_vain.copy()
        if not all_:
            return
        async with database.transaction(runtime.engine) as connection:
            for (municipality, offering, day), searches in all_.items():
                data = events.SearchesCounted(
                    municipality=municipality,
                    offering=offering,
                    day=day,
                    searches=searches,
                    found_nothing=in_vain[municipality, offering, day],
                )
                now = runtime.clock()
                fact = outbox.row(events.SEARCHES_COUNTED, entity_id=municipality, data=data, now=now)
                await outbox.write(connection, fact)
        # Only now: what could not be written is written the next time. What came meanwhile stays.
        self.all -= all_
        self.in_vain -= in_vain
        runtime.relay.wake()
