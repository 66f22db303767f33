"""What booking tells of that a coordinator has to attend to, on the first page of the register."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from nats.aio.client import Client

from booking.events import ATTENTION_RAISED, ATTENTION_SETTLED
from directory import attention, tables
from kit import messaging
from kit.events import EventType
from tests.conftest import Running, until
from tests.directory.desk import COORDINATOR, ELSEWHERE, NOW, OPERATOR, Desk

UNIT = "hoor-familjestod"
MANY, ONE = "2 familjer har inte nåtts av meddelanden", "En familj har inte nåtts"


def event(kind: EventType, one: UUID, **changed: Any) -> bytes:
    example = next(iter(kind.examples.values())).model_dump()
    data = kind.data(**{**example, "attention": one, "unit": UNIT, "booking": one, **changed})
    return kind.encode(event_id=uuid4(), entity_id=str(one), data=data, now=NOW)


async def _read(directory: Running, kind: EventType, one: UUID, **changed: Any) -> None:
    (reads,) = (r for r in attention.READS if kind.type in r.handlers)
    await messaging.handle(reads, event(kind, one, **changed), directory.runtime.engine, tables.inbox_table, NOW)


async def test_families_that_were_not_reached_are_counted_for_whoever_answers_for_them(directory: Running) -> None:
    first, second = uuid4(), uuid4()
    assert "har inte nåtts" not in await Desk(directory, COORDINATOR).page("")
    await _read(directory, ATTENTION_RAISED, first)
    await _read(directory, ATTENTION_RAISED, first)
    page = await Desk(directory, COORDINATOR).page("")
    assert ONE in page
    assert 'href="/ej-nadda"' in page
    await _read(directory, ATTENTION_RAISED, second)
    assert MANY in await Desk(directory, COORDINATOR).page("")
    assert "2 families were not reached" in await Desk(directory, COORDINATOR, "en").page("")
    for other in (ELSEWHERE, OPERATOR):
        assert "har inte nåtts" not in await Desk(directory, other).page("")
    await _read(directory, ATTENTION_SETTLED, first)
    await _read(directory, ATTENTION_SETTLED, second)
    await _read(directory, ATTENTION_RAISED, second)
    assert "har inte nåtts" not in await Desk(directory, COORDINATOR).page("")


@pytest.mark.parametrize("order", [(ATTENTION_RAISED, ATTENTION_SETTLED), (ATTENTION_SETTLED, ATTENTION_RAISED)])
async def test_it_is_read_from_the_stream_in_any_order(
    directory: Running, streams: Client, order: tuple[EventType, ...]
) -> None:
    stays, goes = uuid4(), uuid4()
    jetstream = streams.jetstream()
    for kind in order:
        await jetstream.publish(kind.subject(""), event(kind, goes), stream="EVENTS")
    await jetstream.publish(ATTENTION_RAISED.subject(""), event(ATTENTION_RAISED, stays), stream="EVENTS")

    async def said() -> bool:
        async with directory.admin.connect() as connection:
            rows = await connection.execute(tables.attention.select())
            return {(row.id, row.settled) for row in rows} == {(stays, False), (goes, True)}

    await until(said)
    assert ONE in await Desk(directory, COORDINATOR).page("")
