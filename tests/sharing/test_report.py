"""The yearly report of an agreement: sums over its ledger, for whoever coordinates a municipality in it."""

import csv
import html
import io
import re
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.sharing import report
from booking.sharing.report import Sum
from booking.sharing.texts import TEXTS
from directory import events as directory
from kit import database
from tests import infra
from tests.agenda.conftest import person
from tests.booking import register
from tests.booking.conftest import ready
from tests.booking.test_journey import request_for
from tests.conftest import Clock, Run, Running, until
from tests.signing import session_of

POOL = "hoor-horby-eslov"
PAGE = f"/samverkan/{POOL}/2026"
API = "/booking/v1/agreements"
MINUS = "\N{MINUS SIGN}"
MONDAY = date(2026, 3, 2)
BEFORE_NEW_YEAR = date(2025, 12, 29)
OTHER = directory.Unit(id="lund-stod", version=1, municipality="1281", name="Stöd", board="Nämnden")
AMENDED = register.pool("maria-ek").model_copy(
    update={
        "amendments": [
            directory.Amendment(
                valid_from=date(2026, 6, 1),
                posts=1.5,
                shares={"1267": 40, "1285": 60},
                release_days=14,
                period="four_weeks",
                carry_over=20,
            )
        ]
    }
)
# Period, municipality, kind, minutes, lender: 60 minutes are borrowed of Eslöv, and 15 given back.
ROWS: list[tuple[date, str, str, int, str | None]] = [
    (MONDAY, "1266", "entitlement", 480, None),
    (MONDAY, "1267", "entitlement", 450, None),
    (MONDAY, "1285", "entitlement", 930, None),
    (MONDAY, "1285", "entitlement", -30, None),
    (MONDAY, "1267", "credit", 20, None),
    (MONDAY, "1266", "use", 540, None),
    (MONDAY, "1266", "use", -15, None),
    (MONDAY, "1266", "loan", 60, "1285"),
    (MONDAY, "1266", "loan", -15, "1285"),
    (BEFORE_NEW_YEAR, "1267", "entitlement", 7, None),
]


@pytest.fixture
async def booking(
    run: Run,
    nats_server: infra.NatsServer,
    clock: Clock,
    secret_file: Path,
) -> AsyncIterator[Running]:
    entities = [
        *(entity for entity in register.basic() if entity.id != POOL),
        AMENDED,
        OTHER,
        person("asa", "familjestod", role="coordinator"),
        person("lena", "lund-stod", role="coordinator"),
        person("maria-ek", "familjestod"),
    ]
    await register.publish(nats_server.url, entities)
    async with run("booking", clock=clock, manage_secret_file=secret_file) as running:
        await until(lambda: ready(running))
        yield running


async def enter(booking: Running, rows: list[tuple[date, str, str, int, str | None]] = ROWS) -> list[str]:
    """Write rows into the ledger, and the periods that they are of; the ids of their bookings."""
    ids = [str(uuid4()) if kind in ("use", "loan") else None for _, _, kind, _, _ in rows]
    async with database.driver(booking.admin) as connection:
        # What the service itself has entered of its register's time.
        await connection.execute("truncate ledger, entitlement")
        await connection.executemany(
            "insert into ledger (at, pool, period, municipality, kind, minutes, lender, booking)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8)",
            [(register.NOW, POOL, *row, number) for row, number in zip(rows, ids, strict=True)],
        )
        await connection.execute(
            "insert into entitlement (pool, first, municipality, last, release_days, carry_over, minutes)"
            " values ($1, $2, '1266', $3, 7, 0, 480)",
            POOL,
            MONDAY,
            date(2026, 3, 8),
        )
    return [number for number in ids if number]


async def get(booking: Running, path: str, who: str = "asa") -> httpx.Response:
    return await booking.http.get(path, headers=session_of(booking, who))


def plain(page: str) -> str:
    """The words of a page."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


async def test_the_page_adds_up_what_the_ledger_holds(booking: Running) -> None:
    await enter(booking)
    page = plain((await get(booking, PAGE)).text)
    assert f"Hörby 8 h 0 8 h 45 min 45 min Eslöv: 45 min 0 0 {MINUS}45 min" in page
    assert "Eslöv 15 h 0 0 0 45 min Hörby: 45 min 14 h 15 min 45 min" in page
    assert "Höör 7 h 30 min 20 min 0 0 0 7 h 50 min 0" in page
    assert "Visa varje period (1)" in page
    assert "måndag 2 mars till söndag 8 mars" in page
    assert "Året är inte slut." in page


async def test_the_terms_of_the_year_stand_below(booking: Running) -> None:
    await enter(booking)
    page = plain((await get(booking, PAGE)).text)
    assert "Torsdag 1 januari 2026 till söndag 31 maj 2026 Delar: Eslöv 50 %, Hörby 26 %, Höör 24 %." in page
    assert "Från måndag 1 juni 2026 Delar: Eslöv 60 %, Höör 40 %. Tiden delas i perioder om fyra veckor." in page
    assert "ledig 14 dagar före" in page
    assert "högst 20 procent" in page
    later = plain((await get(booking, f"/samverkan/{POOL}/2027")).text)
    assert "Från måndag 1 juni 2026" in later
    assert "26 %" not in later


async def test_the_file_and_the_answer_to_programs_say_the_same_in_minutes(booking: Running) -> None:
    ids = await enter(booking)
    file = await get(booking, f"{PAGE}.csv")
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    head, *rows = csv.reader(io.StringIO(file.text.removeprefix("\ufeff")), delimiter=";")
    told = [dict(zip(head, row, strict=True)) for row in rows]
    assert [row["Kommun"] for row in told] == ["Eslöv", "Hörby", "Höör"]
    horby = told[1]
    assert (horby["Avtal"], horby["Första dag"], horby["Sista dag"]) == (POOL, "2026-03-02", "2026-03-08")
    assert horby["Använt (minuter)"] == "525"
    assert horby["Lånat av Eslöv (minuter)"] == "45"
    assert horby["Saldo (minuter)"] == "-45"
    answer = await get(booking, f"{API}/{POOL}/reports/2026")
    (period,) = answer.json()["periods"]
    by_code = {each["municipality"]: each for each in period["municipalities"]}
    assert by_code["1266"] == {
        "municipality": "1266",
        "entitled": 480,
        "credit": 0,
        "used": 525,
        "borrowed": 45,
        "lent": 0,
        "unused": 0,
        "balance": -45,
        "borrowed_from": [{"municipality": "1285", "minutes": 45}],
        "lent_to": [],
    }
    assert by_code["1285"]["lent_to"] == [{"municipality": "1266", "minutes": 45}]
    assert answer.json()["municipalities"] == period["municipalities"]
    assert [terms["last"] for terms in answer.json()["terms"]] == ["2026-05-31", None]
    assert [number for number in ids if number in file.text + answer.text] == []


async def test_a_period_belongs_to_the_year_of_its_first_day(booking: Running) -> None:
    await enter(booking)
    (period,) = (await get(booking, f"{API}/{POOL}/reports/2025")).json()["periods"]
    assert (period["first"], period["last"]) == ("2025-12-29", None)
    page = plain((await get(booking, f"/samverkan/{POOL}/2025")).text)
    assert "måndag 29 december" in page
    assert "Avtalet gällde inte under året." in page
    (agreement,) = (await get(booking, API)).json()["items"]
    assert agreement["years"] == [2026, 2025]


async def test_a_year_without_rows_is_a_page_that_says_so(booking: Running) -> None:
    await enter(booking)
    answer = await get(booking, f"/samverkan/{POOL}/2031")
    assert answer.status_code == 200
    assert "Ingen tid är bokförd på 2031." in plain(answer.text)
    told = (await get(booking, f"{API}/{POOL}/reports/2031")).json()
    assert (told["municipalities"], told["periods"]) == ([], [])
    assert len((await get(booking, f"/samverkan/{POOL}/2031.csv")).text.splitlines()) == 1


async def test_the_picture_is_of_the_years_numbers(booking: Running) -> None:
    await enter(booking)
    assert f'src="{PAGE}.svg"' in (await get(booking, PAGE)).text
    answer = await get(booking, f"{PAGE}.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    await enter(booking, [(MONDAY, "1266", "entitlement", 60, None)])
    assert (await get(booking, f"{PAGE}.svg")).content != answer.content
    assert (await get(booking, f"/samverkan/{POOL}/2031.svg")).status_code == 404


async def test_nobody_reads_of_an_agreement_of_others(booking: Running) -> None:
    await enter(booking)
    for path in (PAGE, f"{PAGE}.csv", f"{PAGE}.svg", f"{API}/{POOL}/reports/2026"):
        assert (await get(booking, path, "lena")).status_code == 404
        assert (await get(booking, path, "maria-ek")).status_code == 403
    assert (await get(booking, f"{API}/{POOL}/reports/1200")).status_code == 422
    assert "Ingen av dina kommuner" in (await get(booking, "/samverkan", "lena")).text
    assert (await get(booking, API, "lena")).json() == {"items": []}
    page = (await get(booking, "/samverkan")).text
    assert f'href="{PAGE}"' in page
    assert "Kommuner: Eslöv, Hörby, Höör" in plain(page)


async def test_an_agreement_that_has_ended_is_still_to_be_reported(booking: Running, nats_server: Any) -> None:
    await enter(booking)
    ended = AMENDED.model_copy(update={"version": 2, "ended": True})
    await register.publish(nats_server.url, [ended])

    async def known() -> Any:
        async with database.driver(booking.admin) as connection:
            return await connection.fetchval("select ended from directory_copy where kind = 'pool' and id = $1", POOL)

    await until(known)
    assert "8 h 45 min" in plain((await get(booking, PAGE)).text)


def test_every_text_says_the_same_in_both_languages() -> None:
    for key, (sv, en) in TEXTS.items():
        assert set(re.findall(r"\{(\w+)\}", sv)) == set(re.findall(r"\{(\w+)\}", en)), key


STANDS = """
select municipality, sum(minutes)::int as entitled, sum(credit)::int as credit, sum(used)::int as used,
       sum(lent)::int as lent, sum(borrowed)::int as borrowed
from entitlement where pool = $1 and first < date '2027-01-01' group by municipality
"""


async def test_what_bookings_were_charged_is_what_is_reported(booking: Running) -> None:
    """More than Hörby's part of the first week, of which one is cancelled, and two of Eslöv's later on."""
    made = []
    for municipality, first, count in (("1266", "2026-03-02", 14), ("1285", "2026-03-17", 2)):
        query = {"offering": "foraldrasamtal", "municipality": municipality, "from": first}
        slots = (await booking.http.get("/booking/v1/slots", params=query)).json()["items"][:count]
        for slot in slots:
            answer = await booking.http.post("/booking/v1/bookings", json=request_for(slot, municipality=municipality))
            assert answer.status_code == 201, answer.text
            made.append(answer.json())
    cancelled = await booking.http.post(f"/booking/v1/bookings/{made[0]['manage_token']}/cancel")
    assert cancelled.status_code == 200, cancelled.text
    told = (await get(booking, f"{API}/{POOL}/reports/2026")).json()["municipalities"]
    async with database.driver(booking.admin) as connection:
        stands = {row["municipality"]: dict(row) for row in await connection.fetch(STANDS, POOL)}
    assert {each["municipality"]: {name: each[name] for name in stands["1266"]} for each in told} == stands
    by_code = {each["municipality"]: each for each in told}
    assert by_code["1266"]["used"] == 13 * 60
    assert by_code["1285"]["used"] == 2 * 60
    # 26 percent of a week of 40 hours are 624 minutes.
    assert by_code["1266"]["borrowed"] == 13 * 60 - 624
    assert sum(each["balance"] for each in told) == 0


async def test_what_is_held_now_counts_as_used_and_the_page_says_so(booking: Running) -> None:
    """Until it is let go: others may lend for it meanwhile, so that it is part of what each can take."""

    async def used() -> int:
        told = (await get(booking, f"{API}/{POOL}/reports/2026")).json()["municipalities"]
        return int(next(each["used"] for each in told if each["municipality"] == "1266"))

    query = {"offering": "foraldrasamtal", "municipality": "1266", "limit": "1"}
    slot = (await booking.http.get("/booking/v1/slots", params=query)).json()["items"][0]
    wish = {"slot": slot["id"], "municipality": "1266", "modality": slot["modalities"][0]}
    hold = (await booking.http.post("/booking/v1/holds", json=wish)).json()["id"]
    assert await used() == 60
    assert "eller just nu reserverad av någon som bokar" in plain((await get(booking, PAGE)).text)
    assert "or held just now by somebody who is booking" in plain((await get(booking, f"/en{PAGE}")).text)
    assert (await booking.http.delete(f"/booking/v1/holds/{hold}")).status_code == 204
    assert await used() == 0


codes = st.sampled_from(["1266", "1267", "1285"])
minutes = st.integers(-600, 600).filter(bool)
sums = st.builds(
    lambda first, code, kind, lender, amount: Sum(first, None, code, kind, lender if kind == "loan" else None, amount),
    st.sampled_from([MONDAY, date(2026, 3, 9)]),
    codes,
    st.sampled_from(["entitlement", "credit", "use", "loan"]),
    codes,
    minutes,
)


@given(st.lists(sums.filter(lambda s: s.lender != s.municipality), max_size=30))
def test_every_number_is_a_sum_and_what_is_lent_is_borrowed(of: list[Sum]) -> None:
    whole = report.lines(of, ["1266"])
    parts = [report.lines([s for s in of if s.first == first], ["1266"]) for first in {s.first for s in of}]
    assert sum(line.balance for line in whole.values()) == 0
    for code, line in whole.items():
        stands = line.position
        own = [s for s in of if s.municipality == code]
        assert stands.used == sum(s.minutes for s in own if s.kind == "use")
        assert stands.entitled + stands.credit == sum(s.minutes for s in own if s.kind in ("entitlement", "credit"))
        assert stands.lent == sum(s.minutes for s in of if s.lender == code)
        assert stands.borrowed == sum(line.borrowed_from.values())
        assert line.unused == stands.entitled + stands.credit + stands.borrowed - stands.used - stands.lent
        assert line.unused == sum(part[code].unused for part in parts if code in part)
