"""Somebody wants all times of a pool: from one address, one network of IPv6, and a hundred addresses.

SAMTID_HOSTILE is how many requests there are in each attack (`make attack`: 2,000).
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from tests.booking import register
from tests.booking.conftest import ready
from tests.booking.test_bounds import hold, reached_from
from tests.conftest import Clock, Knows, Run, Running, until
from tests.proofs.test_pressed import confirm

HOSTILE = int(os.environ.get("SAMTID_HOSTILE", "300"))
TOWNS = tuple(town.id for town in register.MUNICIPALITIES)
ADVISORS = 3
# What a minute lets one client write is not what is tried here, nor does the clock move.
FREE = {
    "reads_per_minute": 1_000_000,
    "writes_per_minute": 1_000_000,
    "bookings_per_hour": 30,
    "bookings_ahead": 2,
    "unproved_bookings": 10,
}


@pytest.fixture
async def pool(run: Run, knows: Knows, clock: Clock, secret_file: Path) -> AsyncIterator[Running]:
    """Three advisors whom three municipalities share."""
    names = ["maria-ek", *(f"advisor-{n}" for n in range(1, ADVISORS))]
    known = await knows(
        [
            *register.MUNICIPALITIES,
            register.UNIT,
            register.CENTRE,
            register.OFFERING.model_copy(update={"advisors": names}),
            *(register.advisor(n) for n in range(ADVISORS)),
            register.pool(*names),
            *(register.schedule(name) for name in names),
        ]
    )
    async with run("booking", clock=clock, manage_secret_file=secret_file, database_url=known, **FREE) as booking:
        await until(lambda: ready(booking))
        yield booking


async def free(booking: Running) -> dict[str, list[dict[str, Any]]]:
    """The pool's free times, by municipality that can book them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for town in TOWNS:
        query: dict[str, Any] = {"offering": "foraldrasamtal", "municipality": town, "limit": 500, "offset": 0}
        found[town] = []
        while True:
            answer = (await booking.http.get("/booking/v1/slots", params=query)).json()
            found[town] += answer["items"]
            if answer["next"] is None:
                break
            query["offset"] += 500
    return found


async def number_free(booking: Running) -> int:
    return len({slot["id"] for listed in (await free(booking)).values() for slot in listed})


def wanted(slot: dict[str, Any], town: str, number: int) -> dict[str, Any]:
    """A booking in a name that nobody has."""
    contact = {"name": "Kim", "phone": None, "email": f"nobody-{number}@example.org", "language": "sv"}
    return {
        "slot": slot["id"],
        "municipality": town,
        "modality": "video",
        "contact": contact,
        "child": {"age": 2},
    }


def addresses() -> Iterator[str]:
    """Where the hostile come from, in turn: a third from each."""
    n = 0
    while True:
        yield "192.0.2.1"
        yield f"2001:db8:1:2::{n:x}"
        yield f"198.51.100.{n % 100}"
        n += 1


def in_turn(listed: dict[str, list[dict[str, Any]]]) -> Iterator[tuple[dict[str, Any], str]]:
    """All times over and over, each for one municipality after the other, in an order that is none."""
    every = [(slot, town) for town, slots in listed.items() for slot in slots]
    Random(32).shuffle(every)
    return cycle(every)


async def fifty_families_book(booking: Running) -> None:
    """One each, with proof where it is asked for; ten of them in a waiting room."""
    times = in_turn(await free(booking))
    for number in range(50):
        address = "203.0.113.1" if number < 10 else f"203.0.113.{number}"
        async with reached_from(booking, address) as http:
            proof = None
            for _ in range(200):
                slot, town = next(times)
                body = {**wanted(slot, town, 10_000 + number), "proof": proof}
                made = await http.post("/booking/v1/bookings", json=body)
                if made.status_code == 403:
                    proof = await confirm(booking, made)
                    made = await http.post("/booking/v1/bookings", json={**body, "proof": proof})
                if made.status_code == 201:
                    break
                assert made.json()["type"] in ("urn:samtid:problem:slot-taken", "urn:samtid:problem:not-yet-open")
            assert made.status_code == 201, made.text


async def test_what_is_held_can_be_booked_when_the_holds_time_is_over(pool: Running, clock: Clock) -> None:
    before = await number_free(pool)
    times, held = in_turn(await free(pool)), 0
    async with AsyncExitStack() as stack:
        clients: dict[str, httpx.AsyncClient] = {}
        for _, address in zip(range(HOSTILE), addresses(), strict=False):
            if address not in clients:
                clients[address] = await stack.enter_async_context(reached_from(pool, address))
            slot, _ = next(times)
            held += (await hold(clients[address], slot)).status_code == 201
    assert held > 80, "more than one address and one network may"
    clock.move(minutes=11)

    async def nearly_all_free() -> bool:
        # Some begin too soon by now.
        return await number_free(pool) >= 0.9 * before

    await until(nearly_all_free)
    await fifty_families_book(pool)


async def test_bookings_in_made_up_names_leave_nine_tenths_of_a_pool(pool: Running, clock: Clock) -> None:
    """From one address, one network and a hundred addresses, with a hold before or without."""
    before = await number_free(pool)
    times, made = in_turn(await free(pool)), 0
    async with AsyncExitStack() as stack:
        clients: dict[str, httpx.AsyncClient] = {}
        for number, address in zip(range(HOSTILE), addresses(), strict=False):
            if address not in clients:
                clients[address] = await stack.enter_async_context(reached_from(pool, address))
            slot, town = next(times)
            body = wanted(slot, town, number)
            if number % 2 and (held := await hold(clients[address], slot)).status_code == 201:
                body = {name: body[name] for name in ("contact", "child")} | {"hold": held.json()["id"]}
            made += (await clients[address].post("/booking/v1/bookings", json=body)).status_code == 201
    print(f"{HOSTILE} hostile requests: {made} of {before} times booked")
    clock.move(minutes=11)

    async def nearly_all_free() -> bool:
        return await number_free(pool) >= 0.9 * before

    await until(nearly_all_free)
    await fifty_families_book(pool)
