"""Epochs of the register. One begins when this database becomes the register, and when an operator wants it.

Versions say what is newer within an epoch, and not where a database was restored or made anew: it gives out versions
that readers have seen already. So each state says of which epoch it is, and when one begins all states are told once
more, followed for each kind by the list of all that there are.
"""

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from directory import tables
from directory.events import REGISTER, Entity, Register
from directory.tables import EVENTS
from kit import outbox
from kit.app import Runtime

log = logging.getLogger(__name__)

LOOK_SECONDS = 60
# The server, its timeline, which a restored or promoted one begins anew, the database on it, and the table in that:
# whatever is read back from a dump is made anew.
IDENTITY = """
select (select system_identifier from pg_control_system()) || '/'
    || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) || '/'
    || (select oid from pg_database where datname = current_database()) || '/' || 'epoch'::regclass::oid
"""


async def tell(connection: AsyncConnection, states: Iterable[tuple[str, Entity]], now: datetime) -> None:
    """Tell of states that were saved, by kind, in the present epoch. Where one must begin, tell of all.

    The caller holds the register's lock.
    """
    began = await _present(connection)
    if began is None:
        await begin(connection, now)
        return
    rows = [outbox.row(EVENTS[kind], entity_id=state.id, data=state, now=now, epoch=began) for kind, state in states]
    await outbox.add(connection, tables.outbox_table, rows)


async def begin(connection: AsyncConnection, now: datetime) -> int:
    """Begin an epoch and tell of the whole register; how many entities that are. The caller holds the lock."""
    last = await connection.scalar(select(func.max(tables.epoch.c.began_at)))
    began = max(now, last + timedelta(microseconds=1)) if last else now
    identity = await connection.scalar(text(IDENTITY))
    await connection.execute(insert(tables.epoch).values(began_at=began, identity=identity))
    order = list(EVENTS)
    found = sorted(await tables.everything(connection), key=lambda entity: order.index(entity[0]))
    rows = []
    for kind, data in found:
        state = EVENTS[kind].data.model_validate(data)
        rows.append(outbox.row(EVENTS[kind], entity_id=data["id"], data=state, now=now, epoch=began))
    for kind in order:
        there = Register(kind=kind, ids=sorted(data["id"] for of, data in found if of == kind))
        rows.append(outbox.row(REGISTER, entity_id=kind, data=there, now=now, epoch=began))
    await outbox.add(connection, tables.outbox_table, rows)
    log.warning("a new epoch of the register began: %d entities are told anew", len(found))
    return len(found)


async def _present(connection: AsyncConnection) -> datetime | None:
    """When the present epoch began; None where this database has begun none."""
    last = select(tables.epoch).order_by(tables.epoch.c.began_at.desc()).limit(1)
    row = (await connection.execute(last)).first()
    same = row is not None and row.identity == await connection.scalar(text(IDENTITY))
    return row.began_at if row is not None and same else None


async def keep_epoch(runtime: Runtime) -> None:
    """Begin an epoch where the database is another one than before. An empty register begins with its first entity."""
    while True:
        async with runtime.engine.begin() as connection:
            await tables.lock(connection)
            if await _present(connection) is None and await tables.everything(connection):
                await begin(connection, runtime.clock())
        await asyncio.sleep(LOOK_SECONDS)
