"""Families of protected identity: named staff alone see them, and outside nothing is told but that there is news."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking import secrecy
from booking.bookings import entry
from booking.bookings.answers import ContactQuestion, ProtectedContact
from booking.bookings.jobs import answer_contact
from booking.bookings.links import token_hash
from booking.families import tables as family_tables
from booking.families.rules import Protection
from kit import database
from tests.booking.test_families import CONTACT, UNIT, by_staff, free, rows, seen
from tests.conftest import Clock, Running

LEVELS: tuple[Protection, ...] = ("sekretessmarkering", "skyddad_folkbokforing")


async def book_protected(
    booking: Running, protection: Protection = "sekretessmarkering", access: tuple[str, ...] = ("maria",), nth: int = 0
) -> tuple[dict[str, Any], UUID, UUID]:
    """A booking as it was answered to staff, the booking's id, and its family."""
    made = await by_staff(booking, (await free(booking))[nth], protection=protection, access=access)
    [row] = await rows(booking, "select id, family from booking where reference = $1", made["reference"])
    return made, row["id"], row["family"]


@pytest.mark.parametrize("protection", LEVELS)
async def test_only_named_staff_see_the_family_and_its_booking(booking: Running, protection: Protection) -> None:
    made, id_, family = await book_protected(booking, protection, ("maria", "eva"))
    [row] = await rows(booking, "select protection from family where id = $1", family)
    assert row["protection"] == protection, "the two levels are kept apart"
    for staff, units, sees in (
        ("maria", [UNIT], True),
        ("eva", [UNIT], True),
        ("olle", [UNIT], False),
        ("maria", ["another"], False),
        ("maria", [], False),
        ("", [UNIT], False),
    ):
        assert await seen(booking, family, *units, staff=staff) == (CONTACT if sees else None), (staff, units)
        async with secrecy.of(booking.runtime.engine, staff, units) as connection:
            assert bool(await connection.fetchval("select true from booking where id = $1", id_)) is sees
            its = await booking.runtime.vault.fingerprint("phone", "+46701234567", booking.runtime.clock())
            assert bool(await family_tables.with_phone(connection, its)) is sees
            changed = await connection.execute("update booking set late = false where id = $1", id_)
            assert changed == f"UPDATE {int(sees)}"
    assert made["manage_token"] is None


async def test_the_time_is_taken_and_nobody_learns_why(booking: Running) -> None:
    slot = (await free(booking))[0]
    await book_protected(booking)
    assert slot["id"] not in [item["id"] for item in await free(booking)]
    async with secrecy.of(booking.runtime.engine, "olle", [UNIT]) as connection:
        busy = await connection.fetch("select * from busy")
        assert len(busy) == 1
        assert set(busy[0].keys()) == {"id", "advisor", "day", "during", "kind", "municipality", "pool", "period"}
        assert await connection.fetch("select * from booking") == []


async def test_there_is_no_manage_link(booking: Running) -> None:
    made, id_, _ = await book_protected(booking)
    assert (made["manage_token"], made["manage_url"]) == (None, None)
    token = entry.links(booking.runtime).token(id_)
    assert (await booking.http.get(f"/bokning/{token}")).status_code == 404
    assert (await booking.http.get(f"/booking/v1/bookings/{token}")).status_code == 404
    assert await rows(booking, "select 1 from booking where token_hash = $1", token_hash(token)) == []


async def test_notification_is_told_how_to_reach_the_family_and_whom_it_may_call(
    booking: Running, clock: Clock
) -> None:
    _, id_, _ = await book_protected(booking)
    told = await answer_contact(booking.runtime, ContactQuestion(booking=id_))
    assert told == ProtectedContact(
        found=True,
        protected=True,
        status="confirmed",
        sequence=0,
        over=False,
        email=CONTACT.email,
        phone=CONTACT.phone,
        language="en",
        help_phone="+46415378000",
    )
    clock.move(days=60)
    told = await answer_contact(booking.runtime, ContactQuestion(booking=id_))
    assert isinstance(told, ProtectedContact)
    assert told.over


async def test_whoever_books_for_a_protected_family_may_see_it_and_need_name_nobody(booking: Running) -> None:
    _, _, family = await book_protected(booking, access=())
    assert await seen(booking, family, UNIT, staff="maria") == CONTACT
    assert await seen(booking, family, UNIT, staff="eva") is None


async def test_what_is_booked_for_it_later_is_protected_too(booking: Running) -> None:
    _, _, family = await book_protected(booking)
    later = await by_staff(booking, (await free(booking))[5], family=family)
    assert later["manage_token"] is None
    flags = await rows(booking, "select protected from booking where family = $1", family)
    assert [row["protected"] for row in flags] == [True, True]


async def test_staff_cannot_name_somebody_for_a_family_of_another_unit(booking: Running) -> None:
    _, _, family = await book_protected(booking)
    for unit, refusal in (("another", asyncpg.ForeignKeyViolationError), (UNIT, asyncpg.InsufficientPrivilegeError)):
        with pytest.raises(refusal):
            async with secrecy.of(booking.runtime.engine, "olle", ["another"]) as connection:
                await connection.execute(
                    "insert into family_access (family, unit, staff) values ($1, $2, 'olle')", family, unit
                )


people = st.sampled_from(["maria", "eva", "olle"])


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(made=st.lists(st.tuples(st.sampled_from(["none", *LEVELS]), st.frozensets(people, min_size=1)), max_size=4))
async def test_each_sees_exactly_what_is_open_or_named_to_them(
    booking: Running, made: list[tuple[Protection, frozenset[str]]]
) -> None:
    async with database.driver(booking.admin) as connection:
        await connection.execute("delete from family_access")
        await connection.execute("delete from booking_change")
        await connection.execute("delete from booking")
        await connection.execute("delete from family")
    may_see: dict[str, set[UUID]] = {"maria": set(), "eva": set(), "olle": set()}
    for protection, named in made:
        answer = await by_staff(booking, (await free(booking))[0], protection=protection, access=tuple(sorted(named)))
        [row] = await rows(booking, "select family from booking where reference = $1", answer["reference"])
        for staff in may_see if protection == "none" else {*named, "maria"}:
            may_see[staff].add(row["family"])
        await rows(booking, "delete from busy")
        await rows(booking, "update advisor_day set free = open")
    for staff, expected in may_see.items():
        async with secrecy.of(booking.runtime.engine, staff, [UNIT]) as connection:
            assert {row["id"] for row in await connection.fetch("select id from family")} == expected
            assert {row["family"] for row in await connection.fetch("select family from booking")} == expected
