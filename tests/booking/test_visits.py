"""A visit is offered at each place where it is met, the town's own first: another town's never hides it."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from booking.figures import service as figures
from booking.roles import MEASURE
from booking.slots import tables
from booking.slots.service import SlotId
from booking.slots.tables import Search
from directory import events as directory
from directory.events import Entity
from kit import database
from kit.language import instant
from tests.booking import register
from tests.booking.conftest import ready
from tests.booking.test_journey import CONTACT, request_for, slots
from tests.booking.test_pages import hidden, times_on
from tests.booking.test_refusals import book
from tests.conftest import Clock, Run, Running, until
from tests.infra import NatsServer

HORBY, HOOR, ESLOV = "1266", "1267", "1285"
CENTRES = {"bvc-horby": HORBY, "bvc-hoor": HOOR, "familjens-hus": ESLOV}
VISIT = {"modality": "visit", "any_advisor": "true", "limit": 500}


def working(
    advisor: str,
    place: str,
    start: int = 8,
    *,
    ways: tuple[str, ...] = ("video", "visit"),
    days: Iterable[int] = range(1, 6),
) -> Entity:
    """Weekdays from an hour until noon, with visits at a place."""
    blocks = [
        directory.WeeklyBlock(weekday=day, start=time(start), end=time(12), modalities=list(ways), place=place)
        for day in days
    ]
    return register.schedule(advisor, weekly=blocks)


def entities() -> list[Entity]:
    """Two advisors in Hörby, one in Höör who begins an hour later, and one in Eslöv; all are there for all towns."""
    advisors = ["maria-ek", *(f"advisor-{n}" for n in (1, 2, 3))]
    names = {"bvc-horby": "BVC Hörby", "bvc-hoor": "BVC Höör", "familjens-hus": "Familjens hus"}
    return [
        *register.MUNICIPALITIES,
        register.UNIT,
        *(
            register.CENTRE.model_copy(
                update={"id": place, "municipality": town, "name": names[place], "address": f"Vägen 1, {place}"}
            )
            for place, town in CENTRES.items()
        ),
        register.OFFERING.model_copy(update={"advisors": advisors}),
        *(register.advisor(n) for n in range(4)),
        register.pool(*advisors),
        working("maria-ek", "bvc-horby"),
        working("advisor-1", "bvc-horby"),
        working("advisor-2", "bvc-hoor", 9),
        working("advisor-3", "familjens-hus"),
    ]


@pytest.fixture
async def towns(run: Run, nats_server: NatsServer, clock: Clock, secret_file: Path) -> AsyncIterator[Running]:
    await register.publish(nats_server.url, entities())
    async with run("booking", clock=clock, manage_secret_file=secret_file) as running:
        await until(lambda: ready(running))
        yield running


def spots(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(slot["start"], slot["place"]["id"]) for slot in found]


async def test_each_start_is_offered_once_at_each_place_the_own_towns_first(towns: Running) -> None:
    async def check() -> None:
        for town in (HORBY, HOOR, ESLOV):
            every = await slots(towns, municipality=town, modality="visit", limit=500)
            listed = spots(await slots(towns, municipality=town, **VISIT))
            assert Counter(listed) == Counter({*spots(every)}), "each place in every state, and each once"
            order = [(start, CENTRES[place] != town, place) for start, place in listed]
            assert order == sorted(order)
            pages = [spots(await slots(towns, municipality=town, **VISIT | {"limit": 7, "offset": n})) for n in (0, 7)]
            assert pages[0] + pages[1] == listed[:14]

    await check()
    # Whoever is busiest, no place is hidden: it is the advisor that is chosen by that, not the town.
    for slot in (await slots(towns, municipality=HOOR, advisor="advisor-2", modality="visit"))[:6]:
        status, _ = await book(towns, request_for(slot, municipality=HOOR, modality="visit"))
        assert status == 201
    await check()
    # By video the place does not matter: once each, as before.
    starts = [slot["start"] for slot in await slots(towns, **VISIT | {"modality": "video"})]
    assert starts == sorted({*starts})
    either = await slots(towns, municipality=HOOR, **{k: v for k, v in VISIT.items() if k != "modality"})
    assert spots(either) == spots(await slots(towns, municipality=HOOR, **VISIT))


async def test_what_is_nearest_is_what_a_family_would_travel_to(towns: Running) -> None:
    async def refused(town: str, advisor: str) -> list[tuple[str, str]]:
        found = await slots(towns, municipality=town, advisor=advisor, modality="visit", limit=500)
        wanted = request_for(found[8], municipality=town, modality="visit")
        assert (await book(towns, wanted))[0] == 201
        status, problem = await book(towns, wanted)
        assert status == 409
        return spots(problem["alternatives"])

    assert {place for _, place in await refused(HOOR, "advisor-2")} == {"bvc-hoor"}
    # Who chose to travel is shown that place too.
    chosen = await refused(HOOR, "advisor-3")
    assert {place for _, place in chosen} == {"bvc-hoor", "familjens-hus"}
    # Two advisors are at the place, and it is listed once.
    assert len(chosen) == len({*chosen})
    there = await refused(HORBY, "maria-ek")
    assert {place for _, place in there} == {"bvc-horby"}
    assert len(there) == len({*there})


def near(running: Running, town: str, **of: Any) -> Search:
    return Search(now=running.runtime.clock(), offering="foraldrasamtal", municipality=town, near=True, **of)


async def first_place(running: Running, town: str, **of: Any) -> str | None:
    async with database.driver(running.runtime.engine) as connection:
        found = await tables.free_starts(connection, near(running, town, limit=1, modality="visit", **of))
    return found[0].place.id if found and found[0].place else None


async def test_first_free_is_at_an_own_place_and_elsewhere_only_where_there_is_none(towns: Running) -> None:
    page = (await towns.http.get("/boka/hoor/foraldrasamtal")).text
    assert re.search(r"10.00–10.45</span>, BVC Höör", page)
    assert [await first_place(towns, town) for town in CENTRES.values()] == [*CENTRES]
    async with database.driver(towns.admin) as connection:
        # Höör's own times of the first day are taken: the next one there is later than many elsewhere.
        taken = "update advisor_day set free = '{}' where advisor = 'advisor-2'"
        await connection.execute(f"{taken} and day = '2026-03-02'")
        page = (await towns.http.get("/boka/hoor/foraldrasamtal")).text
        assert re.search(r"09.00–09.45</span>, BVC Höör", page)
        # All of Höör's own times are taken: the page names where the next one is; what is measured has none.
        await connection.execute(taken)
        assert await first_place(towns, HOOR) is None
        page = (await towns.http.get("/boka/hoor/foraldrasamtal")).text
        assert re.search(r"10.00–10.45</span>, BVC Hörby", page)
        # And where no place of its own takes visits, families travel.
        await connection.execute("delete from open_block where advisor = 'advisor-2'")
        assert await first_place(towns, HOOR) == "bvc-horby"


async def test_what_is_measured_counts_no_visit_elsewhere(
    run: Run, nats_server: NatsServer, clock: Clock, secret_file: Path
) -> None:
    only = [e for e in entities() if not isinstance(e, directory.Schedule | directory.Centre)]
    centres = [e for e in entities() if isinstance(e, directory.Centre) and e.municipality != ESLOV]
    clock.move(days=1)
    hours = [
        working("maria-ek", "bvc-horby", ways=("visit",)),
        working("advisor-2", "bvc-hoor", 9, ways=("visit",)),
    ]
    await register.publish(nats_server.url, [*only, *centres, *hours])
    async with run("booking", clock=clock, manage_secret_file=secret_file) as running:
        await until(lambda: ready(running))
        now = clock()
        async with database.driver(running.admin) as connection:
            # Höör's own are taken for a week.
            await connection.execute(
                "update advisor_day set free = '{}' where advisor = 'advisor-2' and day < $1",
                (now + timedelta(days=7)).date(),
            )
        async with database.transaction(running.runtime.engine, role=MEASURE) as connection:
            assert await figures.measure(connection, now)
        async with database.driver(running.admin) as connection:
            rows = await connection.fetch(
                "select convert_from(payload, 'UTF8')::jsonb->'data'->>'municipality' as town,"
                " (convert_from(payload, 'UTF8')::jsonb->'data'->>'next')::timestamptz as next from outbox"
            )
        days = {row["town"]: (row["next"] - now).days for row in rows}
        assert (days[HORBY], days[ESLOV]) == (0, 0), "Eslöv has no place of its own, and travels"
        assert days[HOOR] >= 6


@pytest.mark.parametrize("prefix", ["", "/en"])
async def test_pages_say_where_before_a_time_is_chosen_and_after(towns: Running, prefix: str) -> None:
    path = f"{prefix}/boka/hoor/foraldrasamtal/tider"
    page = (await towns.http.get(path, params={"satt": "visit"})).text
    link = 'href="https://www.openstreetmap.org/search?query=V%C3%A4gen+1%2C+bvc-hoor" rel="noreferrer"'
    assert link in page
    assert page.count("openstreetmap.org") == 3, "one for each place, and not for each time"
    labels = [
        re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", label)).strip()
        for label in re.findall(r"<label class=\"option\"(.*?)</label>", page, re.DOTALL)
    ]
    said = [label.partition("> ")[2] for label in labels]
    day = "måndag 2 mars kl. 10.00–10.45" if not prefix else "Monday 2 March, 10:00–10:45"
    hoor = next(n for n, label in enumerate(said) if "BVC Höör" in label)
    assert said[hoor].replace(" ,", ",") == f"{day}, BVC Höör, Vägen 1, bvc-hoor, Rådgivare 2"
    assert "<strong>BVC Höör" in page
    sent = {"tid": times_on(page)[hoor], "satt": "visit", "engang": hidden(page, "engang")}
    held = (await towns.http.post(path, data=sent)).headers["location"]
    contact = (await towns.http.get(held)).text
    form = {name: hidden(contact, name) for name in ("satt", "tid", "nyckel")}
    form |= {"namn": "Kim", "telefon": CONTACT["phone"], "barn": "2", "sprak": "sv"}
    check = (await towns.http.post(held.split("?")[0], data=form)).text
    for step, text in ((2, contact), (3, check)):
        caption = f"Step {step} of 3: BVC Höör" if prefix else f"Steg {step} av 3: BVC Höör"
        assert f'<p class="step">{caption}</p>' in text
        assert "<strong>BVC Höör</strong>, Vägen 1, bvc-hoor." in text
        assert link in text
    made = await towns.http.post(f"{held.split('?')[0]}/boka", data=form)
    moving = (await towns.http.get(f"{made.headers['location']}/flytta")).text
    assert (f"Now: {day}, BVC Höör" if prefix else f"Nu: {day}, BVC Höör") in moving
    # Lost to another, the time is told with what is near, and no time is listed twice.
    again = await towns.http.post(path, data={**sent, "engang": "another"})
    assert again.status_code == 409
    assert len(times_on(again.text)) == len({*times_on(again.text)})


async def has_fridays_only(running: Running, nats_server: NatsServer) -> None:
    """Höör's advisor has visits on Fridays alone from here on."""
    fridays = working("advisor-2", "bvc-hoor", 9, days=[5]).model_copy(update={"version": 2})
    await register.publish(nats_server.url, [fridays])

    async def fewer() -> bool:
        found = await slots(running, municipality=HOOR, advisor="advisor-2", modality="visit", limit=1)
        return found[0]["start"].startswith("2026-03-06")

    await until(fewer)


def parts(page: str) -> dict[str, list[tuple[str, str]]]:
    """The starts and places that are listed below each heading, in order; "" where there is none."""
    found: dict[str, list[tuple[str, str]]] = {}
    under = ""
    for heading, slot, place in re.findall(
        r"<h2>([^<]*)</h2>|name=\"tid\" value=\"([^\"]+)\".*?<strong>((?:BVC|Familjens)[^<]*)<", page, re.DOTALL
    ):
        under = heading or under
        if slot:
            found.setdefault(under, []).append((instant(SlotId.parse(slot).start), place))
    return found


async def test_what_families_would_travel_to_is_listed_first_however_late(
    towns: Running, nats_server: NatsServer
) -> None:
    await has_fridays_only(towns, nats_server)
    path = "/boka/hoor/foraldrasamtal"
    assert re.search(r"fredag 6 mars kl. <span class=\"whole\">09.00–09.45</span>, BVC Höör", await text(towns, path))
    listed = parts(await text(towns, f"{path}/tider?satt=visit"))
    own, others = listed["I Höör"], listed["I andra kommuner"]
    assert [*listed] == ["I Höör", "I andra kommuner"]
    assert own[0] == ("2026-03-06T08:00:00Z", "BVC Höör")
    assert {place for _, place in own} == {"BVC Höör"}
    assert {place for _, place in others} == {"BVC Hörby", "Familjens hus"}
    assert others[0] == ("2026-03-02T09:00:00Z", "BVC Hörby")
    assert (own, others) == (sorted(own), sorted(others))
    assert (len(own), len(others)) == (10, 10)
    assert [*parts(await text(towns, f"/en{path}/tider?satt=visit"))] == ["In Höör", "In other municipalities"]
    assert parts(await text(towns, f"{path}/tider?satt=visit&visa=1")) == {"": own[:1]}
    assert "I andra kommuner" not in await text(towns, f"{path}/tider?satt=video")


async def test_a_longer_page_adds_to_both_lists_and_leads_to_what_is_new(
    towns: Running, nats_server: NatsServer
) -> None:
    await has_fridays_only(towns, nats_server)
    seen: set[tuple[str, str]] = set()
    address, new = "/boka/hoor/foraldrasamtal/tider?satt=visit", 1
    while True:
        page = await text(towns, address)
        listed = [each for part in parts(page).values() for each in part]
        assert len(listed) == len({*listed})
        assert seen <= {*listed}, "what was there still is"
        assert listed[new - 1] not in seen
        assert {*listed[: new - 1]} <= seen
        seen = {*listed}
        further = re.search(r'href="([^"]*visa=\d+)#nr(\d+)"', page)
        if not further:
            break
        address, new = further[1].replace("&amp;", "&"), int(further[2])
    assert len(seen) == len(await slots(towns, municipality=HOOR, **VISIT)) > 200


async def test_where_no_own_time_is_free_or_no_own_place_is_that_is_said(towns: Running) -> None:
    path = "/boka/hoor/foraldrasamtal/tider?satt=visit"
    async with database.driver(towns.admin) as connection:
        await connection.execute("update advisor_day set free = '{}' where advisor = 'advisor-2'")
        page = await text(towns, path)
        assert re.search(r"<h2>I Höör</h2>\s*<p>Inga lediga tider just nu.</p>\s*<h2>I andra kommuner</h2>", page)
        assert len(parts(page)["I andra kommuner"]) == 20
        # No place of its own takes visits: families travel, and one town is as good as another.
        await connection.execute("delete from open_block where advisor = 'advisor-2'")
        assert [*parts(await text(towns, path))] == [""]


async def text(running: Running, address: str) -> str:
    return (await running.http.get(address)).text
