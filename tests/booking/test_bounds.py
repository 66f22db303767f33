"""How much one client may take, and that others behind the same address are not locked out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from booking.slots.service import SlotId
from directory.events import Entity
from kit import database
from tests.agenda.conftest import Work, work
from tests.agenda.conftest import entities as at_work
from tests.booking import register
from tests.booking.conftest import ready
from tests.booking.test_journey import request_for, slots
from tests.booking.test_pages import TIMES, chosen, hidden, times_on
from tests.conftest import Clock, Knows, Run, Running, until
from tests.infra import NatsServer
from tests.signing import session_of

__all__ = ["work"]

Start = Callable[..., Awaitable[Running]]


@pytest.fixture
async def start(run: Run, knows: Knows, clock: Clock, secret_file: Path) -> AsyncIterator[Start]:
    """`await start(bookings_per_hour=3)`: booking with the small register, or with `entities`, and these settings."""
    async with AsyncExitStack() as stack:

        async def begin(entities: Sequence[Entity] = (), **settings: Any) -> Running:
            known = await knows(entities or register.basic())
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


def of(slot: dict[str, Any], **contact: Any) -> dict[str, Any]:
    """A request to book a slot, with a contact of which the rest lacks."""
    return request_for(slot, contact={"name": "Kim", "phone": None, "email": None, "language": "sv", **contact})


async def test_a_contact_has_so_many_bookings_to_come_of_an_offering(start: Start, clock: Clock) -> None:
    booking = await start(bookings_ahead=2)
    free = await slots(booking)

    async def book(number: int, municipality: str = "1266", **contact: Any) -> httpx.Response:
        body = {**of(free[number], **contact), "municipality": municipality}
        return await booking.http.post("/booking/v1/bookings", json=body, headers={"Idempotency-Key": str(number)})

    mine = {"phone": "070-174 06 36", "email": "kim@example.org"}
    assert [(await book(number, **mine)).status_code for number in (0, 1)] == [201, 201]
    for contact in (mine, {"phone": "+46 70 174 06 36"}, {"phone": "070-174 06 37", "email": "KIM@example.org"}):
        for municipality in ("1266", "1267"):
            refused = await book(2, municipality, **contact)
            assert (refused.status_code, refused.json()["type"]) == (409, "urn:samtid:problem:call-to-book"), contact
            assert refused.json()["detail"].endswith("Ring 0415-37 80 00.")
    assert (await book(2, phone="070-174 06 37")).status_code == 201
    # What is booked is told to whoever asks again, cancelled or over it no longer counts.
    again = await book(1, **mine)
    assert again.status_code == 201
    assert (await booking.http.post(f"/booking/v1/bookings/{again.json()['manage_token']}/cancel")).status_code == 200
    assert (await book(3, **mine)).status_code == 201
    assert (await book(4, **mine)).status_code == 409
    clock.now = datetime.fromisoformat(free[0]["start"])
    assert (await book(4, **mine)).status_code == 201


async def test_of_many_requests_of_a_contact_at_once_so_many_are_booked(start: Start) -> None:
    booking = await start(bookings_ahead=2)
    free = await slots(booking)
    held = [(await hold(booking.http, slot)).json()["id"] for slot in free[:4]]
    mine = {"phone": "070-174 06 36", "email": "kim@example.org"}
    wanted = [of(slot, **mine) for slot in free[4:8]]
    wanted += [{"hold": each, "child": {"age": 2}, "contact": of(free[0], **mine)["contact"]} for each in held]
    answers = await asyncio.gather(*(booking.http.post("/booking/v1/bookings", json=body) for body in wanted))
    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [409] * 6


async def test_a_request_of_a_contact_waits_until_the_one_before_has_committed(start: Start, clock: Clock) -> None:
    """Else both count what neither has committed yet."""
    booking = await start(bookings_ahead=1)
    runtime = booking.runtime
    its = await runtime.vault.fingerprint("email", "kim@example.org", clock())
    body = of((await slots(booking))[0], phone="070-174 06 36", email="kim@example.org")
    waiting = "select count(*) from pg_stat_activity where wait_event = 'advisory' and query like '%may_book%'"
    async with database.transaction(runtime.engine) as before:
        assert await before.fetchval("select may_book(null, $1, 'foraldrasamtal', $2, 1)", its, clock())
        other = asyncio.create_task(booking.http.post("/booking/v1/bookings", json=body))

        async def waits() -> bool:
            async with database.driver(booking.admin) as connection:
                return other.done() or bool(await connection.fetchval(waiting))

        await until(waits)
        assert not other.done()
    assert (await other).status_code == 201


async def test_what_staff_book_is_not_bound_and_counts_against_nobody(
    start: Start, clock: Clock, nats_server: NatsServer
) -> None:
    work = Work(await start(at_work(), bookings_ahead=1), clock, nats_server.url)
    phone = "070-174 06 36"
    for start_at in ("2026-03-03T08:00:00Z", "2026-03-03T09:00:00Z"):
        answer = await work.post(
            "/telefonbokning/horby/foraldrasamtal/boka",
            tid=str(SlotId("foraldrasamtal", "maria-ek", datetime.fromisoformat(start_at))),
            satt="phone",
            namn="Kim",
            telefon=phone,
            barn="2",
            engang=start_at,
        )
        assert answer.status_code == 303, answer.text
    contact = {"name": "Kim", "phone": phone, "email": None, "language": "sv"}
    await work.family_books("2026-03-03T10:00:00Z", contact=contact)
    mine = next(slot for slot in await slots(work.booking) if slot["start"] == "2026-03-03T12:00:00Z")
    refused = await work.booking.http.post("/booking/v1/bookings", json=of(mine, phone=phone))
    assert refused.json()["type"] == "urn:samtid:problem:call-to-book"


async def test_whoever_has_enough_is_not_told_so_on_the_page_but_whom_to_call(start: Start) -> None:
    """Who writes a number may be anybody: whether somebody has booked is not said."""
    booking = await start(bookings_ahead=1)
    hold_page, form = await chosen(booking)
    assert (await booking.http.post(f"{hold_page}/boka", data=form)).status_code == 303
    for prefix, title, call in (
        ("", "Den här gången går det inte att boka på webben", "Ring 0415-37 80 00."),
        ("/en", "It cannot be booked on the web this time", "Call +46 415 37 80 00."),
    ):
        hold_page, form = await chosen(booking, 5)
        refused = await booking.http.post(f"{prefix}{hold_page}/boka", data=form)
        assert refused.status_code == 409
        assert f"<h2>{title}</h2>" in refused.text
        assert call in refused.text
        assert f'href="{prefix}/mina-bokningar?kommun=horby"' in refused.text
        assert 'value="Kim"' in refused.text
