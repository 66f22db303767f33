"""A wrong setting is one sentence that names it and repeats no secret; a server that is late is waited for."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import make_url

from deploy import permissions
from kit import startup
from kit.vault.sealing import Masters
from kit.vault.store import Vault
from tests import infra
from tests.conftest import Databases


async def sentence(service: str, **settings: Any) -> str:
    with pytest.raises(startup.CannotStartError) as told:
        await startup.check(service, SimpleNamespace(**settings))
    assert told.value.__cause__ is None
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize("name", ["DATABASE_URL", "VAULT_URL"])
async def test_a_wrong_database_is_told_of(name: str, new_database: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "WAIT_SECONDS", 0)
    url = make_url(await new_database("consent"))
    good = url.render_as_string(hide_password=False)
    for wrong, says in (
        (url.set(drivername="mysql"), "must be postgresql://"),
        (url.set(host="nowhere.invalid"), "there is no host nowhere.invalid"),
        (url.set(database="nothing"), "no database nothing"),
        (url.set(username="nobody-known"), "nobody-known"),
    ):
        settings = {"database_url": good, name.lower(): wrong.render_as_string(hide_password=False)}
        told = await sentence("consent", nats_url="nats://127.0.0.1:1", nats_seed=None, **settings)
        assert says in told
        assert name in told
        assert url.password not in told


async def test_a_database_that_does_not_answer_is_needed_and_a_key_store_is_not(
    new_database: Databases, nats_server: infra.NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(startup, "WAIT_SECONDS", 0)
    good, nowhere = await new_database("consent"), "postgresql://consent@127.0.0.1:1/consent"
    nats = {"nats_url": nats_server.url, "nats_seed": None}
    assert "no PostgreSQL answers at 127.0.0.1:1" in await sentence("consent", database_url=nowhere, **nats)
    await startup.check(
        "consent", SimpleNamespace(database_url=good, vault_url=nowhere, masters=Masters(["11" * 32]), **nats)
    )


async def test_a_master_key_that_does_not_open_the_key_store_is_told_of(new_database: Databases) -> None:
    here, nats = await new_database("vault"), {"nats_url": "nats://127.0.0.1:1", "nats_seed": None}
    right, other = ("11" * 32, "22" * 32)
    known = {"database_url": await new_database("consent"), "vault_url": here, **nats}
    # One that was never used has no key yet.
    await startup.check("consent", SimpleNamespace(**known, masters=Masters([other])))
    store = Vault.at(here, Masters([right]))
    await store.fill(datetime(2026, 3, 2, tzinfo=UTC))
    await store.close()
    told = await sentence("consent", **known, masters=Masters([other]))
    assert "check MASTER_KEY_FILE" in told
    assert other not in told
    await startup.check("consent", SimpleNamespace(**known, masters=Masters([other, right])))


async def test_a_seed_that_is_none_is_told_of_and_nats_may_come_later(new_database: Databases) -> None:
    known = {"database_url": await new_database("consent"), "nats_url": "nats://127.0.0.1:1"}
    told = await sentence("consent", **known, nats_seed="SUnonsense")
    assert "NATS_SEED_FILE holds no NKey seed" in told
    assert "nonsense" not in told
    await startup.check("consent", SimpleNamespace(**known, nats_seed=permissions.new_seed()))
