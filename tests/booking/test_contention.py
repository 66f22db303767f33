"""Many clients, one advisor's time: exactly one wins, the others are told so, and nothing deadlocks."""

import asyncio
import random
from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from booking.bookings import entry, tables
from booking.events import CONFIRMED
from kit import database
from tests.booking.test_free_time import check
from tests.booking.test_journey import request_for, slots
from tests.conftest import Clock, Running, until

CLIENTS = 32
ROUNDS = 20


async def deadlocks(booking: Running) -> int:
    async with database.driver(booking.admin) as connection:
        found: int = await connection.fetchval(
            "select deadlocks from pg_stat_database where datname = current_database()"
        )
        return found


async def test_32_clients_on_one_slot(booking: Running) -> None:
    free = await slots(booking, limit=ROUNDS, modality="video")
    assert len(free) == ROUNDS
    for slot in free:

        async def attempt(slot: dict[str, Any] = slot) -> tuple[int, dict[str, Any]]:
            answer = await booking.http.post(
                "/booking/v1/bookings", json=request_for(slot), headers={"Idempotency-Key": uuid4().hex}
            )
            return answer.status_code, answer.json()

        answers = await asyncio.gather(*[attempt() for _ in range(CLIENTS)])
        assert Counter(status for status, _ in answers) == {201: 1, 409: CLIENTS - 1}
        for status, body in answers:
            if status == 409:
                assert body["type"] == "urn:samtid:problem:slot-taken"
                assert slot["id"] not in [alternative["id"] for alternative in body["alternatives"]]
    async with database.driver(booking.admin) as connection:
        assert await connection.fetchval("select count(*) from booking where status = 'confirmed'") == ROUNDS
        assert (
            await connection.fetchval("select count(*) from outbox where subject = $1", CONFIRMED.subject("")) == ROUNDS
        )
        assert await connection.fetchval("select count(*) from family") == ROUNDS
    assert await deadlocks(booking) == 0
    await check(booking)


async def test_everything_at_once_on_few_slots(booking: Running) -> None:
    """Holds, bookings, moves, cancellations and expiries by 16 clients: refusals, but never a fault or a deadlock."""
    free = await slots(booking, limit=12, modality="video")
    statuses: Counter[int] = Counter()
    tokens: list[str] = []

    async def client(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(25):
            slot = chance.choice(free)
            what = chance.random()
            if what < 0.25:
                body = {"slot": slot["id"], "municipality": "1266", "modality": "video"}
                answer = await booking.http.post("/booking/v1/holds", json=body)
                if answer.status_code == 201 and chance.random() < 0.8:
                    await booking.http.delete(f"/booking/v1/holds/{answer.json()['id']}")
            elif what < 0.5 or not tokens:
                answer = await booking.http.post("/booking/v1/bookings", json=request_for(slot))
                if answer.status_code == 201:
                    tokens.append(answer.json()["manage_token"])
            elif what < 0.75:
                path = f"/booking/v1/bookings/{chance.choice(tokens)}/reschedule"
                answer = await booking.http.post(path, json={"slot": slot["id"]})
            else:
                answer = await booking.http.post(f"/booking/v1/bookings/{chance.choice(tokens)}/cancel")
            statuses[answer.status_code] += 1

    await asyncio.gather(*[client(seed) for seed in range(16)])
    assert set(statuses) <= {200, 201, 409, 429}
    assert statuses[200] > 0
    assert statuses[201] > 0
    assert await deadlocks(booking) == 0
    await check(booking)


async def test_a_twin_request_is_answered_once(booking: Running) -> None:
    """The same key and body, 16 times at once: one booking, and each answer is it or says that it is under way."""
    slot = (await slots(booking))[0]

    async def attempt() -> tuple[int, dict[str, Any]]:
        answer = await booking.http.post(
            "/booking/v1/bookings", json=request_for(slot), headers={"Idempotency-Key": "the same"}
        )
        return answer.status_code, answer.json()

    answers = await asyncio.gather(*[attempt() for _ in range(16)])
    made = [body for status, body in answers if status == 201]
    others = [body["type"] for status, body in answers if status != 201]
    assert made
    assert all(body == made[0] for body in made)
    assert set(others) <= {"urn:samtid:problem:request-under-way"}
    async with database.driver(booking.admin) as connection:
        assert await connection.fetchval("select count(*) from booking") == 1
    assert datetime.fromisoformat(made[0]["start"]) == datetime.fromisoformat(slot["start"])


async def test_a_twin_under_way_is_told_to_try_again(booking: Running) -> None:
    slot = (await slots(booking))[0]
    key = entry.links(booking.runtime).keyed_hash("idempotency key", b"k")
    headers = {"Idempotency-Key": "k"}
    async with database.transaction(booking.admin) as first:
        # What the first request's statement holds until it is committed.
        lock = int.from_bytes(key[:8], "big", signed=True)
        await first.execute("select pg_advisory_xact_lock($1)", lock)
        twin = await booking.http.post("/booking/v1/bookings", json=request_for(slot), headers=headers)
        assert (twin.status_code, twin.json()["type"]) == (409, "urn:samtid:problem:request-under-way")
        assert twin.headers["retry-after"] == "1"
    again = await booking.http.post("/booking/v1/bookings", json=request_for(slot), headers=headers)
    assert again.status_code == 201


async def test_a_time_that_the_sweeper_is_giving_back_is_waited_for(booking: Running, clock: Clock) -> None:
    """The sweeper has the expired hold in its hands and has not yet given the time back: nobody is told `taken`."""
    slot = (await slots(booking, limit=30, modality="video"))[-1]
    body = {"slot": slot["id"], "municipality": "1266", "modality": "video"}
    held = (await booking.http.post("/booking/v1/holds", json=body)).json()
    async with database.transaction(booking.admin) as sweeper:
        # What the sweeper locks first; the service's own passes over what is locked.
        expired = await sweeper.fetch("select * from booking where id = $1 for update", UUID(held["id"]))
        clock.move(minutes=11)
        booked = asyncio.create_task(booking.http.post("/booking/v1/bookings", json=request_for(slot)))
        await until(lambda: _waits_or_ended(booking, booked))
        await tables.remove_holds(sweeper, expired)
    assert (await booked).status_code == 201


async def _waits_or_ended(booking: Running, task: asyncio.Task[Any]) -> bool:
    """Whether the task's work waits for a lock in booking's database, or is over."""
    async with database.driver(booking.admin) as connection:
        query = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        return task.done() or bool(await connection.fetchval(query))


async def test_the_constraint_decides_where_the_projection_is_wrong(booking: Running) -> None:
    """Free time that is not free: whoever books, holds or moves there is told that the time is taken."""
    first, second = (await slots(booking))[:2]
    mine = (await booking.http.post("/booking/v1/bookings", json=request_for(second))).json()
    assert (await booking.http.post("/booking/v1/bookings", json=request_for(first))).status_code == 201
    async with database.driver(booking.admin) as connection:
        await connection.execute("update advisor_day set free = open")
        before = await connection.fetch("select id, during from busy order by id")
        kept = await connection.fetch("select * from advisor_day order by advisor, day")
        shares = await connection.fetch("select * from entitlement order by pool, first, municipality")
    body = {"slot": first["id"], "municipality": "1266", "modality": "video"}
    answers = [
        await booking.http.post("/booking/v1/bookings", json=request_for(first)),
        await booking.http.post("/booking/v1/holds", json=body),
        await booking.http.post(f"/booking/v1/bookings/{mine['manage_token']}/reschedule", json={"slot": first["id"]}),
    ]
    assert [answer.json()["type"] for answer in answers] == ["urn:samtid:problem:slot-taken"] * 3
    async with database.driver(booking.admin) as connection:
        assert await connection.fetch("select id, during from busy order by id") == before
        assert await connection.fetch("select * from advisor_day order by advisor, day") == kept
        assert await connection.fetch("select * from entitlement order by pool, first, municipality") == shares
        assert await connection.fetchval("select count(*) from booking") == 2
