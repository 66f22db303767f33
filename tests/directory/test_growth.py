"""What the register's rules cost grows as the register does, and not as its square. What is looked for in it is found.

Rules are counted in lines of our code that are run: that is the same on each machine, however busy it is.
"""

import sys
from collections.abc import Awaitable, Callable, Iterable
from datetime import date
from types import FrameType
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from directory import events, tables
from directory.outlook import outlook
from directory.rules import breaches
from directory.rules.agreement import Remit
from directory.rules.register import Register
from kit import database
from tests import plans
from tests.booking import register as small
from tests.conftest import AsRole

TODAY = date(2026, 3, 2)
# Pages, of a table that has hundreds.
FEW = 20
EVERYTHING = Remit(everything=True, units=frozenset(), municipalities=frozenset())


def country(towns: int) -> Register:
    """So many municipalities, each with a unit, and a pool of four advisors of its own who give one offering."""
    made = Register()
    for n in range(towns):
        code, unit = f"{n:04}", f"unit-{n}"
        advisors = [small.advisor(4 * n + m + 1).model_copy(update={"unit": unit}) for m in range(4)]
        ids = [advisor.id for advisor in advisors]
        made.municipality[code] = small.MUNICIPALITIES[0].model_copy(update={"id": code, "slug": f"town-{n}"})
        made.unit[unit] = small.UNIT.model_copy(update={"id": unit, "municipality": code})
        made.advisor.update({advisor.id: advisor for advisor in advisors})
        pool = small.pool(*ids).model_copy(update={"id": f"pool-{n}", "shares": {code: 100}})
        made.pool[pool.id] = pool
        made.schedule.update({each: small.schedule(each, weekly=[]) for each in ids})
        told = {"id": f"offering-{n}", "unit": unit, "municipalities": [code], "advisors": ids}
        made.offering[told["id"]] = small.OFFERING.model_copy(update=told)
        made.staff.update(
            {
                each: events.Staff(
                    id=each,
                    version=1,
                    name=each,
                    identity=f"SE-{each}",
                    advisor=each,
                    grants=[events.Grant(role="advisor", unit=unit)],
                )
                for each in ids
            }
        )
    return made


def lines(work: Callable[[Register], Iterable[Any]], register: Register) -> int:
    """How many lines of directory are run, each turn of a loop counted."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace if frame.f_globals["__name__"].startswith("directory.") else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        assert all(work(register)), "gone through to its end"
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("work", [breaches, lambda register: outlook(register, EVERYTHING, TODAY)])
def test_a_register_of_twice_as_many_municipalities_takes_twice_as_long(
    work: Callable[[Register], Iterable[Any]],
) -> None:
    assert lines(work, country(60)) < 2.1 * lines(work, country(30))


_ENTITIES = """
insert into entity (kind, id, data) select kind, kind || '-' || n, jsonb_build_object(
    'id', kind || '-' || n, 'ended', false, 'advisor', 'advisor-' || n, 'identity', 'SE-' || n,
    'name', repeat('x', 300))
from unnest(array['schedule', 'staff']) kind, generate_series(1, 3000) n
"""


async def _schedules(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        assert await tables.page(connection, "schedule", [tables.of_advisor("advisor-7")], limit=50, offset=0)


@pytest.mark.parametrize("work", [_schedules, lambda engine: tables.find_staff(engine, "identity", "SE-7")])
async def test_an_advisors_schedules_and_who_signs_in_are_found(
    engine: AsyncEngine, as_role: AsRole, work: Callable[[AsyncEngine], Awaitable[Any]]
) -> None:
    admin = database.engine(as_role(engine.url.render_as_string(hide_password=False)), 1)
    async with database.driver(admin) as connection:
        await connection.execute(_ENTITIES)
        await connection.execute("vacuum analyze")
    await admin.dispose()
    asked = await plans.sent(engine, work(engine))
    async with database.driver(engine) as connection:
        assert sum([await plans.touched(connection, *one) for one in asked]) < FEW
