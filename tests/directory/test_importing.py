"""What an import does to the register and what it tells others, on real PostgreSQL and real NATS."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from directory import tables
from directory.importing import Rejected, Report, import_files, main
from kit import database, roles
from tests.conftest import Databases, Run, until

RELAY = roles.relay("directory")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SMALL = Path(__file__).parent / "small.yaml"
DEMO = sorted((Path(__file__).parents[2] / "deploy" / "demo").glob("*.yaml"))
ENTITIES = 9
# Each has a list of its own.
KINDS = len(tables.KINDS)


def changed(folder: Path, *edits: tuple[str, str], name: str = "changed.yaml") -> Path:
    text = SMALL.read_text(encoding="utf-8")
    for old, new in edits:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


async def events(engine: AsyncEngine) -> list[dict[str, Any]]:
    async with database.begin(engine, role=RELAY) as connection:
        rows = await connection.scalars(select(tables.outbox_table.c.payload).order_by(tables.outbox_table.c.id))
        return [json.loads(row) for row in rows]


async def stored(engine: AsyncEngine) -> dict[tuple[str, str], dict[str, Any]]:
    async with engine.connect() as connection:
        return {(kind, data["id"]): data for kind, data in await tables.everything(connection)}


async def test_an_entity_and_its_event_are_the_same_state(engine: AsyncEngine) -> None:
    assert await import_files(engine, [SMALL], NOW) == Report(added=ENTITIES, changed=0, unchanged=0)
    all_told = await events(engine)
    told, known = all_told[:ENTITIES], await stored(engine)
    assert len(known) == ENTITIES
    # With the register an epoch begins, and the list of all that there are follows for each kind.
    assert {event["epoch"] for event in all_told} == {"2026-11-22T12:00:00Z"}
    lists = {event["data"]["kind"]: event["data"]["ids"] for event in all_told[ENTITIES:]}
    assert lists == {name: sorted(i for kind, i in known if kind == name) for name in tables.EVENTS}
    assert {(event["type"].split(".")[3], event["subject"]): event["data"] for event in told} == known
    assert {event["time"] for event in told} == {"2026-11-22T12:00:00Z"}
    schedule = known["schedule", "maria-ek-vecka"]
    assert schedule["version"] == 1
    assert schedule["weekly"][0] == {
        "weekday": 1,
        "start": "09:00:00",
        "end": "12:30:00",
        "modalities": ["phone", "visit"],
        "place": "bvc-hoor",
    }
    assert known["municipality", "0182"]["name"] == "Nacka"


async def test_what_is_referred_to_is_told_first(engine: AsyncEngine) -> None:
    await import_files(engine, [SMALL], NOW)
    kinds = [event["type"].split(".")[3] for event in (await events(engine))[:ENTITIES]]
    order = [event.name for event in tables.KINDS.values()]
    assert kinds == sorted(kinds, key=order.index)


async def test_the_same_files_again_change_nothing(engine: AsyncEngine) -> None:
    await import_files(engine, [SMALL], NOW)
    before = await events(engine)
    assert await import_files(engine, [SMALL], NOW) == Report(added=0, changed=0, unchanged=ENTITIES)
    assert await events(engine) == before


async def _state(streams: Client, subject: str) -> dict[str, Any] | None:
    from nats.js.errors import NotFoundError

    try:
        message = await streams.jetstream().get_last_msg("STATE", subject)
    except NotFoundError:
        return None
    return json.loads(message.data or b"{}")


async def test_a_change_is_version_two_and_one_event_on_the_stream(run: Run, streams: Client, tmp_path: Path) -> None:
    async with run("directory") as directory:
        engine = directory.runtime.engine
        jetstream = streams.jetstream()

        async def published(count: int) -> bool:
            return (await jetstream.stream_info("STATE")).state.last_seq == count

        await import_files(engine, [SMALL], NOW)
        await until(lambda: published(ENTITIES + KINDS))
        report = await import_files(engine, [changed(tmp_path, ("name: Maria Ek", "name: Maria Ek Lund"))], NOW)
        assert report == Report(added=0, changed=1, unchanged=ENTITIES - 1)
        await until(lambda: published(ENTITIES + KINDS + 1))
        event = await _state(streams, "state.directory.advisor.maria-ek")
        assert event is not None
        assert event["specversion"] == "1.0"
        assert event["type"] == "se.samtid.directory.advisor.v1"
        assert (event["data"]["version"], event["data"]["name"]) == (2, "Maria Ek Lund")
        # One message per entity is kept, and no other came.
        assert (await jetstream.stream_info("STATE")).state.messages == ENTITIES + KINDS
        assert len(await events(engine)) == ENTITIES + KINDS + 1


async def test_references_are_to_the_files_or_to_the_register(engine: AsyncEngine, tmp_path: Path) -> None:
    part = tmp_path / "part.yaml"
    part.write_text("units:\n  - {id: hoor-skola, municipality: 1267, name: Elevhälsa, board: Barnnämnden}\n")
    with pytest.raises(Rejected, match="there is no municipality 1267"):
        await import_files(engine, [part], NOW)
    assert await import_files(engine, [part, SMALL], NOW) == Report(ENTITIES + 1, 0, 0)
    assert await import_files(engine, [part], NOW) == Report(0, 0, 1)


async def test_what_no_file_names_is_held_to_the_rules_too(engine: AsyncEngine, tmp_path: Path) -> None:
    await import_files(engine, [SMALL], NOW)
    part = tmp_path / "part.yaml"
    part.write_text(
        "advisors:\n  - id: maria-ek\n    ended: true\n    name: Maria Ek\n    profession: kurator\n"
        "    unit: hoor-familjestod\n    languages: [sv]\n    modalities: [phone]\n"
    )
    before = await stored(engine)
    with pytest.raises(Rejected) as rejected:
        await import_files(engine, [part], NOW)
    told = str(rejected.value)
    assert {fault.line for fault in rejected.value.faults} == {3}
    for who in ("offering samtal", "pool hoor-nacka", "schedule maria-ek-vecka"):
        assert f"{who} refers to advisor maria-ek, which has ended" in told
    assert await stored(engine) == before


async def test_what_only_begins_a_register_leaves_one_that_is_there_alone(engine: AsyncEngine, tmp_path: Path) -> None:
    assert await import_files(engine, [SMALL], NOW, only_empty=True) == Report(ENTITIES, 0, 0)
    edited = changed(tmp_path, ("name: Maria Ek", "name: Maria Ek Lund"))
    await import_files(engine, [edited], NOW)
    before = await stored(engine)
    assert await import_files(engine, [SMALL], NOW, only_empty=True) == Report(0, 0, 0)
    assert await stored(engine) == before


async def test_of_two_who_begin_a_register_at_once_one_does(engine: AsyncEngine) -> None:
    reports = await asyncio.gather(*(import_files(engine, [SMALL], NOW, only_empty=True) for _ in range(3)))
    assert {*reports} == {Report(ENTITIES, 0, 0), Report(0, 0, 0)}


async def test_an_entity_can_end_with_what_refers_to_it(engine: AsyncEngine, tmp_path: Path) -> None:
    await import_files(engine, [SMALL], NOW)
    end = [(f"  - id: {name}\n", f"  - id: {name}\n    ended: true\n") for name in ("hoor-nacka", "samtal")]
    assert await import_files(engine, [changed(tmp_path, *end)], NOW) == Report(0, 2, ENTITIES - 2)
    known = await stored(engine)
    assert (known["offering", "samtal"]["ended"], known["offering", "samtal"]["version"]) == (True, 2)


async def test_two_imports_at_once_take_turns(engine: AsyncEngine, tmp_path: Path) -> None:
    files = [changed(tmp_path, ("name: Maria Ek", f"name: Maria {n}"), name=f"{n}.yaml") for n in range(4)]
    reports = await asyncio.gather(*(import_files(engine, [file], NOW) for file in files))
    assert sorted((r.added, r.changed) for r in reports) == [(0, 1), (0, 1), (0, 1), (ENTITIES, 0)]
    advisors = [e["data"] for e in await events(engine) if e["subject"] == "maria-ek"]
    assert [advisor["version"] for advisor in advisors] == [1, 2, 3, 4]
    assert (await stored(engine))["advisor", "maria-ek"] == advisors[-1]


async def test_the_command_says_what_it_did(
    new_database: Databases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = await new_database("directory")
    assert await main([SMALL], url) == 0
    assert capsys.readouterr().out == "9 added, 0 changed, 0 unchanged\n"
    path = changed(tmp_path, ("posts: 1.0", "posts: 0"))
    assert await main([path], url) == 1
    assert capsys.readouterr().err == (
        f"{path}:43: pool hoor-nacka: posts is 0: input should be greater than 0\n"
        "Nothing was imported: 1 fault to put right.\n"
    )
    assert await main([SMALL], "postgresql://postgres@127.0.0.1:1/directory") == 1
    assert "Nothing was imported: directory's database" in capsys.readouterr().err


async def test_the_demo_is_taken_and_nothing_is_new_the_second_time(engine: AsyncEngine) -> None:
    first = await import_files(engine, DEMO, NOW)
    assert (first.changed, first.unchanged) == (0, 0)
    assert await import_files(engine, DEMO, NOW) == Report(0, 0, first.added)
    known = await stored(engine)
    towns = {data["slug"] for (kind, _), data in known.items() if kind == "municipality"}
    assert towns == {
        *("lund", "staffanstorp", "burlov", "lomma", "horby", "hoor", "eslov"),
        *("nacka", "huddinge", "vaxholm"),
    }
    assert sum(data["posts"] for (kind, _), data in known.items() if kind == "pool") == 4.5


async def test_in_the_demo_hoerby_has_every_modality_each_working_day(engine: AsyncEngine) -> None:
    await import_files(engine, DEMO, NOW)
    known = await stored(engine)
    offering = known["offering", "foraldrasamtal-hoor-horby-eslov"]
    assert "1266" in offering["municipalities"]
    assert set(offering["advisors"]) <= set(known["pool", "hoor-horby-eslov"]["advisors"])
    schedules = [data for (kind, _), data in known.items() if kind == "schedule"]
    blocks = [b for s in schedules if s["advisor"] in offering["advisors"] for b in s["weekly"]]
    for weekday in range(1, 6):
        here = [b for b in blocks if b["weekday"] == weekday and b["place"] == "bvc-horby"]
        assert {m for block in here for m in block["modalities"]} == {"video", "phone", "visit"}
