"""What becomes of staff's pages while the store of families' keys is frozen."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from kit.vault.store import Vault
from tests import infra
from tests.agenda.conftest import Work, entities
from tests.agenda.test_days import TEN
from tests.agenda.test_leave import LEAVE
from tests.agenda.test_numbers import MAIL_ONLY, NUMBER, STORED
from tests.agenda.test_phone import PATH, first_time, times
from tests.booking.conftest import ready
from tests.conftest import Clock, Databases, Knows, Run, until

Ask = Callable[[Work, str], Awaitable[httpx.Response]]
Write = Callable[[], Awaitable[httpx.Response]]
Prepare = Callable[[Work, str], Awaitable[Write]]
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


async def _books_for_a_known_family(work: Work, _: str) -> Write:
    (family,) = [str(row.id) for row in await work.stored("select id from family")]
    sent = {**await first_time(work, familj=family, satt="phone"), "familj": family, "barn": "2"}
    return lambda: work.post(f"{PATH}/boka", **sent, telefon=NUMBER)


async def _moves(work: Work, id_: str) -> Write:
    path = f"/arbetsdag/bokning/{id_}/flytta"
    slot = times((await work.get(path, satt="phone")).text)[-1]
    return lambda: work.post(path, tid=slot, satt="phone", engang="once", telefon=NUMBER)


async def _books_a_follow_up(work: Work, id_: str) -> Write:
    path = f"/arbetsdag/bokning/{id_}/uppfoljning"
    slot = times((await work.get(path, satt="phone")).text)[-1]
    return lambda: work.post(path, tid=slot, satt="phone", engang="once", telefon=NUMBER)


async def _moves_by_its_link(work: Work, _: str) -> Write:
    path = f"/booking/v1/bookings/{work.manage_token}"
    found = (await work.booking.http.get(f"{path}/slots", params={"limit": 500})).json()["items"]
    slot = next(slot["id"] for slot in reversed(found) if "phone" in slot["modalities"])
    body = {"slot": slot, "modality": "phone", "phone": STORED}
    return lambda: work.booking.http.post(f"{path}/reschedule", json=body)


WRITTEN: dict[str, Prepare] = {
    "a known family is booked for": _books_for_a_known_family,
    "staff move with a number": _moves,
    "staff book a follow-up": _books_a_follow_up,
    "a family moves with a number": _moves_by_its_link,
}


async def _read(ask: Ask, work: Work, id_: str) -> Write:
    assert (await ask(work, id_)).status_code == 200
    return lambda: ask(work, id_)


PREPARED = {name: (functools.partial(_read, ask), {}) for name, ask in ASKED.items()} | {
    name: (write, {"contact": MAIL_ONLY}) for name, write in WRITTEN.items()
}


@pytest.mark.parametrize(("prepare", "contact"), PREPARED.values(), ids=PREPARED)
async def test_a_frozen_key_store_holds_no_connection_of_booking(
    prepare: Prepare,
    contact: dict[str, Any],
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
            request = await prepare(work, await work.id_of(await work.family_books(TEN, **contact)))
            vault: Vault = booking.runtime.vault
            pools = [booking.runtime.engine.pool, booking.runtime.public.engine.pool]
            held = [pool.checkedout() for pool in pools]
            wire.freeze()
            asked = [asyncio.create_task(request()) for _ in range(6)]

            async def all_wait() -> bool:
                free = all(pool.checkedout() <= before for pool, before in zip(pools, held, strict=True))
                return vault._turns.locked() and len(vault._turns._waiters or ()) >= 3 and free

            await until(all_wait, 3)
            wire.thaw()
            # Whoever asks for the same once more may find it moved, to a colleague even.
            answers = {answer.status_code for answer in await asyncio.gather(*asked)}
            assert answers & {200, 303}
            assert answers <= {200, 303, 404}
