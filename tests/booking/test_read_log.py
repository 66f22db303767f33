"""The log of reads: nobody changes it, nobody writes it by another way, and whatever was done to it is found."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from booking import secrecy
from booking.reviews import rules, service
from booking.reviews.rules import NOTHING, Broken, Entry, Head, Why
from deploy import cli
from kit import database
from kit.access import NotAllowed, Person
from kit.staff import Grant, Staff
from tests.booking.granted import grant, known_family, reads_at
from tests.booking.register import NOW
from tests.conftest import AsRole, Databases

UNITS = ("hoor", "horby")
ADVISOR = Person(
    Staff(id="maria", name="Maria", identity="1", grants=tuple(Grant(role="advisor", unit=unit) for unit in UNITS))
)
# By unit, of the database of the test that runs.
FAMILIES: dict[str, UUID] = {}
COLUMNS = "id, at, staff, role, unit, family, booking, what, why, previous, hash"


# The chain, bare.

words = st.text("aå:,0 >\n", max_size=8)
values = st.fixed_dictionaries(
    {
        "at": st.datetimes(timezones=st.just(UTC)),
        "staff": words,
        "role": words,
        "unit": words,
        "family": st.none() | st.uuids(),
        "booking": st.none() | st.uuids(),
        "what": words,
        "why": words,
    }
)


def entry(number: int, previous: bytes, **given_values: object) -> Entry:
    made = Entry(id=number, previous=previous, hash=b"", **given_values)  # type: ignore[arg-type]
    return replace(made, hash=rules.digest(made, previous))


def chain(rows: Sequence[dict[str, object]]) -> list[Entry]:
    made: list[Entry] = []
    for number, row in enumerate(rows, 1):
        made.append(entry(number, made[-1].hash if made else NOTHING.hash, **row))
    return made


def verified(entries: Sequence[Entry], written: Head) -> Head:
    last = NOTHING
    for one in entries:
        last = rules.follow(last, one)
    rules.end(last, written)
    return last


def head(entries: Sequence[Entry]) -> Head:
    return Head(entries[-1].id, entries[-1].hash) if entries else NOTHING


@given(st.lists(values, max_size=6))
def test_a_chain_that_nobody_touched_is_whole(rows: list[dict[str, object]]) -> None:
    entries = chain(rows)
    assert verified(entries, head(entries)) == head(entries)


@given(st.lists(values, min_size=1, max_size=6), st.data())
def test_any_change_of_one_value_is_found_at_its_row(rows: list[dict[str, object]], data: st.DataObject) -> None:
    entries = chain(rows)
    at = data.draw(st.integers(0, len(entries) - 1))
    field = data.draw(st.sampled_from([*rows[0], "previous", "hash"]))
    kind = st.binary(max_size=32) if field in ("previous", "hash") else values.map(lambda row: row[field])
    other = data.draw(kind.filter(lambda value: value != getattr(entries[at], field)))
    changed = replace(entries[at], **{field: other})
    if data.draw(st.booleans()) and field != "hash":
        # Whoever changes a row may also work its hash out anew; the next one tells, or the head.
        changed = replace(changed, hash=rules.digest(changed, changed.previous))
    with pytest.raises(Broken) as found:
        verified([*entries[:at], changed, *entries[at + 1 :]], head(entries))
    assert found.value.row in (changed.id, changed.id + 1)


@given(st.lists(values, min_size=1, max_size=6), st.data())
def test_a_row_that_is_gone_is_found(rows: list[dict[str, object]], data: st.DataObject) -> None:
    entries = chain(rows)
    at = data.draw(st.integers(0, len(entries) - 1))
    with pytest.raises(Broken) as found:
        verified(entries[:at] + entries[at + 1 :], head(entries))
    assert found.value.row == at + 1


@given(st.lists(values, min_size=1, max_size=6), values, st.data())
def test_a_row_that_was_put_in_is_found(
    rows: list[dict[str, object]], more: dict[str, object], data: st.DataObject
) -> None:
    entries = chain(rows)
    at = data.draw(st.integers(0, len(entries)))
    added = entry(at + 1, entries[at - 1].hash if at else NOTHING.hash, **more)
    # With those after it as they were, and with their numbers moved to make room.
    later = entries[at:]
    moved = [replace(one, id=one.id + 1) for one in later]
    for rest in (later, moved):
        with pytest.raises(Broken):
            verified([*entries[:at], added, *rest], head(entries))


@given(st.lists(values, min_size=2, max_size=6, unique_by=str), st.data())
def test_rows_that_changed_places_are_found(rows: list[dict[str, object]], data: st.DataObject) -> None:
    entries = chain(rows)
    one, other = sorted(data.draw(st.lists(st.sampled_from(range(len(entries))), min_size=2, max_size=2, unique=True)))
    swapped = list(entries)
    swapped[one], swapped[other] = (
        replace(entries[other], id=entries[one].id),
        replace(entries[one], id=entries[other].id),
    )
    with pytest.raises(Broken) as found:
        verified(swapped, head(entries))
    assert found.value.row == one + 1


@given(st.lists(values, min_size=2, max_size=6), st.data())
def test_a_log_written_anew_is_found_by_the_head_that_was_noted(
    rows: list[dict[str, object]], data: st.DataObject
) -> None:
    entries = chain(rows)
    noted = head(entries[: data.draw(st.integers(2, len(entries)))])
    kept = data.draw(st.integers(1, noted.id - 1))
    shorter = chain(rows[:kept])
    verified(shorter, head(shorter))
    with pytest.raises(Broken):
        rules.compare(noted, None)
    forged = chain([{**rows[0], "staff": f"{rows[0]['staff']}x"}, *rows[1:]])
    verified(forged, head(forged))
    with pytest.raises(Broken):
        rules.compare(noted, Head(noted.id, forged[noted.id - 1].hash))
    rules.compare(noted, Head(noted.id, entries[noted.id - 1].hash))


@pytest.mark.parametrize(
    ("held", "what", "role"),
    [
        (["advisor"], "contact", "advisor"),
        (["coordinator", "advisor"], "list", "advisor"),
        (["coordinator", "reviewer"], "search", "coordinator"),
        (["coordinator", "reviewer"], "review", "reviewer"),
        (["reviewer"], "contact", None),
        (["advisor"], "review", None),
    ],
)
def test_one_reads_by_a_role_for_the_unit(held: list[str], what: rules.What, role: str | None) -> None:
    grants = [Grant.model_validate({"role": name, "unit": "hoor"}) for name in held]
    assert rules.role_for(grants, "hoor", what) == role
    assert rules.role_for(grants, "horby", what) is None


# The log, in the database.


@pytest.fixture
async def url(new_database: Databases) -> str:
    return await new_database("booking")


@pytest.fixture
async def owner(url: str, as_role: AsRole) -> AsyncIterator[AsyncEngine]:
    """The superuser's engine, on a database with a family of each unit."""
    made = database.engine(as_role(url), 2)
    await grant(made, ADVISOR.id, UNITS)
    await grant(made, "gunilla", UNITS, "reviewer")
    for unit in (*UNITS, "eslov"):
        FAMILIES[unit] = await known_family(made, unit)
    yield made
    await made.dispose()


@pytest.fixture
async def engine(url: str, owner: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    made = database.engine(url, 16)
    yield made
    await made.dispose()


@pytest.fixture
async def peek(url: str, as_role: AsRole) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(as_role(url))
    yield connection
    await connection.close()


async def read(engine: AsyncEngine, unit: str = "hoor") -> None:
    async with secrecy.of(engine, ADVISOR.id, UNITS) as connection:
        await service.record(
            connection,
            ADVISOR,
            unit=unit,
            family=FAMILIES[unit],
            booking=None,
            what="contact",
            why="day > booking",
        )


async def entries_of(peek: asyncpg.Connection) -> list[Entry]:
    return [Entry(**row) for row in await peek.fetch(f"select {COLUMNS} from read_log order by id")]


async def head_of(peek: asyncpg.Connection) -> Head:
    row = await peek.fetchrow("select id, hash from read_log_head")
    return Head(row["id"], row["hash"])


async def test_the_database_writes_the_chain_that_the_rules_check(
    engine: AsyncEngine, owner: AsyncEngine, peek: asyncpg.Connection
) -> None:
    for number in range(3):
        await reads_at(owner, NOW + timedelta(microseconds=number, days=number))
        await read(engine, UNITS[number % 2])
    entries = await entries_of(peek)
    assert verified(entries, await head_of(peek)).id == 3
    assert (entries[0].staff, entries[0].role, entries[0].unit) == ("maria", "advisor", "hoor")
    assert (entries[1].unit, entries[1].at) == ("horby", NOW + timedelta(microseconds=1, days=1))


async def test_sixteen_who_read_at_once_leave_one_chain_without_gaps(
    engine: AsyncEngine, peek: asyncpg.Connection
) -> None:
    async def fails() -> None:
        async with secrecy.of(engine, ADVISOR.id, UNITS) as connection:
            await service.record(
                connection,
                ADVISOR,
                unit="hoor",
                family=None,
                booking=None,
                what="search",
                why="phone > search",
            )
            await connection.execute("select 1 / 0")

    async def work(number: int) -> None:
        for turn in range(10):
            if (number + turn) % 4:
                await read(engine)
            else:
                with pytest.raises(asyncpg.DivisionByZeroError):
                    await fails()

    await asyncio.gather(*(work(number) for number in range(16)))
    entries = await entries_of(peek)
    assert verified(entries, await head_of(peek)).id == 120
    assert [one.id for one in entries] == list(range(1, 121))


async def test_whoever_holds_no_role_for_the_unit_is_refused_and_nothing_is_written(
    engine: AsyncEngine, peek: asyncpg.Connection
) -> None:
    with pytest.raises(NotAllowed):
        await read(engine, "eslov")
    assert await entries_of(peek) == []


async def test_a_transaction_that_does_not_say_who_reads_cannot_write(engine: AsyncEngine) -> None:
    async with database.driver(engine) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await service.record(connection, ADVISOR, unit="hoor", family=None, booking=None, what="list", why="day")


@pytest.mark.parametrize("why", ["", "Maria Ek", "phone > 0701", "day >", "x" * 81, "a\nb"])
async def test_a_way_is_told_in_plain_words_alone(engine: AsyncEngine, why: str) -> None:
    async with database.driver(engine) as connection, connection.transaction():
        await database.tell(connection, staff="maria", units="hoor")
        with pytest.raises(asyncpg.CheckViolationError):
            await service.record(
                connection, ADVISOR, unit="hoor", family=None, booking=None, what="list", why=cast("Why", why)
            )


async def logged(engine: AsyncEngine, *values: object, person: str = "maria", role: str | None = None) -> None:
    """Call what writes the log as a process might that does as it pleases: role, unit, family, booking, what, why."""
    units = ",".join((*UNITS, "eslov"))
    async with database.transaction(engine, role=role, staff=person, units=units) as connection:
        await connection.execute("select log_read($1, $2, $3, $4, $5, $6)", *values)


async def test_a_read_has_the_time_of_the_database_whatever_a_process_says(
    engine: AsyncEngine, peek: asyncpg.Connection
) -> None:
    with pytest.raises(asyncpg.UndefinedFunctionError):
        async with database.transaction(engine, staff="maria", units="hoor") as connection:
            await connection.execute(
                "select log_read($1, 'advisor', 'hoor', $2, null, 'contact', 'day')",
                datetime(1999, 1, 1, tzinfo=UTC),
                FAMILIES["hoor"],
            )
    before = await peek.fetchval("select clock_timestamp()")
    # Nor the time at which a transaction began.
    async with database.transaction(engine, staff="maria", units="hoor", now="1999-01-01") as connection:
        began = await connection.fetchval("select now()")
        await connection.execute("select pg_sleep(0.01)")
        await connection.execute("select log_read('advisor', 'hoor', $1, null, 'contact', 'day')", FAMILIES["hoor"])
    (entry_,) = await entries_of(peek)
    assert before < began < entry_.at <= await peek.fetchval("select clock_timestamp()")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction(engine) as connection:
            await connection.execute("create or replace function read_at() returns timestamptz return now()")


async def test_a_read_is_one_that_the_person_can_have_made(
    engine: AsyncEngine, owner: AsyncEngine, peek: asyncpg.Connection
) -> None:
    family, other = FAMILIES["hoor"], FAMILIES["horby"]
    await grant(owner, "asa", ["hoor"], "coordinator")
    await grant(owner, "karin", ["horby"], "advisor", "reviewer")
    hidden, booked, elsewhere = uuid4(), uuid4(), uuid4()
    async with database.driver(owner) as connection:
        await connection.execute(
            "insert into family (id, unit, sealed, language, created_at, protection)"
            " values ($1, 'hoor', '\\x01', 'sv', now(), 'sekretessmarkering')",
            hidden,
        )
        await connection.execute("insert into family_access (family, unit, staff) values ($1, 'hoor', 'maria')", hidden)
        for booking, unit, of in ((booked, "hoor", family), (elsewhere, "horby", other)):
            await connection.execute(
                "insert into booking (id, status, offering, municipality, unit, advisor, modality, start_at, end_at,"
                " zone, created_at, changed_at, family, reference, token_hash) values ($1, 'confirmed', 'o', '1', $2,"
                " 'a', 'video', $3, $3, 'Europe/Stockholm', $3, $3, $4, $5, $6)",
                *(booking, unit, NOW, of, booking.hex, booking.bytes),
            )
    able: list[tuple[str, str | None, tuple[object, ...]]] = [
        ("maria", None, ("advisor", "hoor", family, None, "contact", "day")),
        ("maria", None, ("advisor", "hoor", family, booked, "booking", "day")),
        ("maria", None, ("advisor", "hoor", hidden, None, "contact", "day")),
        ("maria", None, ("advisor", "hoor", None, None, "search", "day")),
        ("asa", None, ("coordinator", "hoor", family, None, "contact", "day")),
        ("gunilla", "booking_review", ("reviewer", "hoor", None, booked, "review", "day")),
    ]
    for person, role, values in able:
        await logged(engine, *values, person=person, role=role)
    assert len(await entries_of(peek)) == len(able)
    for person, values in (
        ("maria", ("coordinator", "hoor", family, None, "contact", "day")),
        ("maria", ("advisor", "eslov", FAMILIES["eslov"], None, "contact", "day")),
        ("maria", ("advisor", "hoor", other, None, "contact", "day")),
        ("maria", ("advisor", "hoor", uuid4(), None, "contact", "day")),
        ("maria", ("advisor", "hoor", family, uuid4(), "booking", "day")),
        ("maria", ("advisor", "hoor", family, elsewhere, "booking", "day")),
        ("maria", ("advisor", "hoor", None, booked, "booking", "day")),
        ("maria", ("reviewer", "hoor", None, None, "review", "day")),
        ("maria", ("advisor", "hoor", None, None, "review", "day")),
        ("asa", ("coordinator", "hoor", hidden, None, "contact", "day")),
        ("gunilla", ("advisor", "hoor", family, None, "contact", "day")),
        ("gunilla", ("reviewer", "hoor", family, None, "contact", "day")),
        ("gunilla", ("reviewer", "hoor", family, None, "review", "day")),
        ("gunilla", ("reviewer", "hoor", None, elsewhere, "review", "day")),
        # One right does not lend to the other.
        ("karin", ("reviewer", "horby", other, None, "review", "day")),
        ("nobody", ("advisor", "hoor", family, None, "contact", "day")),
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await logged(engine, *values, person=person)
    async with database.driver(owner) as connection:
        await connection.execute("update directory_copy set ended = true where id = 'maria'")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await logged(engine, "advisor", "hoor", None, None, "search", "day")
    assert len(await entries_of(peek)) == len(able)


async def test_no_role_changes_deletes_or_writes_by_another_way(peek: asyncpg.Connection) -> None:
    roles = [
        row["rolname"]
        for row in await peek.fetch("select rolname from pg_roles where not rolsuper and rolname !~ '^pg_'")
    ]
    assert {"booking", "booking_owner", "booking_log", "booking_review"} <= set(roles)

    async def who(table: str, right: str) -> set[str]:
        has = "select has_any_column_privilege($1, $2, $3)"
        if right in ("delete", "truncate", "trigger"):
            has = "select has_table_privilege($1, $2, $3)"
        return {role for role in roles if await peek.fetchval(has, role, table, right)}

    for right in ("update", "delete", "truncate", "trigger"):
        assert await who("read_log", right) == set(), right
    assert await who("read_log", "insert") == {"booking_log"}
    assert await who("read_log", "select") == {"booking_public", "booking_owner", "booking_review", "booking_history"}
    for right in ("insert", "delete", "truncate"):
        assert await who("read_log_head", right) == set(), right
    assert await who("read_log_head", "update") == {"booking_log"}


async def test_nobody_can_take_the_role_that_writes(engine: AsyncEngine) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction(engine, role="booking_log"):
            pass


async def test_a_reviewer_sees_what_was_read_of_own_units_and_no_family(engine: AsyncEngine) -> None:
    await read(engine, "hoor")
    await read(engine, "horby")
    for units, seen in ((("hoor",), {"hoor"}), (UNITS, set(UNITS)), ((), set()), (("eslov",), set())):
        async with secrecy.of_review(engine, "gunilla", units) as connection:
            assert {row["unit"] for row in await connection.fetch("select unit from read_log")} == seen
    async with secrecy.of_review(engine, "gunilla", UNITS) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select id from family")


async def test_whoever_reads_families_sees_nothing_of_the_log(engine: AsyncEngine) -> None:
    await read(engine, "hoor")
    async with secrecy.of(engine, ADVISOR.id, UNITS) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select at from read_log")


Verify = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def verify(url: str, as_role: AsRole, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Verify:
    """`samtid verify-log`: the exit status, and what it said."""
    monkeypatch.setenv("DATABASE_URL", as_role(url, "booking_owner"))

    async def run(*arguments: str) -> tuple[int, str]:
        status = await asyncio.to_thread(cli.main, ["verify-log", *arguments])
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


async def test_an_empty_log_is_whole(verify: Verify) -> None:
    assert await verify() == (0, f"0 reads, each where it was written. Head: {'00' * 32}:0\n")
    assert (await verify("--head", f"{'00' * 32}:0"))[0] == 0


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ("update read_log set staff = 'somebody' where id = 3", "row 3: changed after it was written"),
        ("update read_log set at = at + interval '1 microsecond' where id = 5", "row 5: changed after it was written"),
        ("delete from read_log where id = 2", "row 2: missing: after row 1 comes row 3"),
        ("delete from read_log where id > 3", "row 4: missing: 5 rows were written"),
        ("truncate read_log", "row 1: missing: 5 rows were written"),
        (
            (
                "insert into read_log select 6, at, staff, role, unit, family, booking, what, why, hash, previous"
                " from read_log where id = 5"
            ),
            "row 6: changed after it was written",
        ),
        (
            (
                "update read_log set id = case id when 2 then -3 else -2 end where id in (2, 3);"
                "update read_log set id = -id where id < 0"
            ),
            "row 2: does not follow the row before",
        ),
    ],
)
async def test_what_was_done_to_the_log_is_found(
    engine: AsyncEngine, peek: asyncpg.Connection, verify: Verify, done: str, said: str
) -> None:
    for _ in range(5):
        await read(engine)
    status, whole = await verify()
    assert (status, whole.startswith("5 reads, each where it was written.")) == (0, True)
    await peek.execute(done)
    status, found = await verify()
    assert (status, said in found) == (1, True), found


async def test_a_tail_cut_off_together_with_the_head_is_found_by_the_noted_head(
    engine: AsyncEngine, peek: asyncpg.Connection, verify: Verify
) -> None:
    for _ in range(3):
        await read(engine)
    noted = (await verify())[1].split()[-1]
    await read(engine)
    assert (await verify("--head", noted))[0] == 0
    await peek.execute("delete from read_log where id > 2")
    await peek.execute("update read_log_head set (id, hash) = (select id, hash from read_log where id = 2)")
    assert (await verify())[0] == 0
    status, said = await verify("--head", noted)
    assert (status, "row 3: missing, and it was noted" in said) == (1, True)
    await read(engine)
    status, said = await verify("--head", noted)
    assert (status, "row 3: is not the row that was noted" in said) == (1, True)


async def test_whoever_serves_cannot_read_the_log_to_verify_it(
    url: str, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    status, said = await verify()
    assert status == 1
    assert "may not do this" in said
    assert "permission denied for table read_log" in said
