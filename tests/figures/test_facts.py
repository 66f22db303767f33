"""Figures follow from facts: whatever the order they come in and however often, and when they are built anew."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from booking import events
from booking.figures import service
from booking.figures.handlers import READS
from booking.figures.searches import Searches
from booking.roles import MEASURE
from booking.tables import inbox_table
from deploy import cli
from kit import database, messaging, outbox
from kit.events import EventType
from tests.agenda.conftest import Work
from tests.conftest import AsRole, Clock, Databases, Run, until

NOW = datetime(2026, 3, 2, 7, tzinfo=UTC)
AFTER = {
    "confirmed": ("fulfilled", "no-show", "cancelled", "rescheduled"),
    "rescheduled": ("fulfilled", "no-show", "cancelled", "rescheduled"),
    "fulfilled": ("reopened",),
    "no-show": ("reopened",),
    "reopened": ("fulfilled", "no-show"),
    "cancelled": (),
}
KINDS = {kind.name: kind for kind in events.PUBLISHES}
SEARCHED = events.SearchesCounted(
    municipality="1266", offering="foraldrasamtal", day=NOW.date(), searches=3, found_nothing=1
)
STANDS = {"no-show": "no_show", "rescheduled": "confirmed", "reopened": "confirmed"}


@pytest.fixture(scope="module")
async def database_url(lasting_database: Databases) -> str:
    return await lasting_database("booking")


@pytest.fixture(scope="module")
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    made = database.engine(database_url, 6)
    yield made
    await made.dispose()


@pytest.fixture(scope="module")
async def owner(database_url: str, as_role: AsRole) -> AsyncIterator[AsyncEngine]:
    made = database.engine(as_role(database_url), 2)
    yield made
    await made.dispose()


def told(kind: str, booking: UUID, sequence: int) -> tuple[EventType, Any]:
    """One fact about a booking, which differs from the one before it in all that may."""
    more: dict[str, Any] = {}
    if kind == "rescheduled":
        more["previous_start"] = NOW
    if kind == "cancelled":
        more |= {"late": sequence % 2 == 0, "by": "family"}
    start = NOW + timedelta(days=sequence)
    data = KINDS[kind].data(
        booking=booking,
        sequence=sequence,
        offering="foraldrasamtal",
        municipality="1266",
        advisor="maria-ek",
        modality="visit" if sequence % 3 == 0 else "video",
        place="bvc-horby" if sequence % 3 == 0 else None,
        start=start,
        end=start + timedelta(minutes=45),
        zone="Europe/Stockholm",
        **more,
    )
    return KINDS[kind], data


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[list[str]], int, list[int], int]:
    """Of some bookings their facts, how many counts of searches, an order with repetitions, so many at a time."""
    bookings = []
    for _ in range(draw(st.integers(1, 3))):
        facts = ["confirmed"]
        while AFTER[facts[-1]] and draw(st.booleans()):
            facts.append(draw(st.sampled_from(AFTER[facts[-1]])))
        bookings.append(facts)
    counts = draw(st.integers(0, 3))
    whole = sum(map(len, bookings)) + counts
    order = draw(st.permutations(range(whole)))
    again = draw(st.lists(st.integers(0, whole - 1), max_size=4))
    return bookings, counts, [*order, *again], draw(st.integers(1, 4))


async def rows(owner: AsyncEngine, *tables: str) -> dict[str, list[Any]]:
    async with database.driver(owner) as connection:
        return {
            table: [dict(row) for row in await connection.fetch(f"select * from {table} order by 1, 2, 3")]
            for table in tables or ("figure_booking", "figure_search", "figure_availability")
        }


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories())
async def test_any_order_gives_the_same_and_so_does_building_anew(
    engine: AsyncEngine, owner: AsyncEngine, history: tuple[list[list[str]], int, list[int], int]
) -> None:
    bookings, counts, order, at_a_time = history
    async with database.driver(owner) as connection:
        await connection.execute("truncate figure_fact, figure_booking, figure_search, figure_availability, outbox")
    facts = [
        told(kind, booking, sequence)
        for booking, kinds in ((uuid4(), kinds) for kinds in bookings)
        for sequence, kind in enumerate(kinds)
    ]
    facts += [(events.SEARCHES_COUNTED, SEARCHED)] * counts
    bodies = []
    for number, (kind, data) in enumerate(facts):
        at = NOW + timedelta(minutes=number)
        bodies.append(kind.encode(event_id=uuid4(), entity_id="x", data=data, now=at))
    for first in range(0, len(order), at_a_time):
        batch = [bodies[n] for n in order[first : first + at_a_time]]
        await asyncio.gather(*(messaging.handle(READS, body, engine, inbox_table, NOW) for body in batch))

    drawn = await rows(owner)
    stands = {(row["sequence"], row["status"]) for row in drawn["figure_booking"]}
    assert stands == {(len(kinds) - 1, STANDS.get(kinds[-1], kinds[-1])) for kinds in bookings}
    assert all(row["confirmed_at"] is not None for row in drawn["figure_booking"])
    assert sum(row["searches"] for row in drawn["figure_search"]) == 3 * counts
    assert await service.rebuild(engine, NOW) == len(facts)
    assert await rows(owner) == drawn


async def test_what_never_arrived_is_taken_from_the_outbox(engine: AsyncEngine, owner: AsyncEngine) -> None:
    async with database.driver(owner) as connection:
        await connection.execute("truncate figure_fact, figure_booking, figure_search, outbox")
    booking = uuid4()
    kind, data = told("confirmed", booking, 0)
    facts = [
        outbox.row(kind, entity_id=str(booking), data=data, now=NOW),
        outbox.row(events.SEARCHES_COUNTED, entity_id="1266", data=SEARCHED, now=NOW),
    ]
    async with database.transaction(engine) as connection:
        for fact in facts:
            await outbox.write(connection, fact)
    assert await service.rebuild(engine, NOW) == 2
    found = await rows(owner)
    assert [row["booking"] for row in found["figure_booking"]] == [booking]
    # And when they come after all, they are not taken twice.
    for fact in facts:
        await messaging.handle(READS, fact.payload, engine, inbox_table, NOW)
    assert await rows(owner) == found
    assert await service.rebuild(engine, NOW) == 2


async def test_an_operator_builds_them_anew_from_the_command_line(
    database_url: str, owner: AsyncEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with database.driver(owner) as connection:
        await connection.execute("delete from figure_booking")
        facts = await connection.fetchval("select count(*) from figure_fact")
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert await asyncio.to_thread(cli.main, ["figures", "rebuild"]) == 0
    assert capsys.readouterr().out == f"The figures are built anew from {facts} facts.\n"
    assert len((await rows(owner))["figure_booking"]) > 0


async def test_facts_are_added_and_never_changed(engine: AsyncEngine) -> None:
    """Whoever builds figures anew must find what there was."""
    async with database.driver(engine) as connection:
        for role in ("booking", "booking_reader", "booking_measure"):
            for right in ("update", "delete", "truncate"):
                assert not await connection.fetchval(
                    "select has_table_privilege($1, 'figure_fact', $2)", role, right
                ), (role, right)


async def test_what_families_and_advisors_do_arrives_as_figures(work: Work) -> None:
    """Booked, moved, cancelled late, held, missed: over the pages, the stream and back; then built anew."""
    ten, thursday = "2026-03-02T09:00:00Z", "2026-03-05T09:00:00Z"
    held = await work.id_of(await work.family_books(ten, modality="visit"))
    missed = await work.id_of(await work.family_books("2026-03-02T12:00:00Z"))
    await work.family_books("2026-03-02T14:00:00Z")
    assert (await work.booking.http.post(f"/booking/v1/bookings/{work.manage_token}/cancel")).status_code == 200
    await work.family_books("2026-03-04T09:00:00Z")
    slots = await work.booking.http.get(
        "/booking/v1/slots",
        params={"offering": "foraldrasamtal", "municipality": "1266", "advisor": "maria-ek", "limit": 500},
    )
    slot = next(s["id"] for s in slots.json()["items"] if s["start"] == thursday)
    moved = f"/booking/v1/bookings/{work.manage_token}/reschedule"
    assert (await work.booking.http.post(moved, json={"slot": slot})).status_code == 200
    work.clock.move(hours=8)
    for booking, outcome in ((held, "fulfilled"), (missed, "no_show")):
        answer = await work.post(f"/arbetsdag/bokning/{booking}/utfall", utfall=outcome)
        assert answer.status_code == 303, answer.text

    async def arrived() -> Any:
        found = await work.stored("select count(*) as n from figure_fact where type <> 'searches-counted'")
        return found[0].n == 8

    await until(arrived)
    found = await work.stored("select * from figure_booking order by start_at")
    assert [(row.status, row.late, row.modality, row.place, row.first) for row in found] == [
        ("fulfilled", False, "visit", "bvc-horby", True),
        ("no_show", False, "video", None, True),
        ("cancelled", True, "video", None, True),
        ("confirmed", False, "video", None, True),
    ]
    assert found[3].start_at.isoformat() == "2026-03-05T09:00:00+00:00"
    before = await rows(work.booking.admin)
    await service.rebuild(work.booking.runtime.engine, work.clock())
    assert await rows(work.booking.admin) == before


async def test_free_time_is_measured_once_a_day_and_without_what_is_held(work: Work) -> None:
    slots = (
        await work.booking.http.get(
            "/booking/v1/slots", params={"offering": "foraldrasamtal", "municipality": "1266", "limit": 3}
        )
    ).json()["items"]
    body = {"slot": slots[0]["id"], "municipality": "1266", "modality": "phone"}
    assert (await work.booking.http.post("/booking/v1/holds", json=body)).status_code == 201
    engine = work.booking.runtime.engine

    async def measure() -> bool:
        async with database.transaction(engine, role=MEASURE) as connection:
            return await service.measure(connection, work.clock())

    assert await measure()
    assert not await measure()
    facts = [fact for fact in await work.facts() if fact["type"].startswith("availability")]
    assert [fact["municipality"] for fact in facts] == ["1266", "1267", "1285"]
    assert facts[0]["next"] == slots[1]["start"]
    assert facts[0]["third_next"] > slots[1]["start"]
    work.clock.move(days=1)
    assert await measure()

    async def arrived() -> Any:
        return await work.stored("select 1 from figure_availability having count(*) = 6")

    await until(arrived)
    (row, *_) = await work.stored("select * from figure_availability where municipality = '1266' order by day")
    assert (row.day, row.next_days, row.third_days) == (date(2026, 3, 2), 0, 0)


async def test_where_nothing_is_offered_nothing_is_measured(engine: AsyncEngine) -> None:
    async with database.transaction(engine, role=MEASURE) as connection:
        assert not await service.measure(connection, NOW)
        assert await connection.fetchval("select count(*) from measured_day") == 0


async def test_what_was_counted_is_written_when_the_service_ends(
    run: Run, clock: Clock, secret_file: Path, new_database: Databases, as_role: AsRole
) -> None:
    url = await new_database("booking")
    async with run("booking", clock=clock, manage_secret_file=secret_file, database_url=url) as booking:
        booking.app.state.searches.note(booking.runtime, "1266", "foraldrasamtal", 0)
    engine = database.engine(as_role(url), 1)
    async with database.driver(engine) as connection:
        assert await connection.fetchval("select count(*) from outbox where subject like '%searches-counted'") == 1
    await engine.dispose()


async def test_searches_of_families_are_counted_and_written_together(work: Work) -> None:
    searches: Searches = work.booking.app.state.searches
    api = {"offering": "foraldrasamtal", "municipality": "1266"}
    http = work.booking.http
    assert (await http.get("/booking/v1/slots", params=api)).status_code == 200
    assert (await http.get("/booking/v1/slots", params={**api, "offset": 50})).status_code == 200
    assert (await http.get("/booking/v1/slots", params={**api, "municipality": "9999"})).status_code == 404
    assert (await http.get("/booking/v1/slots", params={**api, "advisor": "nobody"})).json()["items"] == []
    assert (await http.get("/boka/horby/foraldrasamtal/tider", params={"satt": "video"})).status_code == 200
    assert (await http.get("/boka/horby/foraldrasamtal/tider", params={"satt": "video", "visa": 40})).status_code == 200
    await work.get("/telefonbokning/horby/foraldrasamtal", satt="video")
    about = ("1266", "foraldrasamtal", date(2026, 3, 2))
    assert searches.all == {about: 3}
    assert searches.in_vain == {about: 1}
    await searches.write(work.booking.runtime)
    await searches.write(work.booking.runtime)
    assert searches.all == {}
    assert [fact for fact in await work.facts() if fact["type"].startswith("searches")] == [
        {
            "type": "searches-counted.v1",
            "municipality": "1266",
            "offering": "foraldrasamtal",
            "day": "2026-03-02",
            "searches": 3,
            "found_nothing": 1,
        }
    ]
