"""What is told of messages: how long one has waited to be sent, and how many reached nobody."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import insert

from kit import database
from notification import tables
from notification.roles import DELIVERY
from tests.conftest import AsRole, Databases

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ([], (0, 0)),
        ([("pending", timedelta(minutes=1), timedelta())], (0, 0)),
        # One that was tried and waits to be tried again has waited since it was due.
        (
            [("pending", timedelta(minutes=-20), timedelta(hours=2)), ("pending", timedelta(minutes=-3), timedelta())],
            (1200, 0),
        ),
        ([("sent", timedelta(hours=-2), timedelta()), ("dropped", timedelta(hours=-2), timedelta())], (0, 0)),
        ([("dead", timedelta(days=-6), timedelta()), ("dead", timedelta(days=-8), timedelta())], (0, 1)),
    ],
)
async def test_messages_that_wait_and_those_that_reached_nobody(
    new_database: Databases,
    as_role: AsRole,
    messages: list[tuple[str, timedelta, timedelta]],
    told: tuple[float, int],
) -> None:
    url = await new_database("notification")
    admin, engine = database.engine(as_role(url), 1), database.engine(url, 1)
    try:
        async with admin.begin() as connection:
            for status, due, again in messages:
                one = {"status": status, "due_at": NOW + due, "next_attempt_at": NOW + due + again}
                fixed = {"id": uuid4(), "booking": uuid4(), "sequence": 0, "kind": "confirmation", "trace": {}}
                await connection.execute(insert(tables.message_table).values(**one, **fixed))
        async with database.begin(engine, role=DELIVERY) as connection:
            assert await tables.waiting(connection, NOW) == told
    finally:
        await admin.dispose()
        await engine.dispose()
