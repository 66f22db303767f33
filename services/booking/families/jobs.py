"""What booking does by itself about families: keys at hand, and identities that end when their rule says so."""

import asyncio
import logging

from booking.bookings import entry
from booking.families import service
from kit.app import Runtime

log = logging.getLogger(__name__)

RETAIN_SECONDS = 24 * 3600


async def keep_keys(runtime: Runtime) -> None:
    """Have keys ready for those who book."""
    await entry.vault(runtime).keep_filled(runtime.clock)


async def retain(runtime: Runtime) -> None:
    """Once a day, and at each start: end the identities that are due, and destroy keys that no family ever got."""
    while True:
        report = await service.retain(runtime.engine, entry.vault(runtime), runtime.clock())
        for rule, count in report.counts().items():
            log.info("erased %d families by the rule %s", count, rule)
        await service.tidy_keys(runtime.engine, entry.vault(runtime), runtime.clock())
        await asyncio.sleep(RETAIN_SECONDS)
