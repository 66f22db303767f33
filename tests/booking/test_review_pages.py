"""The reviewer's pages: own units alone, own reads reviewed by somebody else, and each look noted."""

import csv
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from booking import secrecy
from tests import infra
from tests.booking import register, reviewing
from tests.booking.conftest import ready
from tests.booking.register import NOW
from tests.booking.reviewing import read
from tests.conftest import Clock, Run, Running, until
from tests.signing import form_token, session_of

LOG = "/granskning"
SAMPLE = "/granskning/urval"
DONE = "/granskning/gjorda"
CSV = "/granskning/export.csv"
CONTACT = {"name": "Kim Canary", "phone": "+46701234567", "language": "sv"}


@pytest.fixture
async def booking(run: Run, nats_server: infra.NatsServer, clock: Clock, secret_file: Path) -> AsyncIterator[Running]:
    await register.publish(nats_server.url, reviewing.entities())
    async with run("booking", clock=clock, manage_secret_file=secret_file) as running:
        await until(lambda: ready(running))
        yield running


async def get(booking: Running, person: str, path: str = LOG, **query: str) -> httpx.Response:
    return await booking.http.get(path, headers=session_of(booking, person), params=query or None)


async def log_of(booking: Running) -> list[asyncpg.Record]:
    async with booking.admin.connect() as connection:
        found = await connection.exec_driver_sql("select * from read_log order by id")
        return list(found)


async def draw(booking: Running, person: str, **query: str) -> httpx.Response:
    """The page of a new sample."""
    answer = await get(booking, person, SAMPLE, **query)
    assert answer.status_code == 303, answer.text
    return await booking.http.get(answer.headers["location"], headers=session_of(booking, person))


async def sign(booking: Running, person: str, page: str, **typed: str) -> httpx.Response:
    headers = session_of(booking, person)
    sent = {**dict(re.findall('name="([a-z]+)" value="([^"]*)"', page)), "anmarkning": "fine", **typed}
    return await booking.http.post(SAMPLE, headers=headers, data={**sent, "_csrf": form_token(booking, headers)})


def body(page: httpx.Response) -> list[str]:
    return re.findall(r"<tr>\n<td>.*?</tr>", page.text, re.DOTALL)


async def made(booking: Running) -> dict[str, Any]:
    slots = await booking.http.get(
        "/booking/v1/slots", params={"offering": "foraldrasamtal", "municipality": "1267", "limit": 1}
    )
    asked = {"slot": slots.json()["items"][0]["id"], "municipality": "1267", "modality": "video", "expecting": True}
    answer = await booking.http.post("/booking/v1/bookings", json={**asked, "contact": CONTACT})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_reviewer_is_told_in_words_what_was_read_and_never_of_whom(booking: Running) -> None:
    of = await made(booking)
    async with booking.admin.connect() as connection:
        row = (await connection.exec_driver_sql("select id, family from booking")).one()
    await read(booking, "maria", at=NOW, booking=row.id, family=row.family)
    for page in (await get(booking, "gunilla"), await draw(booking, "gunilla")):
        assert page.status_code == 200
        for said in ("måndag 2 mars 2026 kl. 08.00", "Maria Ek", "rådgivare, Familjestöd", "Kontaktuppgifter"):
            assert said in page.text, said
        assert "dagen → bokningen" in page.text
        assert of["reference"] in page.text
        assert "Canary" not in page.text
        assert str(row.family) not in page.text
        assert page.headers["cache-control"] == "no-store"
    page = await get(booking, "gunilla", f"/en{LOG}")
    assert "Monday 2 March 2026, 08:00" in page.text
    assert "day → booking" in page.text


async def test_reads_of_a_protected_family_are_unusual_and_name_no_booking(booking: Running) -> None:
    of = await made(booking)
    async with booking.admin.begin() as connection:
        row = (await connection.exec_driver_sql("update booking set protected = true returning id, family")).one()
    await read(booking, "maria", at=NOW, booking=row.id, family=row.family)
    listed, sample = await get(booking, "gunilla"), await draw(booking, "gunilla")
    assert "skyddad familj" in sample.text
    for page in (listed, sample, await get(booking, "gunilla", CSV)):
        assert "Maria Ek" in page.text
        assert of["reference"] not in page.text


async def test_other_units_are_never_shown(booking: Running) -> None:
    await read(booking, "maria", at=NOW, why="day")
    await read(booking, "eva", at=NOW, unit="eslovs-stod", why="week")
    for person, shown, hidden in (("gunilla", "Maria Ek", "Eva Holm"), ("eva", "Eva Holm", "Maria Ek")):
        for path in (LOG, CSV):
            page = await get(booking, person, path)
            assert shown in page.text
            assert hidden not in page.text
        assert hidden not in (await draw(booking, person)).text
    page = await get(booking, "gunilla", verksamhet="eslovs-stod")
    assert page.status_code == 422
    assert body(page) == []


@pytest.mark.parametrize(("person", "status"), [(None, 303), ("maria", 403), ("gunilla", 200), ("asa", 200)])
@pytest.mark.parametrize("path", [LOG, DONE, CSV])
async def test_only_reviewers_come_in(booking: Running, path: str, person: str | None, status: int) -> None:
    headers = session_of(booking, person) if person else {}
    assert (await booking.http.get(path, headers=headers)).status_code == status


async def test_each_look_is_noted_for_the_units_that_were_looked_at(booking: Running) -> None:
    await read(booking, "maria", at=NOW)
    await get(booking, "gunilla")
    page = await draw(booking, "gunilla")
    await get(booking, "gunilla", CSV)
    await sign(booking, "gunilla", page.text)
    seen = [(row.staff, row.role, row.unit, row.what, row.why) for row in await log_of(booking)]
    assert seen == [
        ("maria", "advisor", "familjestod", "contact", "day > booking"),
        *(
            ("gunilla", "reviewer", "familjestod", "review", f"review > {step}")
            for step in ("list", "sample", "export", "sign-off")
        ),
    ]


async def test_where_the_look_cannot_be_noted_nothing_is_shown(booking: Running) -> None:
    await read(booking, "maria", at=NOW)
    async with booking.admin.begin() as connection:
        await connection.exec_driver_sql("delete from read_log_head")
    page = await get(booking, "gunilla")
    assert page.status_code == 500
    assert "Maria Ek" not in page.text


async def test_the_filters_choose_days_person_kind_and_page(booking: Running) -> None:
    for days in (0, 3, 6, 7):
        await read(booking, "maria", at=NOW - timedelta(days=days), why=f"day {'abcdefgh'[days]}")
    await read(booking, "asa", at=NOW, what="search", why="phone")
    assert len(body(await get(booking, "gunilla"))) == 4
    assert len(body(await get(booking, "gunilla", fran="2026-02-01", vem="maria"))) == 4
    assert len(body(await get(booking, "gunilla", fran="2026-02-23", till="2026-02-23"))) == 1
    assert len(body(await get(booking, "gunilla", vad="search"))) == 1
    empty = await get(booking, "gunilla", vem="nobody")
    assert (empty.status_code, "Inga läsningar i de dagar" in empty.text) == (200, True)
    for number in range(60):
        await read(booking, "maria", at=NOW, why=f"week {chr(97 + number % 26)}")
    page = await get(booking, "gunilla", vem="maria", vad="contact")
    assert len(body(page)) == 50
    older = re.search(r'href="([^"]*sida=2[^"]*)"', page.text)
    assert older
    second = await get(booking, "gunilla", older[1].replace("&amp;", "&"))
    assert len(body(second)) == 13
    assert "sida=1" in second.text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"fran": "i går"}, "Skriv datum så här"),
        ({"till": "9999-12-31"}, "Skriv datum så här"),
        ({"fran": "2026-03-02", "till": "2026-03-01"}, "Till och med kan inte vara före"),
        ({"fran": "2025-01-01", "till": "2026-03-01"}, "Välj högst ett år"),
        ({"vad": "everything"}, "Välj något i listan"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_and_kept(booking: Running, query: dict[str, str], said: str) -> None:
    page = await get(booking, "gunilla", **query)
    assert (page.status_code, page.text.count(said)) == (422, 2)
    for value in query.values():
        if value != "everything":
            assert f'value="{value}"' in page.text
    assert await log_of(booking) == []


async def test_the_same_sample_is_drawn_again_though_more_was_read_since(booking: Running) -> None:
    for number in range(40):
        await read(booking, "maria", at=NOW + timedelta(minutes=number))
    first = await draw(booking, "gunilla", antal="10")
    assert len(body(first)) == 10
    seed = re.search('name="urval" value="([^"]*)"', first.text)
    row = re.search('name="rad" value="([^"]*)"', first.text)
    assert seed
    assert row
    await read(booking, "maria", at=NOW)
    again = await get(booking, "gunilla", SAMPLE, antal="10", urval=seed[1], rad=row[1])
    assert body(again) == body(first)
    other = await get(booking, "gunilla", SAMPLE, antal="10", urval="another", rad=row[1])
    assert body(other) != body(first)


async def test_a_review_is_signed_off_once_and_shown(booking: Running) -> None:
    for number in range(3):
        await read(booking, "maria", at=NOW + timedelta(minutes=number))
    page = await draw(booking, "gunilla")
    for _ in range(2):
        answer = await sign(booking, "gunilla", page.text, anmarkning="follow_up", kommentar="Fråga <i>Maria</i>.")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{DONE}?signerade=3")
    done = await get(booking, "gunilla", answer.headers["location"])
    assert "Granskningen av 3 läsningar är signerad." in done.text
    assert len(body(done)) == 1
    for said in ("Gunilla Ahl", "Behöver följas upp", "Fråga &lt;i&gt;Maria", "Familjestöd", "2026-02-24 – 2026-03-02"):
        assert said in done.text, said
    assert [row.count("<td>Ja</td>") for row in body(await get(booking, "gunilla", vad="contact"))] == [1, 1, 1]
    # Not for other units' reviewers.
    assert body(await get(booking, "eva", DONE)) == []
    assert len(body(await get(booking, "asa", DONE))) == 1


async def test_what_one_read_oneself_is_left_to_others(booking: Running) -> None:
    await read(booking, "asa", at=NOW, why="phone")
    page = await get(booking, "asa")
    assert "Åsa Wikström (din egen)" in page.text
    mine = await draw(booking, "asa")
    assert "Dina egna granskas av någon annan" in mine.text
    refused = await sign(booking, "asa", mine.text, antal="20", urval="x", rad="9", rader="1")
    assert refused.status_code == 422
    # Nor by another way: the database refuses it.
    insert = (
        "insert into review (id, at, reviewer, units, first, last, seed, upto, seen, remark)"
        " values (gen_random_uuid(), now(), $1, $2, '2026-03-02', '2026-03-02', 'x', 9, $3, 'fine')"
    )
    for reviewer, units, seen in (
        ("asa", ["familjestod"], [1]),
        ("gunilla", ["familjestod"], [1]),
        ("asa", ["eslovs-stod"], [1]),
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with secrecy.of_review(booking.runtime.engine, "asa", ["familjestod"]) as connection:
                await connection.execute(insert, reviewer, units, seen)
    others = await draw(booking, "gunilla", vem="asa", vad="contact")
    assert (await sign(booking, "gunilla", others.text)).headers["location"] == f"{DONE}?signerade=1"


async def test_a_sign_off_without_its_answer_keeps_what_was_typed(booking: Running) -> None:
    await read(booking, "maria", at=NOW)
    page = await draw(booking, "gunilla")
    answer = await sign(booking, "gunilla", page.text, anmarkning="", kommentar="Sedd")
    assert (answer.status_code, answer.text.count("Välj vad du kom fram till.")) == (422, 2)
    assert 'value="Sedd"' in answer.text
    assert body(answer) == body(page)
    answer = await sign(booking, "gunilla", page.text, kommentar="x" * 301)
    assert (answer.status_code, answer.text.count("Kommentaren är för lång")) == (422, 2)
    answer = await sign(booking, "gunilla", page.text, kommentar="a\0b")
    assert (answer.status_code, "Det gick inte att läsa" in answer.text) == (422, True)
    assert body(await get(booking, "gunilla", DONE)) == []


async def test_only_the_rows_that_were_seen_are_signed_off(booking: Running) -> None:
    for _ in range(3):
        await read(booking, "maria", at=NOW)
    page = await draw(booking, "gunilla")
    answer = await sign(booking, "gunilla", page.text, rader="1 2")
    assert (answer.status_code, "Underlaget har ändrats" in answer.text) == (422, True)
    assert body(await get(booking, "gunilla", DONE)) == []


async def test_unusual_reads_are_marked(booking: Running) -> None:
    await made(booking)
    async with booking.admin.connect() as connection:
        row = (await connection.exec_driver_sql("select id, family from booking")).one()
    await read(booking, "asa", at=NOW - timedelta(hours=4), booking=row.id, family=row.family)
    await read(booking, "maria", at=NOW, booking=row.id, family=row.family)
    rows = body(await draw(booking, "gunilla"))
    assert ["annans bokning, ovanlig tid" in row for row in rows] == [True, False]


async def test_the_file_has_the_rows(booking: Running) -> None:
    await made(booking)
    await read(booking, "maria", at=NOW)
    await read(booking, "asa", at=NOW, what="search", why="phone")
    answer = await get(booking, "gunilla", CSV)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="samtid-2026-02-24-2026-03-02.csv"'
    rows = list(csv.DictReader(answer.text.removeprefix("\ufeff").splitlines(), delimiter=";"))
    assert [(row["Rad"], row["Tid (UTC)"], row["Vem"], row["Vad"], row["Hur"]) for row in rows] == [
        ("1", "2026-03-02T07:00:00Z", "Maria Ek", "Kontaktuppgifter", "dagen → bokningen"),
        ("2", "2026-03-02T07:00:00Z", "Åsa Wikström", "Sökning", "telefonbokning"),
    ]
    assert [row["Kontrollsumma"] for row in rows] == [row.hash.hex() for row in (await log_of(booking))[:2]]
