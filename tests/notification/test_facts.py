"""Facts come twice, out of order and at the same time; what is planned in the end is always the same."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from booking import events
from kit import database, messaging, roles
from notification import rules, tables
from notification.handlers import READS
from tests.conftest import Databases
from tests.notification.conftest import BOOKED_AT, START, fact

READER = roles.reader("notification")


@pytest.fixture(scope="module")
async def engine(lasting_database: Databases) -> AsyncIterator[AsyncEngine]:
    made = database.engine(await lasting_database("notification"), 10)
    yield made
    await made.dispose()


async def _handle(engine: AsyncEngine, *bodies: bytes) -> None:
    await asyncio.gather(*(messaging.handle(READS[0], body, engine, tables.inbox, BOOKED_AT) for body in bodies))


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[str], list[int], int]:
    """A booking's facts in their order, and an order with repetitions in which they come, so many at a time."""
    facts = ["confirmed", *["rescheduled"] * draw(st.integers(0, 3)), *(["cancelled"] if draw(st.booleans()) else [])]
    order = draw(st.permutations(range(len(facts))))
    again = draw(st.lists(st.integers(0, len(facts) - 1), max_size=4))
    return facts, [*order, *again], draw(st.integers(1, 4))


KINDS = {"confirmed": events.CONFIRMED, "rescheduled": events.RESCHEDULED, "cancelled": events.CANCELLED}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories())
async def test_any_order_plans_the_same(engine: AsyncEngine, history: tuple[list[str], list[int], int]) -> None:
    facts, order, at_a_time = history
    booking = uuid4()
    bodies = [
        fact(
            KINDS[name],
            booking,
            sequence,
            start=START + timedelta(days=sequence),
            at=BOOKED_AT + timedelta(hours=sequence),
        )
        for sequence, name in enumerate(facts)
    ]
    for first in range(0, len(order), at_a_time):
        await _handle(engine, *(bodies[n] for n in order[first : first + at_a_time]))

    last = len(facts) - 1
    name: Any = facts[last]
    expected = rules.messages(name, BOOKED_AT + timedelta(hours=last), START + timedelta(days=last))
    async with database.begin(engine, role=READER) as connection:
        found = (
            await connection.execute(select(tables.message_table).where(tables.message_table.c.booking == booking))
        ).all()
    pending = {row.kind: row.due_at for row in found if row.status == "pending"}
    assert pending == expected
    assert {row.sequence for row in found if row.status == "pending"} == {last}
    assert {row.status for row in found if row.sequence != last} <= {"dropped"}


async def test_an_event_of_another_type_is_passed_over(engine: AsyncEngine) -> None:
    body = fact(events.CONFIRMED, booking := uuid4()).replace(b"booking.confirmed.v1", b"booking.fulfilled.v1")
    await _handle(engine, body)
    async with database.begin(engine, role=READER) as connection:
        found = await connection.execute(select(tables.message_table).where(tables.message_table.c.booking == booking))
        assert found.first() is None


@pytest.mark.parametrize("kind", [events.FULFILLED, events.NO_SHOW, events.REOPENED], ids=lambda kind: kind.name)
async def test_what_became_of_a_visit_is_told_to_nobody(engine: AsyncEngine, kind: events.EventType) -> None:
    assert kind.type not in READS[0].handlers
    (example,) = kind.examples.values()
    await _handle(engine, kind.encode(event_id=uuid4(), entity_id="x", data=example, now=BOOKED_AT))
    async with database.begin(engine, role=READER) as connection:
        found = await connection.execute(
            select(tables.message_table).where(tables.message_table.c.booking == example.booking)
        )
        assert found.first() is None


@pytest.mark.parametrize("kind", [events.CONFIRMED, events.RESCHEDULED, events.CANCELLED], ids=lambda kind: kind.name)
async def test_every_example_can_be_read(kind: events.EventType) -> None:
    from kit.events import CloudEvent
    from notification.handlers import Booked

    handler = READS[0].handlers[kind.type]
    assert handler.data is Booked
    for example in kind.examples.values():
        body = kind.encode(event_id=uuid4(), entity_id="x", data=example, now=BOOKED_AT)
        assert CloudEvent[Booked].model_validate_json(body).data.booking == example.booking


async def test_migrations_and_tables_agree(engine: AsyncEngine) -> None:
    def compare(connection: Any) -> list[Any]:
        return compare_metadata(MigrationContext.configure(connection), tables.metadata)

    async with engine.connect() as connection:
        differences = await connection.run_sync(compare)
    assert [d for d in differences if "alembic_version" not in str(d)] == []
