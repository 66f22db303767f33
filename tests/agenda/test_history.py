"""What happened to a booking, on its page: in order of time, in words, and who read of it for reviewers alone."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from booking import secrecy
from booking.history import service
from booking.roles import HISTORY
from directory import events as directory
from kit import database
from tests.agenda.conftest import DARIUSH, MARIA, Work
from tests.agenda.test_days import ELEVEN, TEN, booked, plain
from tests.agenda.test_messages import changed, tell
from tests.agenda.test_phone import booked as booked_by_staff
from tests.agenda.test_phone import times
from tests.booking import register

NOW = register.NOW
REVIEWER = directory.Grant(role="reviewer", unit="horby-stod")


async def shown(work: Work, booking: str, who: str = "maria-ek", language: str = "") -> str:
    page = await work.get(f"{language}/arbetsdag/bokning/{booking}", who)
    assert page.status_code == 200
    said = plain(page.text)
    return said[said.index("What happened to" if language else "Vad har hänt med") :]


async def moved(work: Work, booking: str, number: int, way: str) -> None:
    path = f"/arbetsdag/bokning/{booking}/flytta"
    slot = times((await work.get(path, satt=way)).text)[number]
    assert (await work.post(path, tid=slot, satt=way)).status_code == 303


async def test_all_that_happened_stands_in_order_of_time(work: Work) -> None:
    booking = await booked(work)
    work.clock.move(minutes=1)
    confirmation = changed(booking, 4, "sent", channel="sms", sent_at=work.clock(), attempts=3)
    await tell(work, confirmation)
    work.clock.move(minutes=1)
    await moved(work, booking, 5, "video")
    work.clock.move(minutes=1)
    await moved(work, booking, 6, "phone")
    dropped = changed(booking, 2, "dropped", kind="reminder_24h", due_at=NOW + timedelta(hours=9), code="superseded")
    await tell(work, dropped)
    work.clock.move(minutes=1)
    assert (await work.post(f"/arbetsdag/bokning/{booking}/avboka", skal="double")).status_code == 303
    said = await shown(work, booking)
    told = [
        "Bokad av familjen",
        "Bekräftelse: skickades med sms, efter 3 försök",
        "Flyttad av Maria Ek till",
        ", nu som telefonsamtal",
        "Påminnelse ett dygn före: skickades inte: bokningen ändrades. Skulle skickas",
        "Avbokad av Maria Ek: bokad två gånger",
    ]
    found = [said.index(each) for each in told]
    assert found == sorted(found)
    assert said.count("nu som") == 1, "the first move changed the time alone"
    assert "Härnäst" not in said
    english = await shown(work, booking, language="/en")
    assert "Confirmation: sent by text message, at try 3" in english
    assert ", now by telephone" in english


async def test_a_message_says_when_it_was_due_what_came_of_it_and_when_it_is_tried_next(work: Work) -> None:
    booking = await booked(work)
    waits = changed(booking, 1, "pending", attempts=0, next_attempt_at=NOW)
    await tell(work, waits)
    assert "Härnäst" in await shown(work, booking)
    assert "Bekräftelse: skickas" in await shown(work, booking)
    work.clock.move(minutes=10)
    assert "Bekräftelse: väntar på att skickas" in await shown(work, booking)
    code = {"channel": "email", "code": "smtp_451", "next_attempt_at": work.clock() + timedelta(hours=1)}
    await tell(work, waits.model_copy(update={"version": 2, "attempts": 1, **code}))
    said = await shown(work, booking)
    assert "Härnäst" not in said
    assert (
        "Bekräftelse: inte framme: mejlservern tog inte emot det (451)."
        " Skulle skickas måndag 2 mars kl. 08.00. Nytt försök måndag 2 mars kl. 09.10"
    ) in said
    dead = {"version": 9, "status": "dead", "code": "smtp_550", "next_attempt_at": None}
    await tell(work, waits.model_copy(update={**dead, "channel": "email"}))
    said = await shown(work, booking)
    assert "måndag 2 mars kl. 08.10 Bekräftelse: nådde inte familjen" in said
    assert "måndag 2 mars kl. 08.10 Familjen hade inte nåtts" in said
    (row,) = await work.stored("select id from attention")
    work.clock.move(minutes=1)
    await work.post(f"/ej-nadda/{row.id}/ordnat")
    assert "kl. 08.11 Personal noterade att familjen vet" in await shown(work, booking)


async def test_who_read_of_the_family_is_shown_to_reviewers_of_the_unit_alone(work: Work) -> None:
    booking, other = await booked(work), await booked(work, ELEVEN)
    await work.post("/telefonbokning", "dariush-rahimi", telefon="070-123 45 67")
    await shown(work, other)
    said = await shown(work, booking)
    assert "Läst av" not in said
    assert "Vem som har läst om familjen visas för den som granskar." in said
    grants = [*MARIA.grants, directory.Grant(role="reviewer", unit="familjestod")]
    await work.learn(MARIA.model_copy(update={"version": 2, "grants": grants}))
    assert "Läst av" not in await shown(work, booking), "a reviewer of another unit"
    await work.learn(MARIA.model_copy(update={"version": 3, "grants": [*MARIA.grants, REVIEWER]}))
    work.clock.move(minutes=1)
    said = await shown(work, booking)
    assert "Läst av Dariush Rahimi (rådgivare): sökning, telefonbokning → sökning" in said
    assert "Läst av Maria Ek (rådgivare): bokning, dagen → bokningen (3 gånger)" in said
    assert "visas för den som granskar" not in said
    # Of another booking's family nothing; and to have looked is a read of the log.
    assert said.count("Läst av") == 2
    (row,) = [row for row in await work.reads() if row.what == "review"]
    assert (row.staff, row.role, row.unit, str(row.booking)) == ("maria-ek", "reviewer", "horby-stod", booking)


async def test_names_are_text(work: Work) -> None:
    booking = await booked(work)
    named = DARIUSH.model_copy(update={"version": 2, "name": "<b>Dariush</b>"})
    reviewing = MARIA.model_copy(update={"version": 2, "name": "<b>Maria</b>", "grants": [*MARIA.grants, REVIEWER]})
    await work.learn(named, reviewing)
    await work.post("/telefonbokning", "dariush-rahimi", telefon="070-123 45 67")
    assert (await work.post(f"/arbetsdag/bokning/{booking}/avboka", skal="other")).status_code == 303
    code = {"code": "<b>x</b>", "attempts": 1, "next_attempt_at": NOW}
    await tell(work, changed(booking, 1, "pending", **code))
    page = (await work.get(f"/arbetsdag/bokning/{booking}")).text
    for text in ("Läst av &lt;b&gt;Dariush", "Avbokad av &lt;b&gt;Maria", "&lt;b&gt;x&lt;/b&gt;"):
        assert text in page
    assert "<b>" not in page


async def test_an_advisor_who_may_not_open_a_booking_is_told_nothing_of_it(work: Work) -> None:
    booking = await booked(work)
    await work.learn(DARIUSH.model_copy(update={"version": 2, "grants": [*DARIUSH.grants, REVIEWER]}))
    page = await work.get(f"/arbetsdag/bokning/{booking}", "dariush-rahimi")
    assert page.status_code == 404
    assert "Bokad av" not in page.text
    assert await work.reads() == []


# What is asked for by reference.


async def test_a_reference_tells_of_its_own_booking_and_names_nobody(work: Work) -> None:
    mine = await work.family_books(TEN)
    other = await work.family_books(ELEVEN)
    for reference in (mine, other):
        booking = await work.id_of(reference)
        await shown(work, booking)
        await moved(work, booking, 5, "video")
        await tell(work, changed(await work.id_of(reference)))
    async with secrecy.of_history(work.booking.runtime.engine, mine) as connection:
        told = await service.told(connection, mine)
        assert await service.told(connection, other) is None
        for table in ("booking_change", "message", "attention", "read_log"):
            found = await connection.fetch(f"select booking from {table}")
            assert {str(row["booking"]) for row in found} == {await work.id_of(mine)}, table
    assert told
    assert told.booking["id"] == UUID(await work.id_of(mine))
    assert [read.who for read in told.story.reads] == [None]
    assert len(told.story.messages) == len(told.story.unreached) == 1
    assert told.story.made == NOW


async def test_of_a_protected_family_nothing_is_told_by_reference(work: Work) -> None:
    answer = await booked_by_staff(work, "dariush-rahimi", skydd="sekretessmarkering")
    assert answer.status_code == 303
    (row,) = await work.stored("select id, reference from booking")
    await tell(work, changed(str(row.id)))
    async with secrecy.of_history(work.booking.runtime.engine, row.reference) as connection:
        assert await service.told(connection, row.reference) is None
        for table in ("message", "attention", "read_log", "booking_change"):
            assert await connection.fetchval(f"select count(*) from {table}") == 0
    said = await shown(work, str(row.id), "dariush-rahimi")
    assert "Bokad av Dariush Rahimi" in said, "whoever was named to it sees it on its page"


@pytest.mark.parametrize(
    "query",
    [
        "select * from family",
        "select * from family_access",
        "select * from idempotency",
        "select * from erasure",
        "select child_age from booking",
        "select token_hash from booking",
        "select advisor from booking",
        "select staff from read_log",
        "select staff from attention",
        "update booking set late = true",
        "delete from message",
        "insert into booking_change (booking) select id from booking",
        "update outbox set published_at = now()",
        "select headers from outbox",
    ],
)
async def test_the_role_that_tells_reads_no_contact_and_changes_nothing(work: Work, query: str) -> None:
    reference = await work.family_books(TEN)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with secrecy.of_history(work.booking.runtime.engine, reference) as connection:
            await connection.execute(query)


async def test_without_a_reference_it_finds_nothing(work: Work) -> None:
    booking = await booked(work)
    await shown(work, booking)
    await tell(work, changed(booking))
    for given in ({}, {"reference": ""}, {"booking": booking, "units": "horby-stod", "staff": "maria-ek"}):
        async with database.transaction(work.booking.runtime.engine, role=HISTORY, **given) as connection:
            for table in ("booking", "message", "attention", "read_log"):
                assert await connection.fetchval(f"select count(*) from {table}") == 0
