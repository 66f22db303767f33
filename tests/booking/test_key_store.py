"""What becomes of booking while the store of families' keys is away or frozen, and afterwards."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from nats.errors import TimeoutError as NoAnswer

from booking.bookings import service
from booking.bookings.answers import ContactQuestion
from booking.bookings.jobs import answer_contact
from kit import database
from kit.vault.store import BATCH, TURNS, KeysUnavailable, Vault
from tests import infra
from tests.booking import register
from tests.booking.conftest import ready
from tests.booking.test_journey import request_for, slots
from tests.conftest import Clock, Databases, Knows, Run, Running, until
from tests.kit.test_database import end_backends

QUESTION = "query.booking.contact"


@pytest.fixture
async def own_vault(new_database: Databases) -> str:
    """A key store that the other tests do not use."""
    return await new_database("vault")


Serve = Callable[[str], AbstractAsyncContextManager[Running]]


@pytest.fixture
def serve(run: Run, knows: Knows, clock: Clock, secret_file: Path) -> Serve:
    """`serve(vault_url)`: booking with the small register and that key store, ready and connected to NATS."""

    @asynccontextmanager
    async def start(vault_url: str) -> AsyncIterator[Running]:
        known = await knows(register.basic())
        settings = {"clock": clock, "manage_secret_file": secret_file, "database_url": known, "vault_url": vault_url}
        async with run("booking", **settings) as booking:
            await booking.nats()
            await until(lambda: ready(booking))
            yield booking

    return start


async def book(booking: Running) -> str:
    """The id of a booking."""
    made = await booking.http.post("/booking/v1/bookings", json=request_for((await slots(booking))[0]))
    assert made.status_code == 201, made.text
    async with database.driver(booking.admin) as connection:
        found = await connection.fetchval("select id from booking where reference = $1", made.json()["reference"])
    return str(found)


async def test_the_question_for_a_contact_is_answered_again_once_the_key_store_is_back(
    serve: Serve,
    nats_server: infra.NatsServer,
    own_vault: str,
    admin: asyncpg.Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serve(own_vault) as booking:
        question = f'{{"booking": "{await book(booking)}"}}'.encode()
        asker = await infra.connect(nats_server, "notification")

        async def answered() -> bool:
            try:
                answer = await asker.request(QUESTION, question, timeout=2)
            except NoAnswer:
                return False
            return b'"found":true' in answer.data

        assert await answered()
        await end_backends(admin, own_vault)
        await until(answered, 10)
        await asker.close()
    assert not [r for r in caplog.records if r.levelno > logging.WARNING]


async def test_a_question_that_gets_no_answer_is_told_of(
    serve: Serve, nats_server: infra.NatsServer, own_vault: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with infra.wire(own_vault) as wire, serve(wire.url) as booking:
        question = f'{{"booking": "{await book(booking)}"}}'.encode()
        asker = await infra.connect(nats_server, "notification")
        wire.refuse()
        with pytest.raises(NoAnswer):
            await asker.request(QUESTION, question, timeout=1)
        await asker.close()
    told = [r for r in caplog.records if r.getMessage().startswith(QUESTION)]
    assert [(r.levelname, bool(r.exc_info)) for r in told] == [("WARNING", False)]


async def test_who_is_ready_can_book_though_the_key_store_has_gone_since(
    serve: Serve, clock: Clock, own_vault: str
) -> None:
    async with infra.wire(own_vault) as wire, serve(wire.url) as booking:
        vault: Vault = booking.runtime.vault
        wire.refuse()
        await book(booking)
        assert vault.stock == BATCH - 1
        # Keys alone are not enough, and whoever is refused takes none.
        vault._lookup = None
        with pytest.raises(KeysUnavailable):
            await vault.have_one(clock())
        refused = await booking.http.post("/booking/v1/bookings", json=request_for((await slots(booking))[0]))
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:samtid:problem:keys-unavailable")
        assert vault.stock == BATCH - 1


async def test_the_page_of_a_booking_is_shown_without_it_and_promises_nothing(serve: Serve, own_vault: str) -> None:
    async with infra.wire(own_vault) as wire, serve(wire.url) as booking:
        made = await booking.http.post("/booking/v1/bookings", json=request_for((await slots(booking))[0]))
        path = f"/bokning/{made.json()['manage_token']}"
        assert "Vi skickar en bekräftelse" in (await booking.http.get(path)).text
        wire.refuse()
        shown = await booking.http.get(path)
        assert (shown.status_code, "Din tid är bokad" in shown.text) == (200, True)
        assert "Vi skickar en bekräftelse" not in shown.text
        assert "Vi kan inte skicka" not in shown.text


async def test_a_frozen_key_store_holds_nobody_up_who_does_not_need_it(
    serve: Serve, own_vault: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with infra.wire(own_vault) as wire, serve(wire.url) as booking:
        asked = ContactQuestion(booking=UUID(await book(booking)))
        body = request_for((await slots(booking))[0])
        vault: Vault = booking.runtime.vault
        vault._ready.clear()
        pools = [booking.runtime.engine.pool, booking.runtime.public.engine.pool]
        held = [pool.checkedout() for pool in pools]
        wire.freeze()
        answers = [asyncio.create_task(answer_contact(booking.runtime, asked)) for _ in range(12)]
        booked = [asyncio.create_task(booking.http.post("/booking/v1/bookings", json=body)) for _ in range(10)]

        async def all_wait() -> bool:
            free = all(pool.checkedout() <= before for pool, before in zip(pools, held, strict=True))
            return vault._turns.locked() and vault._filling.locked() and free

        await until(all_wait, 4)
        assert await slots(booking)
        # Few try in vain, and those behind them do not try after them.
        assert all(isinstance(one, KeysUnavailable) for one in await asyncio.gather(*answers, return_exceptions=True))
        assert [refused.status_code for refused in await asyncio.gather(*booked)] == [503] * 10
        assert len([r for r in caplog.records if "does not answer" in r.getMessage()]) <= TURNS + 1
        wire.thaw()
        made = await booking.http.post("/booking/v1/bookings", json=body)
        assert made.status_code == 201, made.text


async def test_a_question_that_is_being_answered_when_the_service_ends_is_answered(
    serve: Serve, nats_server: infra.NatsServer, own_vault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()
    contact = service.contact

    async def slow(*given: Any) -> Any:
        asked.set()
        await asyncio.sleep(1.5)
        return await contact(*given)

    monkeypatch.setattr(service, "contact", slow)
    asker = await infra.connect(nats_server, "notification")
    async with serve(own_vault) as booking:
        question = f'{{"booking": "{await book(booking)}"}}'.encode()
        answer = asyncio.create_task(asker.request(QUESTION, question, timeout=10))
        await asyncio.wait_for(asked.wait(), 10)
    assert b'"found":true' in (await answer).data
    await asker.close()
