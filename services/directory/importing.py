"""`samtid import FILE…`: files become the register, all or nothing, and each change is published as state."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from directory import tables
from directory.reading import Fault, Reading, read
from directory.rules import Register, breaches
from kit import database, outbox, telemetry
from kit.app import utc_now

# Imports wait for each other: what one has checked must still be true when it commits.
IMPORT_LOCK = 7_269_842
EVENTS = {event.name: event for event in tables.KINDS.values()}


@dataclass(frozen=True)
class Report:
    """How many entities an import added, changed (ended ones too) and left as they were."""

    added: int
    changed: int
    unchanged: int

    def __str__(self) -> str:
        return f"{self.added} added, {self.changed} changed, {self.unchanged} unchanged"


class Rejected(Exception):  # noqa: N818 - an answer to whoever wrote the files, not an error of ours
    """The files have faults; nothing of them was taken."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = sorted(set(faults))

    def __str__(self) -> str:
        count = f"{len(self.faults)} fault{'s' if len(self.faults) > 1 else ''}"
        return "\n".join([*map(str, self.faults), f"Nothing was imported: {count} to put right."])


async def import_files(engine: AsyncEngine, paths: Sequence[Path], now: datetime) -> Report:
    """Take files into the register in one transaction. `now` is an aware datetime. Raises Rejected."""
    reading = read(paths)
    with telemetry.span("directory", "import"):
        async with engine.begin() as connection:
            await connection.execute(select(func.pg_advisory_xact_lock(IMPORT_LOCK)))
            return await take(connection, reading, now)


async def take(connection: AsyncConnection, reading: Reading, now: datetime) -> Report:
    """Judge what was read together with what is known, and write what is new. Raises Rejected."""
    known = Register()
    for kind, data in await tables.everything(connection):
        known.of(kind)[data["id"]] = EVENTS[kind].data.model_validate(data)
    faults = [*reading.faults, *_breached(known, reading)]
    if faults:
        raise Rejected(faults)
    added = changed = unchanged = 0
    rows = []
    order = list(EVENTS)
    for entry in sorted(reading.entries.values(), key=lambda e: order.index(e.kind)):
        before = known.of(entry.kind).get(entry.entity.id)
        # What the register counts and notes itself is not a file's to say.
        kept = {name: getattr(before, name) for name in ("version", "sessions_after") if hasattr(before, name)}
        state = entry.entity.model_copy(update=kept)
        if before is None:
            added += 1
        elif before == state:
            unchanged += 1
            continue
        else:
            changed += 1
            state = state.model_copy(update={"version": before.version + 1})
        await tables.save(connection, entry.kind, state)
        rows.append(outbox.row(EVENTS[entry.kind], entity_id=state.id, data=state, now=now))
    await outbox.add(connection, tables.outbox_table, rows)
    return Report(added, changed, unchanged)


def _breached(known: Register, reading: Reading) -> list[Fault]:
    """What the register would breach with these files in it, each told at the line that brought it."""
    judged = Register(unreadable=reading.unreadable)
    for kind in EVENTS:
        judged.of(kind).update(known.of(kind))
    for (kind, entity_id), entry in reading.entries.items():
        judged.of(kind)[entity_id] = entry.entity
    for kind, entity_id in reading.unreadable:
        judged.of(kind).pop(entity_id, None)
    faults = []
    for breach in breaches(judged):
        for place in breach.places:
            if brought := reading.entries.get((place.kind, place.id)):
                message = f"{place.kind} {place.id}: {breach.message}"
                faults.append(Fault(brought.file, brought.line(place.path), message))
                break
        # A breach of none of these files' entities was there before, and is not theirs to put right.
    return faults


def say(text: str, *, fault: bool = False) -> None:
    """A line for the person at the terminal."""
    stream = sys.stderr if fault else sys.stdout
    stream.write(f"{text}\n")


async def main(paths: Sequence[Path], database_url: str) -> int:
    """Import files and print the report. The exit status: 0, or 1 where nothing was imported."""
    engine = database.engine(database_url, 1)
    try:
        say(str(await import_files(engine, paths, utc_now())))
    except Rejected as rejected:
        say(str(rejected), fault=True)
        return 1
    except (OSError, SQLAlchemyError, asyncpg.PostgresError) as error:
        say(f"Nothing was imported: directory's database does not do its part ({type(error).__name__}).", fault=True)
        return 1
    finally:
        await engine.dispose()
    return 0
