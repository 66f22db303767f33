"""What is done daily costs what it finds, and not what there ever was: each on a database with a past."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from booking import secrecy
from booking.agenda import phone
from booking.agenda import tables as agenda
from booking.agenda.rules import Span
from booking.families import tables as families
from booking.figures import tables as figures
from booking.messages import tables as messages
from booking.reviews import tables as reviews
from booking.roles import RETENTION, SWEEP
from booking.sharing import tables as sharing
from booking.slots import tables as slots
from booking.tables import LONGEST
from kit import database
from kit.access import Person
from kit.database import Connection
from kit.staff import Grant, Staff
from tests import plans
from tests.booking import filled
from tests.booking.filled import TODAY
from tests.booking.granted import grant
from tests.conftest import AsRole, Databases

MIDNIGHT = datetime.combine(TODAY, time(), UTC)
DAY = timedelta(days=1)
# Pages, of tables that have hundreds each.
FEW = 110

Acting = Callable[[AsyncEngine], AbstractAsyncContextManager[Connection]]
Work = Callable[[Connection], Awaitable[Any]]


@pytest.fixture(scope="module")
async def years(lasting_database: Databases, as_role: AsRole) -> AsyncIterator[AsyncEngine]:
    url = await lasting_database("booking")
    admin = database.engine(as_role(url), 1, seconds=60)
    await filled.fill(admin)
    await grant(admin, "maria-ek", ["unit-1", "unit-2"])
    await grant(admin, "someone", ["unit-1", "unit-2"])
    await grant(admin, "granskare", ["unit-1"], "reviewer")
    await admin.dispose()
    made = database.engine(url, 1)
    yield made
    await made.dispose()


def staff(engine: AsyncEngine) -> AbstractAsyncContextManager[Connection]:
    return secrecy.of(engine, "maria-ek", ["unit-1", "unit-2"])


def reviewer(engine: AsyncEngine) -> AbstractAsyncContextManager[Connection]:
    return secrecy.of_review(engine, "granskare", ["unit-1"])


def anybody(engine: AsyncEngine) -> AbstractAsyncContextManager[Connection]:
    return database.transaction(engine)


def job(role: str) -> Acting:
    return lambda engine: database.transaction(engine, role=role, before=(MIDNIGHT + DAY).isoformat())


async def _reviewed(connection: Connection) -> None:
    shown = {"first": MIDNIGHT - DAY, "end": MIDNIGHT + DAY, "staff": None, "what": None, "unit": None}
    assert await reviews.PAGE.rows(connection, **shown, limit=10, offset=0)


async def _day_reached(connection: Connection) -> None:
    seen = await agenda.seen(connection, "advisor-1", Span(MIDNIGHT, MIDNIGHT + DAY))
    await messages.not_reached(connection, [row["id"] for row in seen])


# By what is done: as whom, and what.
DONE: dict[str, tuple[Acting, Work]] = {
    "an advisor's day": (staff, lambda c: agenda.seen(c, "advisor-1", Span(MIDNIGHT, MIDNIGHT + DAY))),
    "whom of a day nobody reached": (staff, _day_reached),
    "messages that fail": (job(SWEEP), messages.failing),
    "families with a number": (staff, lambda c: families.with_phone(c, sha256((20).to_bytes(4, "big")).digest())),
    "who meets families of a unit": (anybody, lambda c: agenda.staff_of_unit(c, "unit-7", ["advisor"])),
    "an advisor's schedules": (anybody, lambda c: slots.schedules(c, "advisor-7")),
    "a municipality's page": (anybody, lambda c: slots.municipality_of_slug(c, "municipality-7")),
    "the log of reads, a page": (reviewer, _reviewed),
    "what an agreement was charged since": (job(SWEEP), lambda c: sharing.charged_from(c, "pool-1", TODAY - 7 * DAY)),
    "periods that are over": (job(SWEEP), lambda c: sharing.ended(c, TODAY)),
    "an advisor's days anew": (job(SWEEP), lambda c: slots.replace_open_hours(c, "advisor-1", TODAY, TODAY + DAY, [])),
    "families that are kept": (job(RETENTION), lambda c: families.kept(c, MIDNIGHT, UUID(int=0), 10)),
    "what was erased lately": (job(RETENTION), lambda c: families.erased_since(c, MIDNIGHT - 2 * DAY)),
    "centres in figures": (anybody, lambda c: figures.centres(c, ["1266"])),
}


@pytest.mark.parametrize("what", DONE)
async def test_what_is_done_daily_reads_a_few_pages(years: AsyncEngine, what: str) -> None:
    acting, work = DONE[what]
    async with acting(years) as connection:
        assert await plans.pages(connection, work(connection)) < FEW


async def test_who_signs_in_is_found_without_reading_all_staff(years: AsyncEngine) -> None:
    heard: list[Any] = []
    # The engine has this one connection.
    async with database.driver(years) as connection:
        connection.add_query_logger(heard.append)
    assert await slots.find_staff(years, "identity", "SE-7")
    async with database.driver(years) as connection:
        connection.remove_query_logger(heard.append)
        asked = next(one for one in heard if "identity" in one.query)
        n = await plans.touched(connection, asked.query, asked.args)
        assert n < FEW


async def test_no_booking_is_longer_than_an_advisors_day_looks_back(years: AsyncEngine, as_role: AsRole) -> None:
    """One that began a day before the midnight that it goes on to is still seen; a longer one is refused."""
    url = as_role(years.url.render_as_string(hide_password=False))
    admin = database.engine(url, 1)
    longer = "update booking set end_at = start_at + $2::interval where advisor = 'advisor-2' and start_at < $1"
    before = datetime.combine(TODAY, time(9), UTC)
    async with database.driver(admin) as connection:
        await connection.execute(longer, before, LONGEST)
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(longer, before, LONGEST + timedelta(seconds=1))
    await admin.dispose()
    async with secrecy.of(years, "someone", ["unit-2"]) as connection:
        seen = await agenda.seen(connection, "advisor-2", Span(before - timedelta(seconds=1), before))
    assert [row["start_at"] for row in seen] == [before - LONGEST]


async def test_what_can_be_booked_by_telephone_is_one_question_of_all_municipalities(years: AsyncEngine) -> None:
    caller = Person(Staff(id="someone", name="", identity="", grants=(Grant(role="advisor", unit="unit-1"),)))
    async with database.transaction(years) as connection:
        asked = await plans.statements(connection, phone.offered(connection, caller))
    assert len(asked) == 1
