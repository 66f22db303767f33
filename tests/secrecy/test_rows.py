"""Which rows a query without a WHERE finds: those of the right that the transaction gave, and no others."""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking import roles, secrecy
from booking.bookings import tables
from kit import database
from tests.secrecy.conftest import GUARDED, START, UNITS, Booked, World, seen

ONE_EACH = ["held", "confirmed", "cancelled"]
SETTINGS = ("units", "token", "booking", "key", "before")
# What each role may select at all; the others are refused before any row is looked at.
READS = {
    roles.SERVICE: tuple(GUARDED),
    roles.SWEEP: ("booking",),
    roles.ANSWER: ("booking", "family"),
    f"{roles.SERVICE}_relay": (),
    f"{roles.SERVICE}_reader": (),
    f"{roles.SERVICE}_limits": (),
}

families = st.lists(
    st.tuples(st.sampled_from(UNITS), st.sampled_from([*ONE_EACH, "fulfilled", "no_show"])), min_size=1, max_size=6
)


async def put(world: World, wanted: Sequence[tuple[str, str]]) -> list[Booked]:
    await world.clear()
    return [await world.put(unit, status) for unit, status in wanted]


def held(rows: Sequence[Booked]) -> set[object]:
    return {row.booking for row in rows if row.status == "held"}


@pytest.mark.parametrize("table", GUARDED)
async def test_without_a_right_no_family_is_found(world: World, table: str) -> None:
    rows = await put(world, [(unit, status) for unit in UNITS for status in ONE_EACH])
    expected = held(rows) if table == "booking" else set()
    for engine in (world.engine, world.public):
        async with database.driver(engine) as connection:
            assert await seen(connection, table) == expected
    # Nor with settings that are there and empty, as they are after a transaction that had them.
    empty = dict.fromkeys(SETTINGS, "")
    async with database.transaction(world.engine, **empty) as connection:
        assert await seen(connection, table) == expected
    async with secrecy.of(world.engine, "maria-ek", []) as connection:
        assert await seen(connection, table) == expected


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    wanted=families,
    units=st.lists(st.sampled_from([*UNITS, "another"]), unique=True),
    role=st.sampled_from(sorted(READS)),
    table=st.sampled_from(sorted(GUARDED)),
)
async def test_staff_find_the_rows_of_their_units_and_narrow_roles_those_of_their_task(
    world: World, wanted: list[tuple[str, str]], units: list[str], role: str, table: str
) -> None:
    rows = await put(world, wanted)
    async with database.transaction(
        world.engine, role=role if role != roles.SERVICE else None, staff="maria-ek", units=",".join(units)
    ) as connection:
        if table not in READS[role]:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await seen(connection, table)
            return
        found = await seen(connection, table)
    mine = [row for row in rows if row.unit in units] if role == roles.SERVICE else []
    holds = held(rows) if role in (roles.SERVICE, roles.SWEEP) else set()
    expected = {
        "booking": {row.booking for row in mine} | holds,
        "family": {row.family for row in mine if row.family},
        "idempotency": set(),
        "booking_change": {row.booking for row in mine if row.family},
    }
    assert found == expected[table]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=families, data=st.data())
async def test_a_link_opens_its_own_booking(world: World, wanted: list[tuple[str, str]], data: st.DataObject) -> None:
    rows = await put(world, wanted)
    one = data.draw(st.sampled_from(rows))
    async with secrecy.of_token(world.engine, one.token) as connection:
        assert await seen(connection, "booking") == held(rows), "what staff do needs no link"
        assert await seen(connection, "family") == set()
    async with secrecy.of_token(world.public, one.token) as connection:
        known = one.family is not None
        assert await seen(connection, "booking") == held(rows) | ({one.booking} if known else set())
        assert await seen(connection, "family") == ({one.family} if known else set())
        assert await seen(connection, "booking_change") == ({one.booking} if known else set())
        assert await seen(connection, "idempotency") == set()
        assert await tables.lock_booking(connection, one.token) == known


async def test_the_answer_is_of_one_booking(world: World) -> None:
    one, other, hold = await put(world, [(UNITS[0], "confirmed"), (UNITS[0], "confirmed"), (UNITS[0], "held")])
    async with secrecy.of_booking(world.engine, one.booking) as connection:
        assert await seen(connection, "booking") == {one.booking}
        assert await seen(connection, "family") == {one.family}
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("update booking set late = true")
    for engine in (world.engine, world.public):
        async with database.transaction(engine, booking=str(other.booking)) as connection:
            assert await seen(connection, "booking") == {hold.booking}, "it tells its own role alone"
            assert await seen(connection, "family") == set()


async def test_a_key_opens_its_own_answer(world: World) -> None:
    one, _ = await put(world, [(UNITS[0], "confirmed")] * 2)
    for engine in (world.engine, world.public):
        async with database.transaction(engine, key=one.key.hex()) as connection:
            assert await seen(connection, "idempotency") == {one.key}


async def test_the_sweep_sees_how_old_keys_are_and_nothing_else_of_them(world: World) -> None:
    await put(world, [(UNITS[0], "confirmed")] * 2)
    for before, left in ((START, 2), (START + timedelta(seconds=1), 0)):
        async with database.transaction(world.engine, role=roles.SWEEP, before=before.isoformat()) as connection:
            await tables.forget_keys(connection, START + timedelta(days=1))
        async with database.driver(world.admin) as connection:
            assert await connection.fetchval("select count(*) from idempotency") == left
    for column in ("key", "request", "booking", "answer"):
        async with database.transaction(world.engine, role=roles.SWEEP, before=START.isoformat()) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"select {column} from idempotency")


@pytest.mark.parametrize("role", [None, roles.SWEEP])
@pytest.mark.parametrize("statement", ["update booking set expires_at = expires_at", "delete from booking"])
async def test_what_is_not_seen_is_not_changed(world: World, role: str | None, statement: str) -> None:
    rows = await put(world, [(UNITS[0], status) for status in ONE_EACH])
    async with database.transaction(world.engine, role=role) as connection:
        assert await connection.execute(statement) in ("UPDATE 1", "DELETE 1")
    async with database.driver(world.admin) as connection:
        found = await seen(connection, "booking")
    assert found >= {row.booking for row in rows if row.status != "held"}


async def test_staff_find_what_is_of_their_unit_and_nothing_else(world: World) -> None:
    mine, _ = await put(world, [(UNITS[0], "confirmed"), (UNITS[1], "confirmed")])
    async with secrecy.of(world.engine, "maria-ek", [UNITS[0]]) as connection:
        assert await seen(connection, "booking") == {mine.booking}
        assert await seen(connection, "family") == {mine.family}


async def test_a_right_to_one_unit_changes_no_other_and_gives_nothing_away(world: World) -> None:
    mine, other = await put(world, [(UNITS[0], "confirmed"), (UNITS[1], "confirmed")])
    async with secrecy.of(world.engine, "maria-ek", [UNITS[0]]) as connection:
        assert await connection.execute("update booking set late = true") == "UPDATE 1"
        assert await connection.execute("delete from booking") == "DELETE 0", "a booking is cancelled, never deleted"
        for change in (f"unit = '{UNITS[1]}'", f"id = '{uuid4()}', unit = '{UNITS[1]}'"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with connection.transaction():
                    await connection.execute(f"update booking set {change} where id = $1", mine.booking)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with connection.transaction():
                await connection.execute("update family set language = 'en'")
    async with database.driver(world.admin) as connection:
        late = await connection.fetch("select id from booking where late")
    assert [row["id"] for row in late] == [mine.booking] != [other.booking]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    granted=st.lists(st.tuples(st.sampled_from(["advisor", "coordinator", "reviewer"]), st.sampled_from(UNITS))),
    said=st.lists(st.sampled_from(UNITS), unique=True),
    ended=st.booleans(),
)
async def test_a_list_of_units_shows_no_more_than_the_register_grants(
    world: World, granted: list[tuple[str, str]], said: list[str], ended: bool
) -> None:
    rows = await put(world, [(unit, "confirmed") for unit in UNITS])
    grants = [{"role": role, "unit": unit} for role, unit in granted]
    async with database.driver(world.admin) as connection:
        await connection.execute(
            "insert into directory_copy (kind, id, version, ended, data) values ('staff', 'eva', 1, $2, $1)"
            " on conflict (kind, id) do update set ended = excluded.ended, data = excluded.data",
            json.dumps({"grants": grants}),
            ended,
        )
    mine = set() if ended else {unit for role, unit in granted if role != "reviewer"} & {*said}
    async with secrecy.of(world.engine, "eva", said) as connection:
        assert await seen(connection, "family") == {row.family for row in rows if row.unit in mine}
    reviewed = set() if ended else {unit for role, unit in granted if role == "reviewer"} & {*said}
    async with secrecy.of_review(world.engine, "eva", said) as connection:
        found = {row["id"] for row in await connection.fetch("select id from booking")}
        assert found == {row.booking for row in rows if row.unit in reviewed}
    async with secrecy.of(world.engine, "nobody", said) as connection:
        assert await seen(connection, "family") == set()


async def test_a_right_ends_with_its_transaction(world: World) -> None:
    (one,) = await put(world, [(UNITS[0], "confirmed")])
    single = database.engine(world.engine.url.render_as_string(hide_password=False), 1)
    try:
        async with secrecy.of(single, "maria-ek", UNITS) as connection:
            assert await seen(connection, "family") == {one.family}
        async with database.driver(single, role=roles.ANSWER) as connection:
            assert await connection.fetchval("select current_user") == roles.ANSWER
        async with database.driver(single) as connection:
            assert await connection.fetchval("select current_user") == roles.SERVICE
            assert await seen(connection, "family") == set()
        with pytest.raises(ZeroDivisionError):
            async with database.transaction(single, role=roles.ANSWER, units=UNITS[0]):
                raise ZeroDivisionError
        async with database.driver(single) as connection:
            assert await connection.fetchval("select current_user") == roles.SERVICE
            assert await seen(connection, "family") == set()
    finally:
        await single.dispose()


async def test_no_service_can_take_a_role_that_is_not_its_own(world: World) -> None:
    for role in ("booking_owner", "postgres", "notification_delivery", "directory"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction(world.engine, role=role):
                raise AssertionError("it was let in")


# What a query that went astray, or a process that was taken over, can say in a public route: it knows all ids.
SAID = {
    "units": ",".join(UNITS),
    "staff": "maria-ek",
    "reference": "",
    "before": "2100-01-01",
    "feed": "00",
    "family": "",
}
WRITES = (
    "update booking set late = true",
    "delete from booking",
    "update family set sealed = '\\x00'",
    "insert into read_log select * from read_log",
    "select log_read('advisor', 'familjestod', null, null, 'search', 'day')",
    "insert into family_access select id, unit, 'maria-ek' from family",
    "update directory_copy set ended = false",
    "update advisor_day set open = null",
    "delete from idempotency",
    "select staff from read_log",
    "select * from family_access",
    "select * from calendar_feed",
    "select * from message",
    "select * from attention",
    "select * from erasure",
    "select * from review",
    "select * from outbox",
)


async def test_the_role_of_what_is_open_to_all_opens_what_a_link_opens_whatever_it_says(world: World) -> None:
    mine, other = await put(world, [(UNITS[0], "confirmed"), (UNITS[0], "confirmed")])
    async with database.driver(world.admin) as connection:
        every = [row["rolname"] for row in await connection.fetch("select rolname from pg_roles")]
        logged = "select * from read_log"
        before = await connection.fetch(f"{logged} order by id")
    said = {**SAID, "booking": str(other.booking), "family": str(other.family), "reference": other.booking.hex}
    taken = roles.LOGINS[roles.PUBLIC]
    for role in sorted({*every} - {roles.PUBLIC, *taken}):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction(world.public, role=role):
                pass
    for role in taken:
        async with database.transaction(world.public, role=role, token=mine.token.hex(), **said) as connection:
            for table in ("booking", "family"):
                column = "family" if (role, table) == (roles.PROOF, "booking") else "id"
                assert await connection.fetch(f"select {column} from {table}") == [], "nobody proved anything"
    cases: tuple[tuple[bytes, set[object], set[object]], ...] = (
        (b"", set(), set()),
        (mine.token, {mine.booking}, {mine.family}),
    )
    for token, booked, known in cases:
        async with database.transaction(world.public, token=token.hex(), **said) as connection:
            assert await seen(connection, "booking") == booked
            assert await seen(connection, "family") == known
            assert await seen(connection, "booking_change") == booked
            assert await seen(connection, "idempotency") == set()
            assert await connection.fetch("select booking from read_log") == []
    for write in WRITES:
        async with database.transaction(world.public, token=mine.token.hex(), **said) as connection:
            with suppress(asyncpg.InsufficientPrivilegeError, asyncpg.NotNullViolationError):
                async with connection.transaction():
                    await connection.execute(write)
    async with database.driver(world.admin) as connection:
        late = await connection.fetch("select id from booking where late")
        assert [row["id"] for row in late] == [mine.booking]
        assert await connection.fetchval("select count(*) from booking") == 2
        changed = await connection.fetch("select id from family where sealed = '\\x00'")
        assert [row["id"] for row in changed] == [mine.family]
        assert await connection.fetchval("select count(*) from family_access where staff = 'maria-ek'") == 0
        assert await connection.fetch(f"{logged} order by id") == before


async def test_nobody_books_for_anothers_family_to_open_it_by_a_link(world: World) -> None:
    mine, other = await put(world, [(UNITS[0], "confirmed"), (UNITS[0], "confirmed")])
    async with database.transaction(world.public, token=mine.token.hex()) as connection:
        changes = (
            f"update booking set family = '{other.family}'",
            "update booking set unit = 'another'",
            f"update booking set token_hash = '\\x{other.token.hex()}'",
            "update booking set protected = false",
            "update family set unit = 'another'",
            (
                "insert into booking (id, status, offering, municipality, unit, advisor, modality, start_at, end_at,"
                " zone, created_at, changed_at, family, reference, token_hash) select gen_random_uuid(), status,"
                " offering, municipality, unit, advisor, modality, start_at, end_at, zone, created_at, changed_at,"
                f" '{other.family}', 'MINE', '\\x00' from booking"
            ),
        )
        for change in changes:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with connection.transaction():
                    await connection.execute(change)


async def test_free_and_busy_of_a_shared_advisor_are_seen_without_whom_for(world: World) -> None:
    rows = await put(world, [(unit, "confirmed") for unit in UNITS])
    async with database.driver(world.admin) as connection:
        for hour, row in enumerate(rows):
            await connection.execute(
                "insert into busy (id, advisor, day, during, kind)"
                " values ($1, 'maria-ek', $2, tstzrange($3, $4), 'booking')",
                row.booking,
                START.date(),
                START + timedelta(hours=hour),
                START + timedelta(hours=hour + 1),
            )
    async with secrecy.of(world.engine, "maria-ek", [UNITS[0]]) as connection:
        busy = await connection.fetch("select s.*, b.family from busy s left join booking b using (id) order by during")
    assert [row["id"] for row in busy] == [row.booking for row in rows]
    assert [row["family"] for row in busy] == [rows[0].family, None, None]
    assert set(busy[0].keys()) == {"id", "advisor", "day", "during", "kind", "family", "municipality", "pool", "period"}
