"""What parents see of shares: the times that they can book, and the day on which more open."""

from datetime import timedelta

import pytest

from booking.slots.service import SlotId
from tests.booking import register
from tests.conftest import Clock, Running
from tests.sharing.test_shares import FAR, HOURS, book, on
from tests.sharing.world import pool, put, week

TIMES = "/boka/horby/foraldrasamtal/tider?satt=video&visa=200"


@pytest.fixture
async def shared(booking: Running) -> Running:
    """Two advisors, ten hours a week each."""
    both = ("maria-ek", "advisor-1")
    await put(
        booking.runtime,
        register.advisor(1),
        register.OFFERING.model_copy(update={"advisors": list(both), "horizon_days": 20}),
        pool(*both),
        *(register.schedule(advisor, weekly=week(HOURS)) for advisor in both),
    )
    return booking


async def page(shared: Running, path: str) -> str:
    answer = await shared.http.get(path)
    assert answer.status_code == 200
    return answer.text


async def test_each_time_is_listed_once_and_with_the_advisor_that_was_asked_for(shared: Running) -> None:
    first = await page(shared, TIMES)
    day = await on(shared, FAR)
    assert len(day) == 4
    assert [str(slot) in first for slot in day].count(True) == 2
    again = await page(shared, f"{TIMES}&hos=maria-ek")
    assert all((str(slot) in again) == (slot.advisor == "maria-ek") for slot in day)
    other = await page(shared, f"{TIMES}&hos=advisor-1")
    assert all((str(slot) in other) == (slot.advisor == "advisor-1") for slot in day)
    assert "hos=advisor-1" in other


async def test_the_page_says_when_more_times_open(shared: Running, clock: Clock) -> None:
    assert "Fler tider öppnar" not in await page(shared, TIMES)
    days = [await on(shared, FAR + timedelta(days=n)) for n in range(3)]
    # 26 percent of twenty hours are five talks.
    for slot in [*days[0], days[1][0]]:
        await book(shared, slot)
    said = await page(shared, TIMES)
    assert "Fler tider öppnar tisdag 10 mars." in said
    assert str(days[1][1]) not in said
    assert "More times open on Tuesday 10 March." in await page(shared, f"/en{TIMES}")
    clock.move(days=8)
    assert str(days[1][1]) in await page(shared, TIMES)


async def test_a_time_that_was_open_a_moment_ago_is_refused_in_words(shared: Running) -> None:
    for slot in [*await on(shared, FAR), (await on(shared, FAR + timedelta(days=1)))[0]]:
        await book(shared, slot)
    late: SlotId = (await on(shared, FAR + timedelta(days=2)))[0]
    form = {"tid": str(late), "satt": "video", "engang": "x" * 20}
    answer = await shared.http.post("/boka/horby/foraldrasamtal/tider", data=form)
    assert answer.status_code == 409
    assert "Tiden går inte att boka än" in answer.text
    assert "Är den kvar onsdag 11 mars kan du boka den då." in answer.text


async def test_whoever_has_been_can_ask_for_the_same_advisor(shared: Running, clock: Clock) -> None:
    token = await book(shared, (await on(shared, FAR))[0])
    clock.move(days=20)
    shown = await page(shared, f"/bokning/{token}")
    advisor = (await on(shared, FAR + timedelta(days=7)))[0].advisor
    assert advisor
    assert "/boka/horby/foraldrasamtal/tider?satt=video&amp;hos=" in shown
    assert "igen</a>" in shown
