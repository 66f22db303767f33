"""Roles and databases as an installation has them: made anew, made twice, and made of what was there before."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from deploy import installation
from deploy.services import SERVICES
from kit import migrations, roles
from tests import infra
from tests.deploy.test_cli import samtid

NOW = datetime(2026, 3, 2, 7, tzinfo=UTC)
LARGE = ("select lo_create(0)", "select lo_creat(-1)", "select lo_from_bytea(0, 'x')")
PASSWORDS = dict.fromkeys(("postgres", *installation.logins()), "0" * 8)


@pytest.fixture
def port(memory: Path) -> Iterator[int]:
    """A PostgreSQL server with nothing in it."""
    with infra.postgres_server("embedded", memory / f"databases-{uuid4().hex}") as server:
        yield int(server.rsplit(":", 1)[1])


def url(port: int, role: str, database: str) -> str:
    return f"postgresql://{role}@127.0.0.1:{port}/{database}"


async def entered(port: int, role: str, database: str) -> bool:
    try:
        connection = await asyncpg.connect(url(port, role, database))
    except asyncpg.InsufficientPrivilegeError:
        return False
    await connection.close()
    return True


async def test_a_role_enters_its_own_database_and_may_be_made_again(port: int) -> None:
    for _ in range(2):
        await installation.make_databases("127.0.0.1", port, PASSWORDS)
    for role, database in product(installation.logins(), (*SERVICES, "postgres", "template1")):
        own = installation.logins((database,)) if database in SERVICES else ()
        assert await entered(port, role, database) == (role in own), (role, database)
    for service in SERVICES:
        connection = await asyncpg.connect(url(port, service, service))
        for forbidden in (
            "create table public.mine ()",
            "create temporary table mine ()",
            "create schema mine",
            *LARGE,
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(forbidden)
        await connection.close()


async def test_databases_that_their_services_owned_are_handed_over_with_what_is_in_them(port: int) -> None:
    admin = await asyncpg.connect(url(port, "postgres", "postgres"))
    for service in SERVICES:
        await admin.execute(f"create role {service} login")
        await admin.execute(f"create database {service} owner {service}")
    await admin.close()
    await asyncio.to_thread(migrations.upgrade, "booking", url(port, "booking", "booking"), "0002")
    before = await asyncpg.connect(url(port, "booking", "booking"))
    # As booking kept them: of an offering not the unit, of an advisor the employer's.
    for kind, name, data in (
        ("advisor", "maria-ek", '{"unit": "familjestod"}'),
        ("offering", "foraldrasamtal", '{"duration": 45}'),
    ):
        await before.execute("insert into directory_copy values ($1, $2, 1, false, $3)", kind, name, data)
    await before.execute("insert into inbox (consumer, event_id) values ('booking-state-directory', $1)", uuid4())
    for advisor in ("maria-ek", "gone"):
        family = await before.fetchval(
            "insert into family values (gen_random_uuid(), 'Kim', '+46701234567', null, 'sv', $1) returning id", NOW
        )
        await before.execute(
            "insert into booking (id, status, offering, municipality, advisor, modality, start_at, end_at, zone,"
            " created_at, family, reference, token_hash) values (gen_random_uuid(), 'confirmed', 'foraldrasamtal',"
            " '1266', $1, 'video', $2, $2, 'Europe/Stockholm', $2, $3, $1, decode(md5($1), 'hex'))",
            advisor,
            NOW,
            family,
        )
    await before.close()
    for _ in range(2):
        await installation.make_databases("127.0.0.1", port, PASSWORDS)
        for service in SERVICES:
            await asyncio.to_thread(migrations.upgrade, service, url(port, roles.owner(service), service))
    after = await asyncpg.connect(url(port, "postgres", "booking"))
    units = await after.fetch("select advisor, b.unit, f.unit from booking b join family f on f.id = b.family")
    owners = await after.fetch(
        "select distinct pg_get_userbyid(relowner) from pg_class where relnamespace = 'public'::regnamespace"
    )
    # A unit that nobody has where it is not known; and the register is read anew.
    assert {tuple(row) for row in units} == {("maria-ek", *["familjestod"] * 2), ("gone", "?", "?")}
    assert await after.fetchval("select count(*) from inbox") == 0
    assert await after.fetch("select id from directory_copy") == [("maria-ek",)]
    assert owners == [("booking_owner",)]
    await after.close()
    serving = await asyncpg.connect(url(port, "booking", "booking"))
    assert await serving.fetch("select * from family") == []
    await serving.close()


async def test_a_service_has_its_events_published_again_with_its_own_role(port: int) -> None:
    await installation.make_databases("127.0.0.1", port, PASSWORDS)
    await asyncio.to_thread(migrations.upgrade, "consent", url(port, "consent_owner", "consent"))
    admin = await asyncpg.connect(url(port, "postgres", "consent"))
    await admin.execute(
        "insert into outbox (event_id, subject, payload, headers, published_at)"
        " select gen_random_uuid(), 'state.consent.tested.one', '', '{}', now() from generate_series(1, 3)"
    )
    said = await asyncio.to_thread(samtid, "republish", DATABASE_URL=url(port, "consent", "consent"))
    assert (said.returncode, said.stdout) == (0, "3 events will be published again by the running service.\n")
    assert await admin.fetchval("select count(*) from outbox where published_at is null") == 3
    await admin.close()


def test_keys_of_owners_lie_apart(tmp_path: Path) -> None:
    installation.make_keys(tmp_path)
    passwords = installation.passwords(tmp_path)
    assert set(passwords) == set(PASSWORDS)
    assert len(set(passwords.values())) == len(passwords)
    for service in SERVICES:
        secret = passwords[roles.owner(service)]
        holding = [path for path in tmp_path.rglob("*") if path.is_file() and secret in path.read_text()]
        assert holding == [tmp_path / f"{service}_owner" / "pgpass"]
