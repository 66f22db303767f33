"""`samtid import FILE…`: files become the register, all or nothing, and each change is published as state."""

import asyncio
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import asyncpg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from directory import agreeing, editing, history, rights, tables
from directory.editing import Report
from directory.events import Entity
from directory.history import Because
from directory.reading import Fault, Reading, read, read_bytes
from directory.rules import agreement, breaches
from directory.rules.common import near
from directory.rules.register import Breach, as_far_as_read
from kit import database, telemetry
from kit.app import utc_now
from kit.refusal import Refusal

_READER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="import")


class Rejected(Exception):  # noqa: N818 - an answer to whoever wrote the files, not an error of ours
    """The files have faults; nothing of them was taken."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = sorted(set(faults))

    def __str__(self) -> str:
        count = f"{len(self.faults)} fault{'s' if len(self.faults) > 1 else ''}"
        return "\n".join([*map(str, self.faults), f"Nothing was imported: {count} to put right."])


class FileRejected(Refusal):
    """For whoever sent a file: `faults` says which lines."""

    status = 422
    code = "file-rejected"
    sv = ("Filen behöver rättas", "Inget är importerat. Se under faults vilka rader det gäller.")
    en = ("The file needs correcting", "Nothing was imported. See under faults which lines.")


async def import_files(
    engine: AsyncEngine, paths: Sequence[Path], now: datetime, reason: str | None = None, *, only_empty: bool = False
) -> Report:
    """Take files into the register in one transaction. `now` is an aware datetime. Raises Rejected.

    With `only_empty` a register that has anything in it is left as it is.
    """
    reading = read(paths)
    with telemetry.span("directory", "import"):
        async with engine.begin() as connection:
            if only_empty:
                await tables.lock(connection)
                if await tables.everything(connection):
                    return Report(0, 0, 0)
            return (await take(connection, reading, history.IMPORT, now, reason=reason)).report


async def read_sent(content: bytes) -> Reading:
    """Read what a request sent, which takes a second where it is long: beside everything else, one at a time."""
    return await asyncio.get_running_loop().run_in_executor(_READER, read_bytes, "", content)


async def take(
    connection: AsyncConnection,
    reading: Reading,
    who: str,
    now: datetime,
    *,
    dry: bool = False,
    reason: str | None = None,
) -> editing.Plan:
    """Judge what was read together with what is known, and write what is new unless this is a dry run.

    `who` is history.IMPORT, which may change everything, for a `reason` that stands in the history; or an id of staff,
    who is held to `rights`, and whose changes wait where they need others' yes. Raises Rejected.
    """
    if reading.cut:
        raise Rejected(reading.faults)
    known = await editing.register(connection)
    entities = [entry.entity for entry in reading.entries.values()]
    partly = [entry.entity for entry in reading.partly.values()]
    wanted = editing.changed(known, [*entities, *partly], reading.unreadable)
    found = list(breaches(wanted))
    planned = editing.plan(known, entities)
    waiting: list[tuple[Entity | None, Entity]] = []
    steps = [*((None, entity) for entity in planned.added), *planned.changed]
    every = [*steps, *((known.of(editing.kind_of(entity)).get(entity.id), entity) for entity in partly)]
    found += [breach for before, after in every for breach in near(after, before)]
    if who != history.IMPORT:
        denied = (rights.denied(known, wanted, who, before, after) for before, after in every)
        found += as_far_as_read(*denied)
        mine, today = rights.remit(known, who), editing.day_of(now)
        # What nothing comes of needs nobody's yes.
        asked = () if reading.faults else steps
        waiting = [step for step in asked if agreement.needs(known, wanted, *step, mine, today)]
    if waiting:
        # The rest holds without what waits for others.
        later = {(editing.kind_of(after), after.id) for _, after in waiting}
        entities = [e for e in entities if (editing.kind_of(e), e.id) not in later]
        found += breaches(editing.changed(known, [*entities, *partly], reading.unreadable))
        planned = editing.plan(known, entities)
    if faults := [*reading.faults, *_told(found, reading)]:
        raise Rejected(faults)
    if not dry:
        planned = await editing.write(connection, known, entities, who, now, because=Because(reason=reason))
        await agreeing.offer(connection, editing.changed(known, entities), who, (e for _, e in waiting), now)
    planned.proposed = waiting
    return planned


def _told(found: Sequence[Breach], reading: Reading) -> list[Fault]:
    """Breaches, each told at the line that brought it."""
    faults = []
    for breach in found:
        for place in breach.places:
            key = (place.kind, place.id)
            if brought := reading.entries.get(key) or reading.partly.get(key):
                faults.append(brought.fault(place.path, breach.sv, breach.en))
                break
        # A breach of none of these files' entities was there before, and is not theirs to put right.
    return faults


def say(text: str, *, fault: bool = False) -> None:
    """A line for the person at the terminal."""
    stream = sys.stderr if fault else sys.stdout
    stream.write(f"{text}\n")


async def main(paths: Sequence[Path], database_url: str, reason: str | None = None, *, only_empty: bool = False) -> int:
    """Import files and print the report. The exit status: 0, or 1 where nothing could be imported."""
    try:
        async with database.opened(database_url) as engine:
            report = await import_files(engine, paths, utc_now(), reason, only_empty=only_empty)
    except Rejected as rejected:
        say(str(rejected), fault=True)
        return 1
    except (OSError, SQLAlchemyError, asyncpg.PostgresError) as error:
        say(f"Nothing was imported: directory's database does not do its part ({type(error).__name__}).", fault=True)
        return 1
    say(str(report) if report.added or not only_empty else "The register is left as it is: it is not empty.")
    return 0
