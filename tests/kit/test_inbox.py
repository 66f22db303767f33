"""Forgetting the events that were remembered long enough."""

from importlib import import_module

import pytest

from kit import database, inbox, roles
from tests import plans
from tests.booking import register
from tests.conftest import AsRole, Databases

# Pages, of a table that has hundreds.
FEW = 20


@pytest.mark.parametrize(("service", "name"), [("booking", "inbox_table"), ("notification", "inbox")])
async def test_what_can_be_forgotten_is_found(
    service: str, name: str, new_database: Databases, as_role: AsRole
) -> None:
    url = await new_database(service)
    admin = database.engine(as_role(url), 1)
    async with database.driver(admin) as connection:
        await connection.execute(
            "insert into inbox (consumer, event_id, received_at)"
            " select 'state', gen_random_uuid(), $1::timestamptz - interval '1 minute' * n"
            " from generate_series(1, 20000) n",
            register.NOW,
        )
        await connection.execute("vacuum analyze inbox")
    await admin.dispose()
    engine = database.engine(url, 1)
    table = getattr(import_module(f"{service}.tables"), name)
    async with database.begin(engine, role=roles.reader(service)) as transaction:
        asked = await plans.sent(engine, inbox.purge(transaction, table, register.NOW))
        assert [await plans.touched(await database.driver_of(transaction), *one) < FEW for one in asked] == [True]
    await engine.dispose()
