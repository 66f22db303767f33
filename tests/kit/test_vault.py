"""The key store on real PostgreSQL: what is sealed opens for its owner alone, and for nobody once its key is gone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database
from kit.vault import store
from kit.vault.sealing import Masters, UnreadableError, new_key, seal, unseal
from kit.vault.store import BATCH, KeysUnavailable, Vault
from kit.vault.tables import data_key
from tests.conftest import Databases, until

OLD, NEW = "11" * 32, "22" * 32
NOW = datetime(2026, 3, 30, 7, tzinfo=UTC)


@pytest.fixture
async def engine(new_database: Databases) -> AsyncIterator[AsyncEngine]:
    made = database.engine(await new_database("vault"), 3)
    yield made
    await made.dispose()


@pytest.fixture
def vault(engine: AsyncEngine) -> Vault:
    return Vault(engine, Masters([OLD]))


async def count(engine: AsyncEngine) -> int:
    """How many keys there are that families have or may get."""
    async with engine.connect() as connection:
        theirs = select(func.count()).where(data_key.c.id != store.LOOKUP)
        return (await connection.execute(theirs)).scalar_one()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(fields=st.dictionaries(st.text(max_size=5), st.none() | st.text(max_size=200), max_size=3), owner=st.uuids())
def test_what_is_sealed_opens_as_it_was_and_for_its_owner_alone(fields: dict[str, str | None], owner: UUID) -> None:
    key = new_key()
    sealed = seal(key, owner, fields)
    assert unseal(key, owner, sealed) == fields
    for wrong_key, wrong_owner, bytes_ in (
        (new_key(), owner, sealed),
        (key, uuid4(), sealed),
        (key, owner, sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (key, owner, b"\x02" + sealed[1:]),
        (key, owner, sealed[:9]),
        (key, owner, b""),
    ):
        with pytest.raises(UnreadableError):
            unseal(wrong_key, wrong_owner, bytes_)


def test_the_same_fields_are_never_sealed_to_the_same_bytes_and_their_length_tells_little() -> None:
    key, owner = new_key(), uuid4()
    sealed = [seal(key, owner, {"name": name}) for name in ("Kim", "Kim", "Maximiliana")]
    assert len(set(sealed)) == 3
    assert len({len(bytes_) for bytes_ in sealed}) == 1


@pytest.mark.parametrize("secrets", [[], ["x" * 64], ["11" * 31], [OLD, "short"]])
def test_a_master_key_that_is_none_is_refused_without_being_repeated(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="openssl rand -hex 32") as refused:
        Masters(secrets)
    assert not any(secret and secret in str(refused.value) for secret in secrets)


async def test_a_key_is_in_the_store_before_anybody_has_it_and_nobody_gets_it_twice(engine: AsyncEngine) -> None:
    vaults = [Vault(engine, Masters([OLD])) for _ in range(2)]
    taken = await asyncio.gather(*(vault.take(NOW) for vault in vaults for _ in range(BATCH)))
    assert len({key.id for key in taken}) == len({key.key for key in taken}) == 2 * BATCH
    assert await vaults[0].keys([key.id for key in taken]) == {key.id: key.key for key in taken}


async def test_what_is_stored_is_not_the_key(engine: AsyncEngine, vault: Vault) -> None:
    taken = await vault.take(NOW)
    async with engine.connect() as connection:
        row = (await connection.execute(select(data_key).where(data_key.c.id == taken.id))).one()
    assert taken.key not in row.wrapped
    with pytest.raises(UnreadableError):
        await Vault(engine, Masters([NEW])).key(taken.id)


async def test_keys_at_hand_are_given_without_asking_the_store(engine: AsyncEngine, vault: Vault) -> None:
    await vault.fill(NOW)
    gone = Vault(database.engine("postgresql://nobody@127.0.0.1:1/none", 1), Masters([OLD]))
    gone._ready, gone._lookup = vault._ready, vault._lookup
    first = await gone.take(NOW)
    gone.put_back(first)
    taken = [await gone.take(NOW) for _ in range(BATCH)]
    assert first in taken
    with pytest.raises(KeysUnavailable):
        await gone.take(NOW)
    with pytest.raises(KeysUnavailable):
        await gone.key(first.id)
    await gone.close()


async def test_the_job_fills_up_when_few_keys_are_left(engine: AsyncEngine, vault: Vault) -> None:
    job = asyncio.create_task(vault.keep_filled(lambda: NOW))
    try:
        for _ in range(3 * BATCH):
            await vault.take(NOW)
        async with asyncio.timeout(10):
            while len(vault._ready) <= BATCH // 2:
                await asyncio.sleep(0)
    finally:
        job.cancel()
    assert await count(engine) == 3 * BATCH + len(vault._ready)


async def test_a_destroyed_key_is_gone_and_the_others_stay(vault: Vault) -> None:
    first, second = await vault.take(NOW), await vault.take(NOW)
    await vault.destroy([first.id])
    await vault.destroy([first.id])
    assert await vault.key(first.id) is None
    assert await vault.keys([first.id, second.id]) == {second.id: second.key}


async def test_keys_that_no_family_got_are_destroyed_after_a_day_and_used_ones_are_asked_for_once(
    engine: AsyncEngine, vault: Vault
) -> None:
    asked: list[Sequence[UUID]] = []
    used = await vault.take(NOW)
    fingerprint = await vault.fingerprint("phone", "+46701234567", NOW)

    async def theirs(ids: Sequence[UUID]) -> list[UUID]:
        asked.append(ids)
        return [used.id]

    assert await vault.tidy(NOW + timedelta(hours=23), theirs) == 0
    later = NOW + timedelta(hours=25)
    assert await vault.tidy(later, theirs) == BATCH - 1
    assert await vault.tidy(later + timedelta(days=1), theirs) == 0
    assert [len(ids) for ids in asked] == [BATCH]
    assert await vault.key(used.id) == used.key
    assert await Vault(engine, Masters([OLD])).fingerprint("phone", "+46701234567", later) == fingerprint


async def test_a_process_gives_no_key_out_that_could_be_tidied_away(vault: Vault) -> None:
    early = {(await vault.take(NOW)).id for _ in range(3)}
    assert store.FRESH < store.UNUSED_KEPT
    late = await vault.take(NOW + store.FRESH)
    assert late.id not in early
    assert late.created_at == NOW + store.FRESH


async def test_rotation_wraps_all_keys_anew_and_can_be_stopped_in_between(
    engine: AsyncEngine, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = [await vault.take(NOW) for _ in range(BATCH)]
    keys = {key.id: key.key for key in taken}
    fingerprint = await vault.fingerprint("phone", "+46701234567", NOW)
    monkeypatch.setattr(store, "ROTATED_AT_ONCE", 50)
    both = Vault(engine, Masters([NEW, OLD]))
    new = select(func.count()).where(data_key.c.master == Masters([NEW]).present)

    async def some_are_new() -> int:
        async with engine.connect() as connection:
            return (await connection.execute(new)).scalar_one()

    async with engine.begin() as other:
        # Somebody else has the last key: rotation comes as far as there, and is stopped.
        await other.execute(select(data_key).order_by(data_key.c.id.desc()).limit(1).with_for_update())
        rotation = asyncio.create_task(both.rotate())
        assert 0 < await until(some_are_new) < BATCH
        rotation.cancel()
        await asyncio.gather(rotation, return_exceptions=True)
    assert await both.keys(keys) == keys, "old and new are both read meanwhile"

    await both.rotate()
    assert await both.rotate() == 0
    after = Vault(engine, Masters([NEW]))
    assert await after.keys(keys) == keys
    assert await after.fingerprint("phone", "+46701234567", NOW) == fingerprint
    with pytest.raises(UnreadableError):
        await vault.key(taken[0].id)


async def test_rotation_without_the_older_master_key_changes_nothing(engine: AsyncEngine, vault: Vault) -> None:
    taken = await vault.take(NOW)
    with pytest.raises(UnreadableError):
        await Vault(engine, Masters([NEW])).rotate()
    assert await vault.key(taken.id) == taken.key


async def test_a_fingerprint_is_the_same_for_the_same_text_wherever_the_same_store_makes_it(
    engine: AsyncEngine, vault: Vault, new_database: Databases
) -> None:
    numbers = [f"+4670{n:07}" for n in range(50)]
    made = [await vault.fingerprint("phone", number, NOW) for number in numbers]
    beside = Vault(engine, Masters([OLD]))
    assert made == [await beside.fingerprint("phone", number, NOW) for number in numbers]
    assert {len(fingerprint) for fingerprint in made} == {32}
    assert len(set(made)) == len(numbers)
    assert not {await vault.fingerprint("email", number, NOW) for number in numbers} & {*made}
    another = database.engine(await new_database("vault"), 1)
    assert not {await Vault(another, Masters([OLD])).fingerprint("phone", n, NOW) for n in numbers} & {*made}
    await another.dispose()
