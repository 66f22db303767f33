"""What becomes of booking while the store of families' keys is away or frozen, and afterwards."""

import asyncio
import logging
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import nats
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


async def book(booking: Running) -> str:
    """The id of a booking."""
    made = await booking.http.post("/booking/v1/bookings", json=request_for((await slots(booking))[0]))
    assert made.status_code == 201, made.text
    async with database.driver(booking.admin) as connection:
        found = await connection.fetchval("select id from booking where reference = $1", made.json()["reference"])
    return str(found)


async def test_the_question_for_a_contact_is_answered_again_once_the_key_store_is_back(
    run: Run,
    nats_server: infra.NatsServer,
    clock: Clock,
    secret_file: Path,
    own_vault: str,
    admin: asyncpg.Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await register.publish(nats_server.url, register.basic())
    async with run("booking", clock=clock, manage_secret_file=secret_file, vault_url=own_vault) as booking:
        await until(lambda: ready(booking))
        question = f'{{"booking": "{await book(booking)}"}}'.encode()
        asker = await nats.connect(nats_server.url)

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
    run: Run,
    nats_server: infra.NatsServer,
    clock: Clock,
    secret_file: Path,
    own_vault: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await register.publish(nats_server.url, register.basic())
    async with (
        infra.wire(own_vault) as wire,
        run("booking", clock=clock, manage_secret_file=secret_file, vault_url=wire.url) as booking,
    ):
        await until(lambda: ready(booking))
        question = f'{{"booking": "{await book(booking)}"}}'.encode()
        asker = await nats.connect(nats_server.url)
        wire.refuse()
        with pytest.raises(NoAnswer):
            await asker.request(QUESTION, question, timeout=1)
        await asker.close()
    told = [r for r in caplog.records if r.getMessage().startswith(QUESTION)]
    assert [(r.levelname, bool(r.exc_info)) for r in told] == [("WARNING", False)]


async def test_who_is_ready_can_book_though_the_key_store_has_gone_since(
    run: Run, nats_server: infra.NatsServer, clock: Clock, secret_file: Path, own_vault: str
) -> None:
    await register.publish(nats_server.url, register.basic())
    async with (
        infra.wire(own_vault) as wire,
        run("booking", clock=clock, manage_secret_file=secret_file, vault_url=wire.url) as booking,
    ):
        await until(lambda: ready(booking))
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


async def test_the_page_of_a_booking_is_shown_without_it_and_promises_nothing(
    run: Run, nats_server: infra.NatsServer, clock: Clock, secret_file: Path, own_vault: str
) -> None:
    await register.publish(nats_server.url, register.basic())
    async with (
        infra.wire(own_vault) as wire,
        run("booking", clock=clock, manage_secret_file=secret_file, vault_url=wire.url) as booking,
    ):
        await until(lambda: ready(booking))
        made = await booking.http.post("/booking/v1/bookings", json=request_for((await slots(booking))[0]))
        path = f"/bokning/{made.json()['manage_token']}"
        assert "Vi skickar en bekräftelse" in (await booking.http.get(path)).text
        wire.refuse()
        shown = await booking.http.get(path)
        assert (shown.status_code, "Din tid är bokad" in shown.text) == (200, True)
        assert "Vi skickar en bekräftelse" not in shown.text
        assert "Vi kan inte skicka" not in shown.text


async def test_a_frozen_key_store_holds_nobody_up_who_does_not_need_it(
    run: Run,
    nats_server: infra.NatsServer,
    clock: Clock,
    secret_file: Path,
    own_vault: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await register.publish(nats_server.url, register.basic())
    async with (
        infra.wire(own_vault) as wire,
        run("booking", clock=clock, manage_secret_file=secret_file, vault_url=wire.url) as booking,
    ):
        await until(lambda: ready(booking))
        asked = ContactQuestion(booking=UUID(await book(booking)))
        body = request_for((await slots(booking))[0])
        vault: Vault = booking.runtime.vault
        vault._ready.clear()
        pool = booking.runtime.engine.pool
        held = pool.checkedout()
        wire.freeze()
        answers = [asyncio.create_task(answer_contact(booking.runtime, asked)) for _ in range(12)]
        booked = [asyncio.create_task(booking.http.post("/booking/v1/bookings", json=body)) for _ in range(10)]

        async def all_wait() -> bool:
            return vault._turns.locked() and vault._filling.locked() and pool.checkedout() <= held

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
    run: Run,
    knows: Knows,
    nats_server: infra.NatsServer,
    clock: Clock,
    secret_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = asyncio.Event()
    contact = service.contact

    async def slow(*given: Any) -> Any:
        asked.set()
        await asyncio.sleep(1.5)
        return await contact(*given)

    monkeypatch.setattr(service, "contact", slow)
    known = await knows(register.basic())
    asker = await nats.connect(nats_server.url)
    async with run("booking", clock=clock, manage_secret_file=secret_file, database_url=known) as booking:
        await booking.nats()
        question = f'{{"booking": "{await book(booking)}"}}'.encode()
        answer = asyncio.create_task(asker.request(QUESTION, question, timeout=10))
        await asyncio.wait_for(asked.wait(), 10)
    assert b'"found":true' in (await answer).data
    await asker.close()
