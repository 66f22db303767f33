"""What a service tells of itself each ten seconds: events that wait, connections, keys, and what it adds to these.

A question that fails is counted and asked again; what it told before is soon told no more (`kit.metrics.Gauge`).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import AsyncAdaptedQueuePool

from kit import database, metrics, outbox, roles
from kit.metrics import MEASURE, POOL, SERVICE
from kit.outage import is_outage

if TYPE_CHECKING:
    from kit.app import Runtime

log = logging.getLogger(__name__)

SECONDS = 10

Measure = Callable[["Runtime"], Awaitable[None]]


async def run(runtime: "Runtime", measures: Sequence[Measure]) -> None:
    """Measure until cancelled."""
    while True:
        await take(runtime, measures)
        await asyncio.sleep(SECONDS)


async def take(runtime: "Runtime", measures: Sequence[Measure]) -> None:
    """Measure once: first what is in this process and cannot fail, then each question by itself."""
    here = {SERVICE: runtime.service}
    for name, each in (("service", runtime), ("public", runtime.public)):
        if each:
            pool = each.engine.pool
            assert isinstance(pool, AsyncAdaptedQueuePool), "as kit.database makes it"
            metrics.pool_in_use.set(pool.checkedout(), {**here, POOL: name})
            metrics.pool_size.set(pool.size(), {**here, POOL: name})
    metrics.nats_connected.set(int(runtime.client.is_connected), here)
    if runtime.vault:
        metrics.key_stock.set(runtime.vault.stock, here)
    for measure in measures:
        try:
            await measure(runtime)
        except Exception as error:  # whatever it was, it is seen, and the others are measured
            failed = (measure.__name__, runtime.service, type(error).__name__)
            log.warning("cannot measure %s of %s: %s", *failed, exc_info=not is_outage(error))
            metrics.measure_failures.add(1, {**here, MEASURE: measure.__name__})


async def events(runtime: "Runtime") -> None:
    """How many events wait to be published, and for how long."""
    async with database.transaction(runtime.engine, role=roles.relay(runtime.service)) as connection:
        number, age = await outbox.waiting(connection)
    metrics.outbox_unpublished.set(number, {SERVICE: runtime.service})
    metrics.outbox_oldest.set(age, {SERVICE: runtime.service})
