"""When an epoch of the register begins: where the database is another one than before, and where one is asked for."""

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from directory import epochs, tables
from directory.importing import import_files
from tests.conftest import Clock, Run
from tests.directory.test_importing import ENTITIES, KINDS, NOW, SMALL, changed, events

LATER = NOW + timedelta(hours=1)
EDIT = ("name: Maria Ek", "name: Maria Ek Lund")


async def begin(engine: AsyncEngine, now: datetime) -> int:
    async with engine.begin() as connection:
        await tables.lock(connection)
        return await epochs.begin(connection, now)


async def test_tables_that_were_read_back_from_a_dump_begin_an_epoch(run: Run, tmp_path: Path) -> None:
    async with run("directory", clock=Clock(NOW)) as directory:
        engine = directory.runtime.engine
        await import_files(engine, [SMALL], NOW)
        async with directory.admin.begin() as connection:
            await connection.execute(text("create table read_back (like epoch including all)"))
            await connection.execute(text("insert into read_back select * from epoch"))
            await connection.execute(text("drop table epoch"))
            await connection.execute(text("alter table read_back rename to epoch"))
            await connection.execute(text("grant select, insert on epoch to directory"))
        await import_files(engine, [changed(tmp_path, EDIT)], LATER)
        told = (await events(engine))[ENTITIES + KINDS :]
        assert len(told) == ENTITIES + KINDS
        assert {event["epoch"] for event in told} == {"2026-11-22T13:00:00Z"}


async def test_each_epoch_is_later_than_the_one_before_whatever_the_clock_says(engine: AsyncEngine) -> None:
    await import_files(engine, [SMALL], NOW)
    assert await begin(engine, LATER) == ENTITIES
    assert await begin(engine, NOW) == ENTITIES
    epoch = [event["epoch"] for event in await events(engine)][:: ENTITIES + KINDS]
    assert epoch == ["2026-11-22T12:00:00Z", "2026-11-22T13:00:00Z", "2026-11-22T13:00:00.000001Z"]


async def test_a_change_begins_none(engine: AsyncEngine, tmp_path: Path) -> None:
    await import_files(engine, [SMALL], NOW)
    await import_files(engine, [changed(tmp_path, EDIT)], LATER)
    (told,) = (await events(engine))[ENTITIES + KINDS :]
    assert (told["type"], told["epoch"]) == ("se.samtid.directory.advisor.v1", "2026-11-22T12:00:00Z")
