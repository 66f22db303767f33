"""Free time on real PostgreSQL: whatever happens, the projection equals recomputation and nothing overlaps."""

from contextlib import suppress
from datetime import time
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking.bookings import entry
from booking.bookings.service import Wanted
from booking.families.contacts import Contact
from booking.slots import rules, service
from booking.slots import tables as slot_tables
from booking.slots.reads import Offering, Schedule
from booking.slots.service import SlotId
from directory.events import ScheduleException, WeeklyBlock
from kit import database, roles
from kit.app import Runtime
from kit.refusal import Refusal
from tests.booking import register
from tests.conftest import Clock, Running

READER = roles.reader("booking")
CONTACT = Contact(name="Kim", phone="+46701234567", email=None, language="sv")

OVERLAPS = """
select count(*) from busy x join busy y on x.advisor = y.advisor and x.id < y.id and x.during && y.during
"""
WRONG_PROJECTION = """
select d.advisor, d.day, d.free,
       d.open - coalesce((select range_agg(during) from busy b where b.advisor = d.advisor and b.day = d.day), '{}')
from advisor_day d
where d.free <> d.open
      - coalesce((select range_agg(during) from busy b where b.advisor = d.advisor and b.day = d.day), '{}')
   or d.open <> coalesce(
      (select range_agg(during) from open_block o where o.advisor = d.advisor and o.day = d.day), '{}')
"""
# Every live booking occupies its advisor, and nothing else does.
UNMATCHED = """
select b.id, s.id from (select * from booking where status in ('held', 'confirmed')) b
full join busy s on s.id = b.id
where b.id is null or s.id is null or not s.during @> tstzrange(b.start_at, b.end_at)
   or (b.status = 'held') <> (s.kind = 'hold')
"""


async def check(booking: Running) -> None:
    async with database.driver(booking.admin) as connection:
        assert await connection.fetchval(OVERLAPS) == 0
        assert await connection.fetch(WRONG_PROJECTION) == []
        assert await connection.fetch(UNMATCHED) == []


async def candidates(runtime: Runtime) -> list[SlotId]:
    """Starts of the next two open days, whether free or not, so that operations meet each other."""
    async with database.driver(runtime.engine) as connection:
        document = await slot_tables.document(connection, "offering", "foraldrasamtal")
        assert document is not None
        offering = Offering.stored(document)
        blocks = await connection.fetch(
            "select * from open_block where upper(during) > $1 order by during limit 4", runtime.clock()
        )
    found = []
    for row in blocks:
        block = rules.Block(
            row["day"], row["during"].lower, row["during"].upper, tuple(row["modalities"]), None, row["zone"]
        )
        found += [SlotId("foraldrasamtal", "maria-ek", t.start) for t in rules.starts(offering, block, [])]
    return found


async def change_schedule(runtime: Runtime, version: int, shape: int) -> None:
    """What the handler does with a new version of the advisor's schedule."""
    monday = register.NOW.date()
    changes: list[dict[str, Any]] = [
        {},
        {"exceptions": [ScheduleException(kind="leave", first=monday, last=monday, start=time(9), end=time(11))]},
        {"weekly": [WeeklyBlock(weekday=1, start=time(10), end=time(15), modalities=["video"])]},
        {"weekly": []},
    ]
    schedule = register.schedule(version=version, **changes[shape])
    data = Schedule.model_validate(schedule.model_dump())
    async with database.transaction(runtime.engine, role=READER) as connection:
        await slot_tables.store(connection, "schedule", data, None)
        await service.refresh_open_hours(connection, "maria-ek", runtime.clock())


operations = st.one_of(
    st.tuples(st.just("hold"), st.integers(0, 30)),
    st.tuples(st.just("book"), st.integers(0, 30)),
    st.tuples(st.just("book held"), st.integers(0, 5)),
    st.tuples(st.just("release"), st.integers(0, 5)),
    st.tuples(st.just("move"), st.integers(0, 30)),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
    st.tuples(st.just("wait"), st.integers(1, 20)),
    st.tuples(st.just("schedule"), st.integers(0, 3)),
)


class World:
    """One sequence of operations on one advisor's time."""

    def __init__(self, runtime: Any, clock: Clock, version: int) -> None:
        self.runtime = runtime
        self.clock = clock
        self.version = version
        self.holds: list[UUID] = []
        self.tokens: list[str] = []

    def wanted(self, **of: Any) -> Wanted:
        values = {"hold": None, "slot": None, "municipality": "1266", "modality": "video", **of}
        return Wanted(contact=CONTACT, child_age=2, expecting=False, **values)

    async def do(self, what: str, number: int) -> None:
        slots, families = await candidates(self.runtime), self.runtime.public
        slot = slots[number % len(slots)] if slots else None
        if what == "hold" and slot:
            hold = await entry.hold(
                self.runtime.public, slot=slot, municipality="1266", modality="video", client=uuid4().hex
            )
            self.holds.append(hold.id)
        elif what == "book" and slot:
            answer = await entry.book(families, self.wanted(slot=slot), client="a", key=None, language="sv")
            self.tokens.append(answer["manage_token"])
        elif what == "book held" and self.holds:
            hold_id = self.holds[number % len(self.holds)]
            answer = await entry.book(
                self.runtime.public, self.wanted(hold=hold_id), client="a", key=None, language="sv"
            )
            self.tokens.append(answer["manage_token"])
        elif what == "release" and self.holds:
            await entry.release(families, self.holds[number % len(self.holds)])
        elif what == "move" and self.tokens and slot:
            await entry.reschedule(families, self.tokens[number % len(self.tokens)], slot, None, "sv")
        elif what == "cancel" and self.tokens:
            await entry.cancel(families, self.tokens[number % len(self.tokens)], "sv")
        elif what == "wait":
            self.clock.move(minutes=number)
        elif what == "schedule":
            self.version += 1
            await change_schedule(self.runtime, self.version, number)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sequence=st.lists(operations, min_size=3, max_size=25))
async def test_the_projection_equals_recomputation_and_nothing_overlaps(
    booking: Running, clock: Clock, sequence: list[tuple[str, int]]
) -> None:
    runtime: Runtime = booking.runtime
    clock.now = register.NOW
    async with database.driver(booking.admin) as connection:
        await connection.execute("truncate busy, booking, booking_change, family, family_access, idempotency")
        version = await connection.fetchval("select max(version) from directory_copy where kind = 'schedule'")
    world = World(runtime, clock, version + 1)
    await change_schedule(runtime, world.version, 0)
    await check(booking)
    for what, number in sequence:
        with suppress(Refusal):
            await world.do(what, number)
        await check(booking)


async def test_search_finds_what_the_rules_find(booking: Running, clock: Clock) -> None:
    runtime: Runtime = booking.runtime
    slots = await candidates(runtime)
    world = World(runtime, clock, 1)
    for taken in (slots[3], slots[6]):
        await entry.book(runtime.public, world.wanted(slot=taken), client="a", key=None, language="sv")
    async with database.driver(runtime.engine) as connection:
        found = await service.search(
            connection,
            slot_tables.Search(
                now=runtime.clock(),
                offering="foraldrasamtal",
                municipality="1266",
                last=slots[-1].start.replace(hour=23),
            ),
        )
    earliest = runtime.clock().replace(hour=9)
    expected = [s.start for s in slots if s not in (slots[3], slots[6]) and s.start >= earliest]
    assert [free.start for free in found] == expected


async def test_what_is_given_back_is_free_only_where_the_advisor_is_still_open(booking: Running, clock: Clock) -> None:
    runtime: Runtime = booking.runtime
    world = World(runtime, clock, 1)
    await world.do("book", 2)
    # Shape 3 has no hours at all.
    await world.do("schedule", 3)
    await world.do("cancel", 0)
    await check(booking)
    async with database.driver(booking.admin) as connection:
        assert await connection.fetchval("select count(*) from advisor_day where free <> '{}'") == 0
