"""Epochs of the register: whatever comes in whatever order, booking keeps what the last register says."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from booking.slots import reads, tables
from booking.slots.handlers import READS, begin_epoch
from directory import events
from directory.events import Entity
from kit import database, roles
from kit.events import CloudEvent
from tests.booking import register
from tests.booking.test_register_versions import known, told
from tests.conftest import Running

IDS = ("anna", "bo", "cecilia")
FORGED = 2**31 - 1


@dataclass(frozen=True)
class State:
    epoch: datetime | None
    id: str
    version: int
    ended: bool


@dataclass(frozen=True)
class Whole:
    epoch: datetime
    ids: tuple[str, ...]


Message = State | Whole


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Message], set[tuple[datetime, str, int]]]:
    """All that was told of up to three registers, one after the other, and what lives in the last."""
    messages: list[Message] = []
    for number in range(draw(st.integers(1, 3)) + 1):
        # What was told before there were epochs has none, and no list.
        epoch = register.NOW + timedelta(days=number) if number else None
        there = dict.fromkeys(draw(st.sets(st.sampled_from(IDS))), (1, False))
        there = {each: (draw(st.integers(1, 9)), draw(st.booleans())) for each in there}
        messages += [State(epoch, each, *state) for each, state in there.items()]
        if epoch:
            messages.append(Whole(epoch, tuple(there)))
        for changed in draw(st.lists(st.sampled_from(IDS), max_size=4)):
            there[changed] = (there[changed][0] + 1 if changed in there else 1, draw(st.booleans()))
            messages.append(State(epoch, changed, *there[changed]))
    last = max(message.epoch for message in messages if isinstance(message, Whole))
    before = sorted({message.epoch for message in messages if message.epoch != last}, key=str)
    for epoch in before:
        messages += [State(epoch, each, FORGED, ended=False) for each in draw(st.sets(st.sampled_from(IDS)))]
    twice = draw(st.lists(st.sampled_from(messages), max_size=6))
    lives = {(last, each, version) for each, (version, ended) in there.items() if not ended}
    return draw(st.permutations([*messages, *twice])), lives


FIRST, SECOND = (register.NOW + timedelta(days=number) for number in (1, 2))


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories())
# The list of an earlier epoch comes last but one.
@example(history=([Whole(SECOND, ()), Whole(FIRST, ()), State(FIRST, "anna", 1, ended=False)], set()))
# A state comes before its list, or the list before it.
@example(history=([State(SECOND, "anna", 1, ended=False), Whole(SECOND, ())], {(SECOND, "anna", 1)}))
@example(
    history=(
        [State(FIRST, "anna", FORGED, ended=False), Whole(SECOND, ()), State(SECOND, "anna", 1, ended=False)],
        {(SECOND, "anna", 1)},
    )
)
@example(history=([State(FIRST, "anna", 7, ended=False), State(SECOND, "anna", 1, ended=False)], {(SECOND, "anna", 1)}))
async def test_in_any_order_and_twice_the_last_register_is_what_is_kept(
    booking: Running, history: tuple[list[Message], set[tuple[datetime, str, int]]]
) -> None:
    messages, lives = history
    # Nothing is left of the example before.
    kind = uuid4().hex
    async with database.begin(booking.runtime.engine, role=roles.reader("booking")) as connection:
        driver = await database.driver_of(connection)
        for message in messages:
            if isinstance(message, Whole):
                await tables.begin_epoch(driver, kind, message.epoch, message.ids)
            else:
                state = reads.Entity(id=message.id, version=message.version, ended=message.ended)
                await tables.store(driver, kind, state, message.epoch)
        rows = await driver.fetch(
            "select epoch, id, version from directory_copy where kind = $1 and not ended"
            " and not (data->>'ended')::boolean and (data->>'version')::integer = version",
            kind,
        )
    assert {tuple(row) for row in rows} == lives


async def told_whole(booking: Running, kind: str, *ids: str, epoch: datetime) -> None:
    data = READS.handlers[events.REGISTER.type].data.model_validate({"kind": kind, "ids": ids})
    event = CloudEvent[Any](
        id=uuid4(),
        source="/directory",
        type=events.REGISTER.type,
        subject=kind,
        time=register.NOW,
        epoch=epoch,
        data=data,
    )
    async with database.begin(booking.runtime.engine, role=roles.reader("booking")) as connection:
        await begin_epoch(connection, event, booking.runtime.clock())


async def counted(booking: Running, query: str) -> object:
    async with database.driver(booking.admin) as connection:
        return await connection.fetchval(query)


@pytest.mark.parametrize(
    ("kind", "follows"),
    [
        ("schedule", "select count(*) from open_block"),
        ("schedule", "select count(*) from entitlement where minutes > 0"),
        ("offering", "select count(*) from reach"),
        ("pool", "select count(*) from entitlement where minutes > 0"),
        ("advisor", "select count(*) from reach"),
    ],
)
async def test_with_what_is_in_no_register_any_more_goes_what_followed_from_it(
    booking: Running, kind: str, follows: str
) -> None:
    assert await counted(booking, follows)
    await told_whole(booking, kind, epoch=register.NOW)
    assert not await counted(booking, follows)
    state: dict[str, Entity] = {
        "schedule": register.schedule(),
        "offering": register.OFFERING,
        "pool": register.pool("maria-ek"),
        "advisor": register.advisor(),
    }
    # It comes back as the first version of the new register.
    await told(booking, state[kind], epoch=register.NOW)
    assert await counted(booking, follows)


async def test_what_was_told_before_there_were_epochs_is_kept_until_one_begins(booking: Running) -> None:
    before = await known(booking)
    await told_whole(booking, "unit", "familjestod", epoch=register.NOW)
    await told_whole(booking, "centre", "bvc-horby", epoch=register.NOW)
    assert await known(booking) == before


async def test_a_schedule_that_is_somebody_elses_in_a_new_register_takes_the_time_of_its_advisor_along(
    booking: Running,
) -> None:
    other = register.advisor().model_copy(update={"id": "per-ek"})
    moved = register.schedule().model_copy(update={"advisor": "per-ek"})
    pools = register.pool("maria-ek"), register.pool("per-ek").model_copy(update={"id": "another"})
    await told(booking, other, *pools, epoch=register.NOW)
    await told(booking, moved, epoch=register.NOW)
    assert await counted(booking, "select count(*) from open_block where advisor = 'maria-ek'") == 0
    assert await counted(booking, "select count(*) from open_block where advisor = 'per-ek'")
    assert not await counted(booking, "select sum(minutes) from entitlement where pool = 'hoor-horby-eslov'")
    assert await counted(booking, "select sum(minutes) from entitlement where pool = 'another'")
