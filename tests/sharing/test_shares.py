"""Shares on real PostgreSQL: no race passes a limit, the ledger tells all, and each change gives back what it must."""

import asyncio
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from booking.bookings import entry, holds
from booking.bookings.rules import NotYetOpen, SlotTaken
from booking.bookings.service import Wanted
from booking.families.contacts import Contact
from booking.roles import SWEEP
from booking.sharing import rules
from booking.sharing import service as sharing
from booking.slots.service import SlotId
from directory import events as directory
from kit import database
from kit.refusal import Refusal
from tests.booking import register
from tests.booking.test_contention import deadlocks
from tests.booking.test_free_time import check
from tests.conftest import Clock, Running
from tests.sharing.world import (
    MUNICIPALITIES,
    candidates,
    check_ledger,
    clear,
    pool,
    positions,
    put,
    week,
)

CLIENTS = 16
REFUSALS = {
    "slot-taken",
    "not-yet-open",
    "hold-gone",
    "too-soon",
    "too-far-ahead",
    "not-changeable",
    "request-under-way",
}
CONTACT = Contact(name="Kim", phone="+46701234567", email=None, language="sv")
OFFERING = "foraldrasamtal"
# What is open in the tests that count: one advisor, ten hours a week, of which these may be booked ahead.
HOURS = {1: (8, 10), 2: (8, 10), 3: (8, 10), 4: (8, 10), 5: (8, 10)}
ENTITLED = {"1266": 156, "1267": 144, "1285": 300}
WEEK = timedelta(weeks=1)
FAR = register.NOW.date() + 2 * WEEK

# Each time that was taken, in order: what the ledger charges is compared with it.
WATCH = """
create table watched (n bigint generated always as identity, id uuid, day date);
create function watch() returns trigger security definer language plpgsql as
    $$ begin insert into watched (id, day) values (new.id, new.day); return new; end $$;
grant execute on function watch() to public;
create trigger watch after insert on busy for each row execute function watch();
"""


def wanted(municipality: str, **of: Any) -> Wanted:
    values = {"hold": None, "slot": None, "modality": "video", **of}
    return Wanted(contact=CONTACT, child_age=2, expecting=False, municipality=municipality, **values)


async def book(booking: Running, slot: SlotId, municipality: str = "1266") -> str:
    answer = await entry.book(
        booking.runtime.public, wanted(municipality, slot=slot), client="a", key=None, language="sv"
    )
    token: str = answer["manage_token"]
    return token


async def hold(booking: Running, slot: SlotId, municipality: str = "1266") -> UUID:
    made = await entry.hold(
        booking.runtime.public, slot=slot, municipality=municipality, modality="video", client=uuid4().hex
    )
    return made.id


shares = st.lists(st.integers(1, 60), min_size=3, max_size=3).map(lambda s: dict(zip(MUNICIPALITIES, s, strict=True)))
hours = st.dictionaries(st.integers(1, 7), st.sampled_from([(8, 10), (9, 12), (13, 17), (8, 9)]), min_size=1)
agreements = st.builds(
    lambda shares, release, period: {"shares": shares, "release_days": release, "period": period},
    shares,
    st.integers(0, 28),
    st.sampled_from(["iso_week", "four_weeks"]),
)


@dataclass
class Crowd:
    """Clients who all want the same few starts."""

    booking: Running
    clock: Clock
    starts: list[SlotId]
    tokens: list[str] = field(default_factory=list)
    holds: list[UUID] = field(default_factory=list)
    refusals: set[str] = field(default_factory=set)

    async def client(self, chance: random.Random) -> None:
        """Do one thing after the other, by chance."""
        for _ in range(6):
            what = chance.choice([self.book, self.hold, self.book_held, self.release, self.move, self.cancel])
            try:
                await what(chance)
            except Refusal as refusal:
                self.refusals.add(refusal.code)

    async def book(self, chance: random.Random) -> None:
        self.tokens.append(await book(self.booking, chance.choice(self.starts), chance.choice(MUNICIPALITIES)))

    async def hold(self, chance: random.Random) -> None:
        self.holds.append(await hold(self.booking, chance.choice(self.starts), chance.choice(MUNICIPALITIES)))

    async def book_held(self, chance: random.Random) -> None:
        self.clock.move(minutes=chance.choice([0, 0, 4]))
        if self.holds:
            asked = wanted("1266", hold=chance.choice(self.holds))
            answer = await entry.book(self.booking.runtime.public, asked, client="a", key=None, language="sv")
            self.tokens.append(answer["manage_token"])

    async def release(self, chance: random.Random) -> None:
        if self.holds:
            await entry.release(self.booking.runtime.public, chance.choice(self.holds))

    async def move(self, chance: random.Random) -> None:
        if self.tokens:
            slot = chance.choice(self.starts)
            await entry.reschedule(self.booking.runtime.public, chance.choice(self.tokens), slot, None, "sv")

    async def cancel(self, chance: random.Random) -> None:
        if self.tokens:
            await entry.cancel(self.booking.runtime.public, chance.choice(self.tokens), "sv")


@pytest.fixture
async def watched(booking: Running) -> Running:
    async with database.driver(booking.admin) as connection:
        await connection.execute(WATCH)
    return booking


@settings(
    max_examples=20,
    deadline=None,
    # Clients race: what failed once need not fail again.
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    terms=agreements,
    schedules=st.lists(hours, min_size=1, max_size=2),
    seed=st.integers(0, 2**32),
    busy=st.integers(6, 60),
)
async def test_no_race_passes_a_limit(
    watched: Running,
    clock: Clock,
    terms: dict[str, Any],
    schedules: list[dict[int, tuple[int, int]]],
    seed: int,
    busy: int,
) -> None:
    """16 clients book, hold, release, move and cancel at once; time passes and holds expire; and once more."""
    booking = watched
    clock.now = register.NOW
    await clear(booking)
    async with database.driver(booking.admin) as connection:
        await connection.execute("truncate watched")
    advisors = [register.advisor(n).id for n in range(len(schedules))]
    await put(
        booking.runtime,
        *(register.advisor(n) for n in range(2)),
        register.OFFERING.model_copy(update={"advisors": advisors, "horizon_days": 40, "lead_time_hours": 0}),
        pool(*advisors, **terms),
        *(register.schedule(a, weekly=week(s)) for a, s in zip(advisors, schedules, strict=True)),
    )
    found = [slot for slot, _ in await candidates(booking.runtime, OFFERING)]
    chance = random.Random(seed)
    found = chance.sample(found, min(busy, len(found)))
    crowd = Crowd(booking, clock, found)
    for days in (0, 1, 6):
        clock.move(days=days)
        async with asyncio.TaskGroup() as clients:
            for number in range(CLIENTS):
                clients.create_task(crowd.client(random.Random(f"{seed} {days} {number}")))
        await check_ledger(booking)
        for position in (await positions(booking)).values():
            assert position.left >= 0
            assert not (position.left and position.borrowed)
    await check(booking)
    await no_limit_was_passed(booking, terms["release_days"])
    assert await deadlocks(booking) == 0
    assert crowd.refusals <= REFUSALS


async def no_limit_was_passed(booking: Running, release_days: int) -> None:
    """The ledger, row by row as it was written: what was taken before its release was within the limit then."""
    async with database.driver(booking.admin) as connection:
        rows = await connection.fetch("select * from ledger where kind <> 'loan' order by id")
        watched = await connection.fetch("select id, day from watched order by n")
    days: dict[UUID, list[date]] = defaultdict(list)
    for each in watched:
        days[each["id"]].append(each["day"])
    limit: Counter[tuple[date, str]] = Counter()
    used: Counter[tuple[date, str]] = Counter()
    for row in rows:
        key = (row["period"], row["municipality"])
        if row["kind"] != "use":
            limit[key] += row["minutes"]
            continue
        used[key] += row["minutes"]
        if row["minutes"] > 0:
            day = days[row["booking"]].pop(0)
            if not rules.is_released(day, rules.today(row["at"]), release_days):
                assert used[key] <= limit[key]


async def test_schedules_and_agreements_change_while_families_book(booking: Running, clock: Clock) -> None:
    """Neither waits for the other for ever, and what is kept stays the sum of the ledger."""
    await put(booking.runtime, pool("maria-ek"), register.schedule(weekly=week(HOURS)))
    found = [slot for slot, _ in await candidates(booking.runtime, OFFERING)]
    crowd = Crowd(booking, clock, found[:60])
    leave = [directory.ScheduleException(kind="leave", first=FAR, last=FAR + timedelta(days=n)) for n in range(3)]

    async def change() -> None:
        for away in leave:
            await put(booking.runtime, register.schedule(weekly=week(HOURS), exceptions=[away]))
            await put(booking.runtime, pool("maria-ek", period="four_weeks"))
            await put(booking.runtime, register.schedule(weekly=week(HOURS)))
            await put(booking.runtime, pool("maria-ek"))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(change())
        for number in range(CLIENTS):
            tasks.create_task(crowd.client(random.Random(number)))
    assert await deadlocks(booking) == 0
    await check_ledger(booking)
    await check(booking)


@pytest.fixture
async def shared(booking: Running) -> Running:
    """Ten hours a week of one advisor, 26, 24 and 50 percent."""
    await put(booking.runtime, pool("maria-ek"), register.schedule(weekly=week(HOURS)))
    return booking


async def on(booking: Running, day: date) -> list[SlotId]:
    return [slot for slot, its in await candidates(booking.runtime, OFFERING) if its == day]


async def listed(booking: Running, municipality: str, day: date, **query: Any) -> list[str]:
    params = {"offering": OFFERING, "municipality": municipality, "from": str(day), "to": str(day), **query}
    answer = await booking.http.get("/booking/v1/slots", params=params)
    return [item["id"] for item in answer.json()["items"]]


async def standing(booking: Running, day: date = FAR) -> dict[str, rules.Position]:
    monday = day - timedelta(days=day.weekday())
    return {code: p for (first, code), p in (await positions(booking)).items() if first == monday}


async def test_each_is_entitled_to_its_share_of_what_is_worked(shared: Running) -> None:
    assert {code: p.entitled for code, p in (await standing(shared)).items()} == ENTITLED
    leave = directory.ScheduleException(kind="leave", first=FAR, last=FAR)
    await put(shared.runtime, register.schedule(weekly=week(HOURS), exceptions=[leave]))
    less = {code: p.entitled for code, p in (await standing(shared)).items()}
    assert less == {"1266": 125, "1267": 115, "1285": 240}
    # A holiday too: Good Friday.
    assert sum(p.entitled for p in (await standing(shared, date(2026, 4, 3))).values()) == 480
    await check_ledger(shared)


async def test_beyond_the_release_a_municipality_books_its_share(shared: Running) -> None:
    slots = await on(shared, FAR) + await on(shared, FAR + timedelta(days=1))
    for slot in slots[:2]:
        await book(shared, slot)
    with pytest.raises(NotYetOpen) as refused:
        await book(shared, slots[2])
    assert refused.value.opens == FAR + timedelta(days=1) - WEEK
    assert "måndag 9 mars" not in refused.value.text("sv")[1]
    assert "tisdag 10 mars" in refused.value.text("sv")[1]
    assert slots[2] not in [SlotId(f.offering, f.advisor, f.start) for f in refused.value.alternatives]
    assert (await standing(shared))["1266"].used == 120
    # Its neighbour has its own.
    await book(shared, slots[2], "1285")
    await check_ledger(shared)


async def test_search_lists_what_can_be_booked_and_says_when_more_opens(shared: Running) -> None:
    for slot in await on(shared, FAR):
        await book(shared, slot)
    tuesday = FAR + timedelta(days=1)
    assert await listed(shared, "1266", tuesday) == []
    assert len(await listed(shared, "1285", tuesday)) == 2
    params = {"offering": OFFERING, "municipality": "1266", "from": str(FAR), "to": str(FAR + timedelta(days=6))}
    answer = await shared.http.get("/booking/v1/slots", params=params)
    assert answer.json()["items"] == []
    assert answer.json()["more_opens"] == "2026-03-10"
    later = await shared.http.get("/booking/v1/slots", params={**params, "municipality": "1285"})
    assert later.json()["more_opens"] is None


async def test_within_the_release_anybody_books_and_the_others_lend(shared: Running, clock: Clock) -> None:
    for slot in await on(shared, FAR):
        await book(shared, slot)
    clock.move(days=8)
    tuesday = await on(shared, FAR + timedelta(days=1))
    assert len(await listed(shared, "1266", FAR + timedelta(days=1))) == 2
    assert await listed(shared, "1266", FAR + timedelta(days=2)) == []
    token = await book(shared, tuesday[0])
    after = await standing(shared)
    assert after["1266"] == rules.Position(156, used=180, borrowed=24)
    assert after["1285"] == rules.Position(300, lent=24)
    await entry.cancel(shared.runtime.public, token, "sv")
    assert (await standing(shared))["1285"] == rules.Position(300)
    await check_ledger(shared)


async def test_what_was_borrowed_counts_as_used_when_there_is_more_to_use(shared: Running, clock: Clock) -> None:
    """A town that borrowed has time left once its agreement grows, and has yet used most of its own."""
    for slot in await on(shared, FAR):
        await book(shared, slot)
    clock.move(days=8)
    await book(shared, (await on(shared, FAR + timedelta(days=1)))[0])
    await put(shared.runtime, register.schedule(weekly=week(dict.fromkeys(HOURS, (8, 11)))))
    position = (await standing(shared))["1266"]
    assert position == rules.Position(234, used=180, borrowed=24)
    assert position.left > 60
    wednesday = await on(shared, FAR + timedelta(days=2))
    with pytest.raises(NotYetOpen):
        await book(shared, wednesday[0])
    assert (await standing(shared))["1266"] == position
    await check_ledger(shared)


async def test_without_a_share_that_is_worked_out_nothing_is_booked(shared: Running) -> None:
    monday = await on(shared, FAR)
    async with database.driver(shared.admin) as connection:
        await connection.execute("delete from entitlement where first = $1 and municipality = '1266'", FAR)
    with pytest.raises(SlotTaken) as refused:
        await book(shared, monday[0])
    assert refused.value.code == "slot-taken"
    async with database.driver(shared.admin) as connection:
        assert await connection.fetchval("select count(*) from busy") == 0
    await book(shared, monday[0], "1285")


async def test_a_hold_counts_and_returns_what_it_took(shared: Running, clock: Clock) -> None:
    slots = await on(shared, FAR)
    first, _ = [await hold(shared, slot) for slot in slots]
    wednesday = await on(shared, FAR + timedelta(days=2))
    with pytest.raises(NotYetOpen):
        await hold(shared, wednesday[0])
    await entry.release(shared.runtime.public, first)
    assert (await standing(shared))["1266"].used == 60
    await hold(shared, wednesday[0])
    # An expired hold is in nobody's way, and its minutes are back.
    clock.move(minutes=11)
    async with database.transaction(shared.runtime.engine, role=SWEEP) as connection:
        await holds.expire(connection, clock.now)
    assert (await standing(shared))["1266"].used == 0
    await check_ledger(shared)


async def test_a_held_time_is_charged_once_when_it_is_booked(shared: Running) -> None:
    held = await hold(shared, (await on(shared, FAR))[0])
    await entry.book(shared.runtime.public, wanted("1266", hold=held), client="a", key=None, language="sv")
    assert (await standing(shared))["1266"].used == 60
    await check_ledger(shared)


async def test_a_move_takes_its_charge_along(shared: Running) -> None:
    slots = await on(shared, FAR)
    tokens = [await book(shared, slot) for slot in slots]
    next_week = (await on(shared, FAR + WEEK))[0]
    await entry.reschedule(shared.runtime.public, tokens[0], next_week, None, "sv")
    assert (await standing(shared))["1266"].used == 60
    assert (await standing(shared, FAR + WEEK))["1266"].used == 60
    # Within one period it needs no more than it had, though all that is its own is used.
    await book(shared, slots[0])
    friday = (await on(shared, FAR + timedelta(days=4)))[0]
    await entry.reschedule(shared.runtime.public, tokens[1], friday, None, "sv")
    assert (await standing(shared))["1266"].used == 120
    await book(shared, slots[1], "1267")
    # Into a week in which nothing is left it cannot move, and stays where it was.
    with pytest.raises(NotYetOpen):
        await entry.reschedule(
            shared.runtime.public, tokens[0], (await on(shared, FAR + timedelta(days=1)))[0], None, "sv"
        )
    assert (await standing(shared, FAR + WEEK))["1266"].used == 60
    await check_ledger(shared)


async def test_travel_and_buffers_are_charged_to_the_municipality_served(shared: Running) -> None:
    travels = register.OFFERING.model_copy(update={"id": "besok", "buffer_before": 30, "buffer_after": 30})
    await put(shared.runtime, travels)
    slot = (await on(shared, FAR))[0]
    await book(shared, SlotId("besok", slot.advisor, slot.start + timedelta(minutes=30)))
    assert (await standing(shared))["1266"].used == 105
    assert (await standing(shared))["1267"].used == 0


async def test_a_taken_time_is_said_to_be_taken_though_the_share_is_used_too(shared: Running) -> None:
    slots = await on(shared, FAR)
    for slot in slots:
        await book(shared, slot)
    with pytest.raises(SlotTaken) as refused:
        await book(shared, slots[0])
    assert refused.value.code == "slot-taken"


async def test_an_amendment_takes_effect_from_its_day_and_leaves_bookings_alone(shared: Running) -> None:
    """From a Wednesday on the shares are others, and a town has left."""
    await book(shared, (await on(shared, FAR))[0])
    friday = (await on(shared, FAR + timedelta(days=4)))[0]
    await book(shared, friday, "1267")
    wednesday = FAR + timedelta(days=2)
    amended = directory.Amendment(valid_from=wednesday, posts=1.5, shares={"1266": 50, "1285": 50})
    await put(shared.runtime, pool("maria-ek", amendments=[amended]))
    stands = await positions(shared)
    assert {code: p.entitled for (first, code), p in stands.items() if first == FAR} == {
        "1266": 62,
        "1267": 58,
        "1285": 120,
    }
    assert {code: p.entitled for (first, code), p in stands.items() if first == wednesday} == {"1266": 180, "1285": 180}
    # What a town that has left had booked stays booked.
    async with database.driver(shared.admin) as connection:
        assert await connection.fetchval("select count(*) from busy") == 2
    assert await listed(shared, "1267", wednesday) == []
    assert len(await listed(shared, "1266", wednesday)) == 2
    await check_ledger(shared)


@pytest.mark.parametrize("later", [0, 10])
async def test_bookings_are_charged_to_the_periods_that_hold_them_now(
    shared: Running, clock: Clock, later: int
) -> None:
    """Weeks that are over, too, where four weeks that are not hold them."""
    for day in (0, 7, 14):
        await book(shared, (await on(shared, FAR + timedelta(days=day)))[0])
    clock.move(days=later)
    await put(shared.runtime, pool("maria-ek", period="four_weeks"))
    used = {first: p.used for (first, code), p in (await positions(shared)).items() if code == "1266"}
    # Four weeks from the Monday of the week of 1 January 2026.
    assert used[date(2026, 2, 23)] == 60
    assert used[date(2026, 3, 23)] == 120
    assert sum(used.values()) == 180
    await check_ledger(shared)


async def test_unused_time_gives_credit_up_to_the_cap(shared: Running, clock: Clock) -> None:
    await put(shared.runtime, pool("maria-ek", carry_over=50))
    clock.move(days=7)

    async def carry() -> None:
        async with database.transaction(shared.runtime.engine, role=SWEEP) as connection:
            await sharing.carry_over(connection, clock.now)

    await carry()
    # The first week that lies wholly beyond the release.
    credited = {(first, code): p.credit for (first, code), p in (await positions(shared)).items() if p.credit}
    monday = date(2026, 3, 23)
    assert credited == {(monday, "1266"): 78, (monday, "1267"): 72, (monday, "1285"): 150}
    await carry()
    assert (await positions(shared))[monday, "1266"].credit == 78
    slots = await on(shared, monday) + await on(shared, monday + timedelta(days=1))
    for slot in slots[:3]:
        await book(shared, slot)
    with pytest.raises(NotYetOpen):
        await book(shared, slots[3])
    await check_ledger(shared)


async def test_nobody_changes_the_ledger(shared: Running) -> None:
    await book(shared, (await on(shared, FAR))[0])
    async with database.driver(shared.admin) as connection:
        rows = await connection.fetch(
            "select grantee, privilege_type from information_schema.role_table_grants"
            " where table_name = 'ledger' and privilege_type in ('UPDATE', 'DELETE', 'TRUNCATE')"
            " union select grantee, privilege_type from information_schema.column_privileges"
            " where table_name = 'ledger' and privilege_type = 'UPDATE'"
        )
    assert {row["grantee"] for row in rows} <= {"postgres"}


async def test_a_start_of_any_advisor_is_the_least_used_ones_or_the_one_asked_for(shared: Running) -> None:
    other = register.advisor(1)
    both = ["maria-ek", other.id]
    await put(
        shared.runtime,
        other,
        register.OFFERING.model_copy(update={"advisors": both}),
        pool(*both),
        register.schedule(other.id, weekly=week(HOURS)),
    )
    tuesday = FAR + timedelta(days=1)
    assert len(await listed(shared, "1285", tuesday)) == 4

    async def chosen(**query: Any) -> list[str]:
        return [SlotId.parse(each).advisor for each in await listed(shared, "1285", tuesday, any_advisor=True, **query)]

    assert await chosen() == [other.id, other.id]
    await book(shared, next(s for s in await on(shared, FAR) if s.advisor == other.id), "1285")
    assert await chosen() == ["maria-ek", "maria-ek"]
    assert await chosen(prefer=other.id) == [other.id, other.id]
