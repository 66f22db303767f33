"""How much one client may take, and that others behind the same address are not locked out."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.agenda.conftest import Work, work
from tests.booking import register
from tests.booking.conftest import ready
from tests.booking.test_journey import request_for, slots
from tests.booking.test_pages import TIMES, hidden, times_on
from tests.conftest import Clock, Knows, Run, Running, until
from tests.signing import session_of

__all__ = ["work"]

Start = Callable[..., Awaitable[Running]]


@pytest.fixture
async def start(run: Run, knows: Knows, clock: Clock, secret_file: Path) -> AsyncIterator[Start]:
    """`await start(bookings_per_hour=3)`: booking with the small register and these settings."""
    async with AsyncExitStack() as stack:

        async def begin(**settings: Any) -> Running:
            known = await knows(register.basic())
            service = run("booking", clock=clock, manage_secret_file=secret_file, database_url=known, **settings)
            booking = await stack.enter_async_context(service)
            await until(lambda: ready(booking))
            return booking

        yield begin


@asynccontextmanager
async def reached_from(booking: Running, address: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client at this address, with cookies of its own."""
    transport = httpx.ASGITransport(app=booking.app, raise_app_exceptions=False, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://samtid.test") as http:
        yield http


async def hold(http: httpx.AsyncClient, slot: dict[str, Any]) -> httpx.Response:
    body = {"slot": slot["id"], "municipality": "1266", "modality": "video"}
    return await http.post("/booking/v1/holds", json=body)


async def test_one_address_or_network_holds_so_many_times_and_others_theirs(start: Start) -> None:
    booking = await start(holds_per_client=3)
    free = iter(await slots(booking))
    for addresses in (["192.0.2.1"] * 4, [f"2001:db8:1:2:{n}::1" for n in range(4)]):
        answers = []
        for address in addresses:
            async with reached_from(booking, address) as http:
                answers.append(await hold(http, next(free)))
        assert [answer.status_code for answer in answers] == [201, 201, 201, 429], addresses
    problem = answers[3].json()
    assert problem["type"] == "urn:samtid:problem:too-many-holds"
    assert problem["detail"].endswith("Ring 0415-37 80 00.")
    async with reached_from(booking, "2001:db8:1:3::1") as http:
        assert (await hold(http, next(free))).status_code == 201


async def test_a_waiting_room_is_not_locked_out(start: Start) -> None:
    """Forty families at one address choose a time each, and think better of it three times."""
    booking = await start()
    for number in range(40):
        async with reached_from(booking, "192.0.2.1") as http:
            for _ in range(4):
                page = (await http.get(TIMES, params={"satt": "video", "visa": 100})).text
                sent = {"tid": times_on(page)[-1], "satt": "video", "engang": hidden(page, "engang")}
                answer = await http.post(TIMES, data=sent)
                assert answer.status_code == 303, (number, answer.text)


async def test_one_address_books_so_many_times_an_hour_without_any_hold(start: Start, clock: Clock) -> None:
    booking = await start(bookings_per_hour=3)
    free = await slots(booking)

    async def book(http: httpx.AsyncClient, number: int, **headers: str) -> httpx.Response:
        return await http.post("/booking/v1/bookings", json=request_for(free[number]), headers=headers)

    async with reached_from(booking, "192.0.2.1") as http:
        first = await book(http, 0, **{"Idempotency-Key": "first"})
        answers = [await book(http, number) for number in (1, 2, 3)]
        assert [first.status_code, *(answer.status_code for answer in answers)] == [201, 201, 201, 429]
        assert answers[2].json()["type"] == "urn:samtid:problem:too-many-bookings"
        assert answers[2].json()["detail"].endswith("Ring 0415-37 80 00.")
        assert answers[2].headers["retry-after"] == "3600"
        # What was booked stays booked: whoever asks again is told so.
        again = await book(http, 0, **{"Idempotency-Key": "first"})
        assert again.json() == first.json()
        async with reached_from(booking, "192.0.2.2") as other:
            assert (await book(other, 3)).status_code == 201
        clock.move(minutes=61)
        assert (await book(http, 4)).status_code == 201


@pytest.mark.parametrize(
    ("prefix", "title", "call"),
    [
        ("", "Just nu bokas ovanligt många tider från din uppkoppling", "Ring 0415-37 80 00."),
        ("/en", "Unusually many times are being booked from your connection", "Call +46 415 37 80 00."),
    ],
)
async def test_whoever_is_refused_is_told_whom_to_call_and_loses_nothing(
    start: Start, prefix: str, title: str, call: str
) -> None:
    booking = await start(bookings_per_hour=1)
    first, second = (await slots(booking))[:2]
    assert (await booking.http.post("/booking/v1/bookings", json=request_for(first))).status_code == 201
    page = (await booking.http.get(f"{prefix}{TIMES}", params={"satt": "video"})).text
    chosen = await booking.http.post(
        f"{prefix}{TIMES}", data={"tid": second["id"], "satt": "video", "engang": hidden(page, "engang")}
    )
    contact = (await booking.http.get(chosen.headers["location"])).text
    sent = {name: hidden(contact, name) for name in ("satt", "tid", "nyckel")}
    typed = {"namn": "Robin", "telefon": "070-174 06 36", "epost": "", "barn": "2", "sprak": "sv"}
    refused = await booking.http.post(f"{chosen.headers['location'].split('?')[0]}/boka", data={**sent, **typed})
    assert refused.status_code == 429
    assert f"<h2>{title}</h2>" in refused.text
    assert call in refused.text
    assert 'value="Robin"' in refused.text


async def test_staff_are_counted_each_by_themselves(work: Work) -> None:
    """A family centre has one address for families who write there and staff who help them."""
    limits = work.booking.runtime.limits
    limits.most["writes"] = 3
    http = work.booking.http
    for _ in range(3):
        assert (await http.post("/booking/v1/holds", json={})).status_code == 422
    assert (await http.post("/booking/v1/holds", json={})).status_code == 429
    for person in ("maria-ek", "asa"):
        answers = [
            await http.post("/booking/v1/holds", json={}, headers=session_of(work.booking, person)) for _ in range(4)
        ]
        assert [answer.status_code for answer in answers] == [422, 422, 422, 429], person
    forged = {"Cookie": session_of(work.booking, "maria-ek")["Cookie"][:-4] + "AAAA"}
    assert (await http.post("/booking/v1/holds", json={}, headers=forged)).status_code == 429
