"""Files in and out: what is exported imports back unchanged, on pages, over the API and from the command line."""

import asyncio
import html
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy import cli
from directory import editing, exporting
from directory.editing import Report, kind_of
from directory.events import Entity
from directory.importing import import_files
from directory.reading import DEEPEST, read_bytes
from directory.rules.agreement import Remit
from tests.conftest import Databases, Running
from tests.directory.desk import COORDINATOR, DEMO, OPERATOR, Desk, everything
from tests.directory.registers import entities
from tests.forms import typed
from tests.signing import session_of

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
WHOLE = Remit(everything=True, units=frozenset(), municipalities=frozenset())
API = "/directory/v1"


@settings(deadline=None)
@given(st.lists(entities, max_size=6, unique_by=lambda entity: (kind_of(entity), entity.id)))
def test_whatever_is_in_a_register_comes_back_as_it_was(made: list[Entity]) -> None:
    reading = read_bytes("file", exporting.as_yaml(made).encode()) if made else None
    faults = [str(fault) for fault in reading.faults] if reading else []
    assert faults == []
    back = {key: entry.entity for key, entry in reading.entries.items()} if reading else {}
    assert back == {(kind_of(entity), entity.id): entity for entity in made}


async def test_the_demo_comes_back_as_it_was(engine: AsyncEngine, new_database: Databases, tmp_path: Path) -> None:
    first = await import_files(engine, DEMO, NOW)
    async with engine.connect() as connection:
        known = await editing.read(connection)
    file = tmp_path / "register.yaml"
    file.write_text(exporting.export(known, WHOLE), encoding="utf-8")
    assert await import_files(engine, [file], NOW) == Report(0, 0, first.added)


async def test_the_command_prints_what_the_command_reads(
    new_database: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import asyncio

    from kit import database

    url = await new_database("directory")
    made = database.engine(url, 1)
    await import_files(made, DEMO, NOW)
    monkeypatch.setenv("DATABASE_URL", url)
    assert await asyncio.to_thread(cli.main, ["export"]) == 0
    file = tmp_path / "register.yaml"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    assert (await import_files(made, [file], NOW)).changed == 0
    await made.dispose()


async def test_what_one_answers_for_is_exported_and_imports_back(directory: Running) -> None:
    headers = session_of(directory, COORDINATOR)
    answer = await directory.http.get(f"{API}/export", headers=headers)
    assert answer.headers["content-type"] == "application/yaml"
    lists = yaml.load(answer.text, yaml.BaseLoader)  # noqa: S506 - as the import reads it
    assert [offering["id"] for offering in lists["offerings"]] == ["foraldrasamtal-hoor-horby-eslov"]
    assert "elin-ostergren" not in answer.text
    before = await everything(directory)
    back = await directory.http.post(f"{API}/import", headers=headers, content=answer.content)
    unchanged = sum(map(len, lists.values()))
    assert back.json() == {"added": 0, "changed": 0, "unchanged": unchanged, "proposed": 0, "waiting": []}
    changed = answer.content.replace("name: Åsa Wikström".encode(), b"name: Asa Wikstrom")
    tried = await directory.http.post(f"{API}/import?dry_run=true", headers=headers, content=changed)
    assert tried.json()["changed"] == 1
    assert await everything(directory) == before
    done = await directory.http.post(f"{API}/import", headers=headers, content=changed)
    assert done.json()["changed"] == 1
    assert await everything(directory) != before
    assert "Asa Wikstrom" in await Desk(directory, COORDINATOR).page("/historik")


FAULTY = """\
centres:
  - id: bvc-hoor
    municipality: 1267
    name: BVC Höör
    kind: bvc
    address: Friskgatan 6, Höör
    attached_to_family_centre: perhaps
units:
  - {id: hoor-familjestod, municipality: 1267, name: Annat, board: Socialnämnden}
"""


async def test_a_file_is_refused_with_its_lines_in_the_readers_language(directory: Running) -> None:
    before = await everything(directory)
    told: dict[str, Any] = {}
    for language in ("sv", "en"):
        headers = session_of(directory, COORDINATOR, **{"Accept-Language": language})
        answer = await directory.http.post(f"{API}/import", headers=headers, content=FAULTY.encode())
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:samtid:problem:file-rejected")
        told[language] = answer.json()["faults"]
    assert [fault["line"] for fault in told["sv"]] == [fault["line"] for fault in told["en"]] == [7, 9]
    assert "måste vara true eller false" in told["sv"][0]["message"]
    assert "must be true or false" in told["en"][0]["message"]
    assert "hör inte till någon verksamhet som du är samordnare för" in told["sv"][1]["message"]
    assert await everything(directory) == before


async def test_strangers_and_others_may_neither_import_nor_export(directory: Running) -> None:
    for headers, status in (({}, 401), (session_of(directory, "maria-ek"), 403)):
        assert (await directory.http.get(f"{API}/export", headers=headers)).status_code == status
        answer = await directory.http.post(f"{API}/import", headers=headers, content=b"units: []")
        assert answer.status_code == status
    elsewhere = session_of(directory, OPERATOR, **{"Sec-Fetch-Site": "cross-site"})
    assert (await directory.http.post(f"{API}/import", headers=elsewhere, content=b"units: []")).status_code == 403
    large = await directory.http.post(
        f"{API}/import", headers=session_of(directory, OPERATOR), content=b"#" * (64 * 1024 + 1)
    )
    assert large.status_code == 413


async def test_a_page_shows_what_a_file_would_do_before_it_does(directory: Running) -> None:
    desk = Desk(directory, OPERATOR)
    answer = await desk.get("/fil/katalog.yaml")
    assert 'filename="katalog.yaml"' in answer.headers["content-disposition"]
    text = answer.text.replace("release_days: 7", "release_days: 14").replace("posts: 1.5", "posts: 2.0")
    before = await everything(directory)
    form = {**await desk.form("/fil"), "text": text}
    tried = await desk.post("/fil", form)
    assert tried.status_code == 200
    page = html.unescape(tried.text)
    assert "0 nya, 1 ändrade" in page
    assert "<ins>2,0</ins>" in page
    assert await everything(directory) == before
    again = typed(tried.text)
    assert again["text"].split() == text.split()
    done = await desk.post("/fil", {**again, "_take": "1"})
    assert "Importerat" in done.text
    assert [pool["posts"] for pool in (await everything(directory))["pools"] if pool["id"] == "hoor-horby-eslov"] == [2]


async def test_a_file_can_be_chosen_and_its_faults_are_told(directory: Running) -> None:
    desk = Desk(directory, COORDINATOR)
    form = await desk.form("/fil")

    async def send(content: bytes) -> str:
        files = {"file": ("katalog.yaml", content, "application/yaml")}
        answer = await directory.http.post("/katalog/fil", headers=desk.headers, data=form, files=files)
        assert answer.status_code == 422
        return html.unescape(answer.text)

    page = await send(FAULTY.encode())
    assert "Rad 7: centre bvc-hoor: attached_to_family_centre är perhaps: måste vara true eller false" in page
    assert "address: Friskgatan 6, Höör" in page
    assert "Rad 1: är inte text i UTF-8" in await send(b"\xff\xfe\x00")
    assert "Rad 1: är inte giltig YAML" in await send(b"[" * 5000)
    assert "klistra in det, eller välj en fil" in await send(b"")


@pytest.mark.parametrize("deeper", ["[", "{", "- ", "? ", "[{", "{a: ", '{"a":', "a: ["])
def test_what_is_nested_without_end_is_refused_before_it_is_read(deeper: str) -> None:
    reading = read_bytes("file", (deeper * 20_000).encode())
    assert [str(fault) for fault in reading.faults] == [
        "file:1: is not valid YAML: more than 20 lists and mappings within each other"
    ]


def test_of_what_is_nested_the_deepest_is_read_and_no_deeper() -> None:
    def told(levels: int) -> str:
        text = "offerings:\n" + "".join("  " * n + "a:\n" for n in range(1, levels))
        return str(read_bytes("file", text.encode()).faults)

    assert "within each other" not in told(DEEPEST + 1)
    assert "within each other" in told(DEEPEST + 2)


def test_of_faults_without_end_the_first_are_told() -> None:
    reading = read_bytes("file", b"units:\n" + b"- {}\n" * 10_000)
    assert reading.cut
    assert 200 <= len(reading.faults) < 220
    assert str(reading.faults[-1]).endswith("there is more to put right from here on: begin with what is above")


async def test_the_service_answers_others_while_it_reads(directory: Running) -> None:
    """A file as long as one may be takes its time to read: nothing waits for it."""
    sent = asyncio.create_task(
        directory.http.post(
            f"{API}/import",
            headers=session_of(directory, COORDINATOR),
            content=b"[" + b"a," * 15_000,
        )
    )
    loop = asyncio.get_running_loop()
    last = loop.time()
    turns: list[float] = []
    while not sent.done():
        await asyncio.sleep(0)
        turns.append(loop.time() - last)
        last = loop.time()
    assert sent.result().status_code == 422
    # In turn with what reads, which is not asked to wait for longer than that by Python, or at once after it is done.
    assert sum(turn > sys.getswitchinterval() / 2 for turn in turns) > 10, sorted(turns)[-20:]
