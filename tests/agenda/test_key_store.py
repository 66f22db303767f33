"""What becomes of staff's pages while the store of families' keys is frozen."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from kit.vault.store import Vault
from tests import infra
from tests.agenda.conftest import Work, entities
from tests.agenda.test_days import TEN
from tests.agenda.test_leave import LEAVE
from tests.booking.conftest import ready
from tests.conftest import Clock, Databases, Knows, Run, until

Ask = Callable[[Work, str], Awaitable[httpx.Response]]
ASKED: dict[str, Ask] = {
    "the day": lambda work, _: work.get("/arbetsdag"),
    "a booking": lambda work, id_: work.get(f"/arbetsdag/bokning/{id_}"),
    "whom leave hits": lambda work, _: work.post("/arbetsdag/franvaro", **LEAVE),
    "why it is cancelled": lambda work, id_: work.get(f"/arbetsdag/bokning/{id_}/avboka"),
    "who calls": lambda work, _: work.post("/telefonbokning", telefon="070-123 45 67"),
    "what to say": lambda work, id_: work.get(f"/telefonbokning/klar/{id_}"),
    "its own page": lambda work, _: work.booking.http.get(f"/bokning/{work.manage_token}"),
    "all that is kept": lambda work, _: work.booking.http.get(f"/bokning/{work.manage_token}/uppgifter"),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
async def test_a_frozen_key_store_holds_no_connection_of_booking(
    ask: Ask,
    run: Run,
    knows: Knows,
    nats_server: infra.NatsServer,
    clock: Clock,
    secret_file: Path,
    new_database: Databases,
) -> None:
    async with infra.wire(await new_database("vault")) as wire:
        settings = {"database_url": await knows(entities()), "vault_url": wire.url, "manage_secret_file": secret_file}
        async with run("booking", clock=clock, **settings) as booking:
            await until(lambda: ready(booking))
            work = Work(booking, clock, nats_server.url)
            id_ = await work.id_of(await work.family_books(TEN))
            assert (await ask(work, id_)).status_code == 200
            vault: Vault = booking.runtime.vault
            pool = booking.runtime.engine.pool
            held = pool.checkedout()
            wire.freeze()
            asked = [asyncio.create_task(ask(work, id_)) for _ in range(6)]

            async def all_wait() -> bool:
                return vault._turns.locked() and len(vault._turns._waiters or ()) >= 3 and pool.checkedout() <= held

            await until(all_wait, 3)
            wire.thaw()
            assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}
