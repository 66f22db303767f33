"""A booking is moved as if it were not there: its own time is free for it, and its share has what it was charged."""

import random
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from booking import secrecy
from booking.bookings import entry
from booking.bookings import service as bookings
from booking.bookings.links import token_hash
from booking.bookings.service import Wanted
from booking.families.contacts import Contact
from booking.slots import tables as slot_tables
from booking.slots.reads import Modality
from booking.slots.service import SlotId
from booking.slots.tables import Search
from kit import database
from kit.refusal import Refusal
from tests.booking import register
from tests.booking.test_free_time import check
from tests.booking.test_journey import request_for, slots
from tests.booking.test_pages import times_on
from tests.booking.test_refusals import hold
from tests.conftest import Clock, Running
from tests.sharing.world import MUNICIPALITIES, check_ledger, clear, pool, put, week

CONTACT = Contact(name="Kim", phone="+46701234567", email=None, language="sv")
HALF_HOURS = register.OFFERING.model_copy(update={"duration": 60, "buffer_after": 0, "starts_every": 30})
WAYS: tuple[Modality, ...] = ("video", "phone", "visit")
# On the Tuesday; 14.00 in Sweden.
TWO, HALF_PAST_TWO = "2026-03-03T13:00:00Z", "2026-03-03T13:30:00Z"


async def on_tuesday(booking: Running, start: str, **query: Any) -> dict[str, Any]:
    day = {"from": "2026-03-03", "to": "2026-03-03"}
    return next(slot for slot in await slots(booking, **day, **query) if slot["start"] == start)


async def starts(booking: Running, manage: str, **query: Any) -> list[str]:
    day = {"from": "2026-03-03", "to": "2026-03-03"}
    answer = await booking.http.get(f"{manage}/slots", params={**day, **query})
    assert answer.status_code == 200, answer.text
    return [slot["start"] for slot in answer.json()["items"]]


@pytest.fixture
async def half_hours(booking: Running) -> Running:
    """The offering begins every half hour and lasts an hour."""
    await put(booking.runtime, HALF_HOURS)
    return booking


async def booked(booking: Running, start: str = TWO) -> str:
    made = await booking.http.post("/booking/v1/bookings", json=request_for(await on_tuesday(booking, start)))
    token: str = made.json()["manage_token"]
    return token


async def test_a_booking_may_be_moved_into_a_part_of_its_own_time(half_hours: Running) -> None:
    later = await on_tuesday(half_hours, HALF_PAST_TWO)
    manage = f"/booking/v1/bookings/{await booked(half_hours)}"
    others = [slot["start"] for slot in await slots(half_hours, **{"from": "2026-03-03", "to": "2026-03-03"})]
    assert not {TWO, HALF_PAST_TWO} & {*others}
    found = await starts(half_hours, manage, modality="video")
    assert HALF_PAST_TWO in found
    assert TWO not in found, "there it is already"
    assert (await half_hours.http.get(f"{manage}/slots", params={"limit": 1})).json()["next"].startswith(manage)
    moved = await half_hours.http.post(f"{manage}/reschedule", json={"slot": later["id"]})
    assert (moved.status_code, moved.json()["start"]) == (200, HALF_PAST_TWO)
    await check(half_hours)
    await check_ledger(half_hours)


async def test_the_way_to_meet_changes_at_the_same_time(half_hours: Running) -> None:
    same = await on_tuesday(half_hours, TWO)
    token = await booked(half_hours)
    manage = f"/booking/v1/bookings/{token}"
    assert TWO in await starts(half_hours, manage, modality="phone")
    assert TWO in await starts(half_hours, manage), "it can be had by telephone"
    page = (await half_hours.http.get(f"/bokning/{token}/flytta", params={"satt": "phone"})).text
    assert same["id"] in times_on(page)
    assert same["id"] not in times_on((await half_hours.http.get(f"/bokning/{token}/flytta")).text)
    moved = await half_hours.http.post(f"/bokning/{token}/flytta", data={"tid": same["id"], "satt": "phone"})
    assert moved.headers["location"] == f"/bokning/{token}?nytt=flyttad"
    now = (await half_hours.http.get(manage)).json()
    assert (now["start"], now["modality"], now["sequence"]) == (TWO, "phone", 1)
    await check(half_hours)


async def test_the_page_offers_what_overlaps_and_takes_it(half_hours: Running) -> None:
    later = await on_tuesday(half_hours, HALF_PAST_TWO)
    token = await booked(half_hours)
    page = (await half_hours.http.get(f"/bokning/{token}/flytta", params={"visa": "100"})).text
    assert later["id"] in times_on(page)
    moved = await half_hours.http.post(f"/bokning/{token}/flytta", data={"tid": later["id"], "satt": "video"})
    assert moved.headers["location"] == f"/bokning/{token}?nytt=flyttad"


async def test_what_is_nearest_to_a_time_that_is_gone_may_overlap_too(half_hours: Running) -> None:
    manage = f"/booking/v1/bookings/{await booked(half_hours)}"
    gone = await on_tuesday(half_hours, "2026-03-03T14:00:00Z")
    await half_hours.http.post("/booking/v1/bookings", json=request_for(gone))
    refused = await half_hours.http.post(f"{manage}/reschedule", json={"slot": gone["id"]})
    assert refused.status_code == 409
    nearest = [slot["start"] for slot in refused.json()["alternatives"]]
    assert "2026-03-03T12:30:00Z" in nearest
    assert TWO not in nearest
    await check(half_hours)


async def test_a_hold_that_has_expired_is_not_in_the_way_beside_the_booking_itself(
    half_hours: Running, clock: Clock
) -> None:
    later = await on_tuesday(half_hours, HALF_PAST_TWO)
    after = await on_tuesday(half_hours, "2026-03-03T14:00:00Z")
    manage = f"/booking/v1/bookings/{await booked(half_hours)}"
    assert (await hold(half_hours, after)).status_code == 201
    clock.move(minutes=11)
    moved = await half_hours.http.post(f"{manage}/reschedule", json={"slot": later["id"]})
    assert moved.status_code == 200


class _Undone(Exception):  # noqa: N818 - no fault: ends a transaction
    pass


async def as_if_cancelled(booking: Running, token: str, wanted: Search) -> list[Any]:
    """The slow model: what a search finds once the booking is cancelled, which is then undone."""
    found: list[Any] = []
    with suppress(_Undone):
        async with secrecy.of_token(booking.runtime.public.engine, token_hash(token)) as connection:
            await bookings.cancel(connection, token, now=wanted.now, language="sv")
            found = await slot_tables.free_starts(connection, wanted)
            raise _Undone
    return found


@settings(
    max_examples=12,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    seed=st.integers(0, 2**32),
    buffers=st.tuples(st.sampled_from([0, 10]), st.sampled_from([0, 15, 30])),
    every=st.sampled_from([15, 30, 45]),
    shares=st.lists(st.integers(1, 40), min_size=3, max_size=3),
    release=st.integers(0, 14),
    others=st.integers(0, 25),
)
async def test_exactly_what_would_be_free_without_it_is_offered_and_can_be_had(
    booking: Running,
    clock: Clock,
    *,
    seed: int,
    buffers: tuple[int, int],
    every: int,
    shares: list[int],
    release: int,
    others: int,
) -> None:
    await clear(booking)
    clock.now = register.NOW
    chance = random.Random(seed)
    advisors = ["maria-ek", "advisor-1"]
    offering = register.OFFERING.model_copy(
        update={
            "advisors": advisors,
            "buffer_before": buffers[0],
            "buffer_after": buffers[1],
            "starts_every": every,
            "horizon_days": 21,
        }
    )
    agreed = {"shares": dict(zip(MUNICIPALITIES, shares, strict=True)), "release_days": release}
    await put(
        booking.runtime,
        register.advisor(1),
        offering,
        pool(*advisors, **agreed),
        register.schedule(weekly=week({1: (8, 11), 2: (13, 16)})),
        register.schedule("advisor-1", weekly=week({1: (9, 12), 3: (8, 10)})),
    )

    async def found(**of: Any) -> list[Any]:
        async with database.driver(booking.runtime.engine) as connection:
            return await slot_tables.free_starts(
                connection, Search(**{"now": clock(), "offering": "foraldrasamtal", "limit": 1000, **of})
            )

    tokens = []
    for _ in range(others + 1):
        town = chance.choice(MUNICIPALITIES)
        if free := await found(municipality=town):
            slot = chance.choice(free)
            wanted = Wanted(
                hold=None,
                slot=SlotId(slot.offering, slot.advisor, slot.start),
                municipality=town,
                modality="video",
                contact=CONTACT,
                child_age=2,
                expecting=False,
            )
            answer = await entry.book(booking.runtime.public, wanted, client="127.0.0.1", key=None, language="sv")
            tokens.append(answer["manage_token"])
    for token in chance.sample(tokens, min(3, len(tokens))):
        view = await entry.look_up(booking.runtime.public, token, "sv")
        for way in ("video", "phone"):
            asked = {"municipality": view.municipality, "modality": way}
            offered = await found(**asked, moving=view.moving)
            wanted_all = Search(now=clock(), offering="foraldrasamtal", limit=1000, **asked)
            model = await as_if_cancelled(booking, token, wanted_all)
            where_it_is = (view.start, view.advisor) if way == view.modality else None
            assert offered == [free for free in model if (free.start, free.advisor) != where_it_is]
            once = await found(**asked, moving=view.moving, any_advisor=True)
            assert [free.start for free in once] == sorted({free.start for free in offered})
        every_start = {(free.start, free.advisor) for free in await found(municipality=view.municipality)}
        every_start |= {(free.start, free.advisor) for free in offered} | {(view.start, view.advisor)}
        start, advisor = chance.choice(sorted(every_start))
        could = (start, advisor) in {(free.start, free.advisor) for free in offered}
        try:
            moved = await entry.reschedule(
                booking.runtime.public, token, SlotId("foraldrasamtal", advisor, start), "phone", "sv"
            )
        except Refusal:
            assert not could
        else:
            assert could
            assert (moved.start, moved.advisor, moved.modality) == (start, advisor, "phone")
        await check(booking)
        await check_ledger(booking)
