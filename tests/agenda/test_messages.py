"""How messages stand, as staff see them: on the booking, in the day, and on the list of families nobody reached."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking import secrecy
from booking.bookings.links import token_hash
from booking.messages import handlers, jobs, rules, tables, words
from booking.messages.texts import TEXTS
from booking.slots.api import LOCAL
from booking.tables import inbox_table
from kit import database, messaging
from notification.events import MESSAGE_CHANGED, MessageChanged
from tests.agenda.conftest import Work, at, person
from tests.agenda.test_days import ELEVEN, TEN, booked, plain
from tests.agenda.test_phone import PATH, times
from tests.agenda.test_phone import booked as booked_by_staff
from tests.booking import register

NOW = register.NOW
LIST = "/ej-nadda"
TOMORROW = "2026-03-03T09:00:00Z"
NEXT_WEEK = "2026-03-09T09:00:00Z"


def changed(booking: str, version: int = 2, status: str = "dead", **more: Any) -> MessageChanged:
    """A message about a booking, as notification tells of it; one that died unless it is said otherwise."""
    made: dict[str, Any] = {
        "message": uuid4(),
        "version": version,
        "booking": UUID(booking),
        "sequence": 0,
        "kind": "confirmation",
        "status": status,
        "due_at": NOW,
        "attempts": 1,
    }
    died = {"channel": "email", "code": "smtp_550"} if status == "dead" else {}
    return MessageChanged(**{**made, **died, **more})


async def tell(work: Work, *told: MessageChanged, time: datetime | None = None) -> None:
    """Booking has read these facts, in this order."""
    for data in told:
        body = MESSAGE_CHANGED.encode(
            event_id=uuid4(), entity_id=str(data.message), data=data, now=time or work.clock()
        )
        await messaging.handle(handlers.READS, body, work.booking.runtime.engine, inbox_table, work.clock())


async def opened(work: Work, booking: str, who: str = "maria-ek") -> str:
    return plain((await work.get(f"/arbetsdag/bokning/{booking}", who)).text)


async def attention(work: Work) -> list[tuple[str, str]]:
    """What was published of what there is to attend to: raised, or settled and why."""
    facts = [fact for fact in await work.facts() if fact["type"].startswith("attention-")]
    assert {fact["kind"] for fact in facts} <= {"not_reached"}
    return [(fact["type"].removeprefix("attention-").split(".")[0], fact.get("why", "")) for fact in facts]


async def raised(work: Work) -> list[str]:
    """The bookings that came up, in the order in which they did."""
    return [fact["booking"] for fact in await work.facts() if fact["type"] == "attention-raised.v1"]


async def test_a_booking_says_how_its_messages_stand(work: Work) -> None:
    booking = await booked(work)
    # They are planned elsewhere, a moment later.
    assert "Inga meddelanden" not in (said := await opened(work, booking))
    assert "Vilka meddelanden som skickas står här om en stund." in said
    work.clock.move(minutes=1)
    assert "Inga meddelanden är planerade." in await opened(work, booking)
    work.clock.move(minutes=-1)
    remind = at("2026-03-02T08:30:00Z")
    failing = {"attempts": 3, "code": "smtp_451", "next_attempt_at": NOW + timedelta(seconds=30)}
    facts = [
        changed(booking, status="sent", channel="sms", sent_at=NOW),
        changed(booking, status="pending", kind="reminder_5d", due_at=NOW + timedelta(seconds=1), **failing),
        changed(booking, status="pending", kind="reminder_24h", due_at=remind, next_attempt_at=remind, attempts=0),
    ]
    await tell(work, *facts)
    said = await opened(work, booking)
    assert "Bekräftelse: skickades med sms" in said
    assert "fem dagar före: inte framme efter 3 försök: mejlservern tog inte emot det (451). Nytt försök" in said
    assert "Härnäst måndag 2 mars kl. 09.30 Påminnelse ett dygn före: skickas" in said
    assert said.index("Bekräftelse:") < said.index("fem dagar före:") < said.index("ett dygn före:")
    assert "Familjen har inte nåtts" not in said
    assert "Skicka igen" not in said
    english = plain((await work.get(f"/en/arbetsdag/bokning/{booking}")).text)
    assert "Confirmation: sent" in english


async def test_an_older_fact_changes_nothing(work: Work) -> None:
    booking = await booked(work)
    sent = changed(booking, 3, "sent", channel="email", sent_at=NOW)
    older = sent.model_copy(update={"version": 2, "status": "dead", "code": "smtp_550", "sent_at": None})
    await tell(work, sent, older, sent)
    assert "nådde inte familjen" not in await opened(work, booking)
    assert await attention(work) == []


async def test_a_message_that_reached_nobody_stands_on_the_booking_the_day_and_the_list(work: Work) -> None:
    await work.learn(person("asa-horby", "horby-stod", role="coordinator"))
    reference = await work.family_books(TEN)
    booking = await work.id_of(reference)
    assert "Alla som du får se har nåtts." in plain((await work.get(LIST)).text)
    await tell(work, changed(booking))
    assert "Familjen har inte nåtts" in await opened(work, booking)
    assert "Familjen har inte nåtts" in plain((await work.get("/arbetsdag")).text)
    reads = len(await work.reads())
    for who in ("maria-ek", "asa-horby"):
        listed = plain((await work.get(LIST, who)).text)
        assert "måndag 2 mars kl. 10.00–10.45" in listed
        assert f"Maria Ek · Hörby · Bokningsnummer {reference}" in listed
        assert "Bekräftelse : nådde inte familjen: mejlservern tog inte emot det (550), stämmer adressen?" in listed
        assert "Kim" not in listed
        assert "070-123" not in listed
    assert len(await work.reads()) == reads, "the list names nobody"
    # Of another unit, and of no role: neither the list nor what it leads to.
    assert reference not in (await work.get(LIST, "asa")).text
    (row,) = await work.stored("select id, unit, owner, due from attention")
    assert (row.unit, row.owner, row.due) == ("horby-stod", "maria-ek", at(TEN))
    await work.post(f"{LIST}/{row.id}/ordnat", "asa")
    await work.post(f"{LIST}/{booking}/skicka-igen", "asa")
    assert await attention(work) == [("raised", "")]
    assert [fact for fact in await work.facts() if fact["type"] == "message-resend-requested.v1"] == []


async def test_staff_send_it_again_and_it_is_off_the_list_once_it_is_through(work: Work) -> None:
    booking = await booked(work)
    died = changed(booking)
    await tell(work, died)
    for path in (f"/arbetsdag/bokning/{booking}/meddelanden", f"{LIST}/{booking}/skicka-igen"):
        assert "Skicka igen" in (await work.get(path.rsplit("/", 1)[0] if "arbetsdag" in path else LIST)).text
        answer = await work.post(path)
        assert answer.headers["location"].endswith("?nytt=again")
        assert "Meddelandet skickas igen." in (await work.get(answer.headers["location"])).text
    asked = [fact for fact in await work.facts() if fact["type"] == "message-resend-requested.v1"]
    assert {(fact["message"], fact["version"]) for fact in asked} == {(str(died.message), 2)}
    again = died.model_copy(update={"version": 3, "status": "pending", "code": None, "attempts": 0})
    await tell(work, again)
    assert "Skicka igen" not in await opened(work, booking)
    assert "Familjen har inte nåtts" in await opened(work, booking), "not yet"
    work.clock.move(seconds=5)
    sent = again.model_copy(update={"version": 4, "status": "sent", "channel": "sms", "sent_at": work.clock()})
    await tell(work, sent)
    assert "Familjen har inte nåtts" not in await opened(work, booking)
    assert "Alla som du får se har nåtts." in plain((await work.get(LIST)).text)
    assert await attention(work) == [("raised", ""), ("settled", "reached")]


async def test_what_an_older_time_was_told_of_is_not_offered_to_be_sent_again(work: Work) -> None:
    booking = await booked(work)
    died = changed(booking)
    moved = changed(booking, 2, "sent", kind="change", sequence=1, channel="email", sent_at=NOW)
    await tell(work, died)
    assert "Skicka igen" in await opened(work, booking)
    await tell(work, moved)
    assert "Skicka igen" not in await opened(work, booking)
    answer = await work.post(f"/arbetsdag/bokning/{booking}/meddelanden")
    assert "nytt=" not in answer.headers["location"]
    await tell(work, changed(booking, kind="reminder_24h", sequence=1))
    assert "Skicka igen" in await opened(work, booking)
    assert "nytt=again" in (await work.post(f"/arbetsdag/bokning/{booking}/meddelanden")).headers["location"]


async def test_staff_take_it_off_the_list_and_a_later_failure_puts_it_there_again(work: Work) -> None:
    booking = await booked(work)
    await tell(work, changed(booking))
    (row,) = await work.stored("select id from attention")
    for _ in range(2):
        assert (await work.post(f"{LIST}/{row.id}/ordnat")).status_code == 303
    assert "Alla som du får se har nåtts." in plain((await work.get(LIST)).text)
    (row,) = await work.stored("select why, staff from attention")
    assert tuple(row) == ("handled", "maria-ek")
    assert await attention(work) == [("raised", ""), ("settled", "handled")]
    work.clock.move(minutes=1)
    await tell(work, changed(booking, kind="reminder_24h"))
    assert await attention(work) == [("raised", ""), ("settled", "handled"), ("raised", "")]


async def test_what_fails_for_too_long_is_on_the_list_though_it_is_tried_again(work: Work) -> None:
    """A try that spoke to no server is told once: what follows from it, follows by itself."""
    counted, told_once, quick = await booked(work), await booked(work, ELEVEN), await booked(work, NEXT_WEEK)
    failing = {"attempts": 3, "code": "smtp_SMTPConnectError", "next_attempt_at": NOW + timedelta(hours=1)}
    trying = changed(counted, 4, "pending", **failing)
    await tell(work, trying, changed(told_once, 2, "pending", attempts=0, code="no_answer", next_attempt_at=NOW))
    await tell(work, changed(quick, 4, "pending", **failing))
    # The times are in two hours and in three.
    work.clock.move(minutes=29)
    await tell(work, trying.model_copy(update={"version": 5}))
    await jobs.weigh(work.booking.runtime)
    assert await attention(work) == []
    work.clock.move(minutes=1)
    await tell(work, trying.model_copy(update={"version": 6}))
    assert await raised(work) == [counted]
    work.clock.move(minutes=15)
    for _ in range(2):
        await jobs.weigh(work.booking.runtime)
    assert await raised(work) == [counted, told_once]
    listed = (await work.get(LIST)).text
    assert "Nytt försök" in listed
    assert "Skicka igen" not in listed
    work.clock.now = NOW + rules.PATIENCE
    await jobs.weigh(work.booking.runtime)
    assert await raised(work) == [counted, told_once, quick]


async def test_what_staff_have_noted_is_not_raised_again_by_what_fell_due_before(work: Work) -> None:
    booking = await booked(work)
    trying = changed(booking, 4, "pending", attempts=3, code="smtp_451", next_attempt_at=NOW)
    work.clock.move(minutes=30)
    await tell(work, trying)
    (row,) = await work.stored("select id from attention")
    await work.post(f"{LIST}/{row.id}/ordnat")
    work.clock.move(minutes=30)
    await jobs.weigh(work.booking.runtime)
    await tell(work, trying.model_copy(update={"version": 5, "status": "dead"}))
    assert await attention(work) == [("raised", ""), ("settled", "handled")]


async def test_whom_no_message_reached_until_the_time_came_is_told_of_on_the_booking(work: Work) -> None:
    """Whether booking heard of it before the time or after."""
    before, after, came = await booked(work), await booked(work, ELEVEN), await booked(work, TOMORROW)
    failing = {"attempts": 7, "code": "smtp_530", "next_attempt_at": at(ELEVEN)}
    trying = {booking: changed(booking, 8, "pending", **failing) for booking in (before, after, came)}
    await tell(work, trying[before], trying[came])
    work.clock.now = at(TOMORROW) + timedelta(hours=1)
    await jobs.weigh(work.booking.runtime)
    await tell(work, *(each.model_copy(update={"version": 9, "status": "dead"}) for each in trying.values()))
    for _ in range(2):
        await jobs.weigh(work.booking.runtime)
        await jobs.settle_past(work.booking.runtime)
    assert await attention(work) == [("raised", "")] * 3 + [("settled", "past")] * 3
    await tell(work, changed(before, kind="reminder_24h"))
    assert len(await attention(work)) == 6, "it stands there"
    assert "Alla som du får se har nåtts." in plain((await work.get(LIST)).text)
    for booking in (before, after, came):
        assert "Familjen har inte nåtts" in await opened(work, booking)
    await work.post(f"/arbetsdag/bokning/{came}/utfall", utfall="fulfilled")
    assert "Familjen har inte nåtts" not in await opened(work, came)


async def test_a_family_that_gets_no_messages_is_called_only_of_what_it_does_not_know(work: Work) -> None:
    own, token = await booked(work), work.manage_token
    ours = await booked(work, ELEVEN)
    none = {"channel": None, "code": rules.NO_SMS, "attempts": 0}
    for booking in (own, ours):
        await tell(work, changed(booking, **none), changed(booking, kind="reminder_24h", **none))
    assert (await work.booking.http.post(f"/booking/v1/bookings/{token}/cancel")).status_code == 200
    assert (await work.post(f"/arbetsdag/bokning/{ours}/avboka", skal="advisor_away")).status_code == 303
    for booking in (own, ours):
        await tell(work, changed(booking, kind="cancellation", sequence=1, **none))
    assert await raised(work) == [ours]


async def test_it_is_settled_when_the_time_has_come(work: Work) -> None:
    early, late = await booked(work), await booked(work, ELEVEN)
    await tell(work, changed(early), changed(late))
    work.clock.now = at(TEN)
    await jobs.settle_past(work.booking.runtime)
    assert [str(row.booking) for row in await work.stored("select booking from attention where why = 'past'")] == [
        early
    ]
    assert await attention(work) == [("raised", ""), ("raised", ""), ("settled", "past")]
    await tell(work, changed(early, kind="reminder_24h"))
    assert len(await attention(work)) == 3, "nobody can attend to it any more"
    assert jobs.SECONDS <= 60


async def test_it_follows_a_booking_that_is_moved_and_lets_go_of_a_cancelled_one(work: Work) -> None:
    booking = await booked(work)
    await tell(work, changed(booking))
    free = await work.get(f"/arbetsdag/bokning/{booking}/flytta", satt="video")
    slot = times(free.text)[5]
    assert (await work.post(f"/arbetsdag/bokning/{booking}/flytta", tid=slot, satt="video")).status_code == 303
    (moved,) = await work.stored("select start_at from booking where id = :id", id=booking)
    await tell(work, changed(booking, 1, "pending", kind="change", sequence=1, attempts=0, next_attempt_at=NOW))
    (row,) = await work.stored("select due from attention")
    assert row.due == moved.start_at
    assert (await work.post(f"/arbetsdag/bokning/{booking}/avboka", skal="family_asked")).status_code == 303
    (row,) = await work.stored("select id from attention")
    await work.post(f"{LIST}/{row.id}/ordnat")
    work.clock.move(minutes=1)
    await tell(work, changed(booking, sequence=2, kind="reminder_24h"))
    assert len(await attention(work)) == 2, "of a cancelled time nobody needs a reminder"
    await tell(work, changed(booking, sequence=2, kind="cancellation"))
    assert await attention(work) == [("raised", ""), ("settled", "handled"), ("raised", "")]


async def test_a_protected_family_is_on_the_list_of_whoever_was_named_to_it(work: Work) -> None:
    later = times((await work.get(PATH)).text)[5]
    answer = await booked_by_staff(work, skydd="sekretessmarkering", tid=later)
    booking = answer.headers["location"].split("/")[-1].split("?")[0]
    await tell(work, changed(booking))
    assert "måndag 2 mars" in plain((await work.get(LIST)).text)
    others = plain((await work.get(LIST, "dariush-rahimi")).text)
    assert "måndag 2 mars" not in others
    assert "En familj med skyddade uppgifter ser bara den som är namngiven" in others
    (row,) = await work.stored("select id from attention")
    await work.post(f"{LIST}/{row.id}/ordnat", "dariush-rahimi")
    await work.post(f"{LIST}/{booking}/skicka-igen", "dariush-rahimi")
    assert await attention(work) == [("raised", "")]


async def test_a_link_sees_no_message_and_nobody_sees_any_without_a_booking(work: Work) -> None:
    mine, other = await booked(work), await booked(work, ELEVEN)
    await tell(work, changed(mine), changed(other))
    async with database.driver(work.booking.runtime.engine) as connection:
        for table in ("message", "attention"):
            assert await connection.fetchval(f"select count(*) from {table}") == 0
    async with secrecy.of_token(work.booking.runtime.public.engine, token_hash(work.manage_token)) as connection:
        assert await connection.fetchval("select count(*) from booking") == 1
        for table in ("message", "attention"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with connection.transaction():
                    await connection.fetch(f"select * from {table}")


# Of two messages about a booking one died, and the other came through after that.
ONE, OTHER = uuid4(), uuid4()
FACTS = (
    (1, {"message": ONE, "version": 1, "status": "pending", "attempts": 0}),
    (2, {"message": ONE, "version": 2, "status": "dead", "code": "smtp_550"}),
    (3, {"message": OTHER, "version": 1, "status": "pending", "attempts": 3, "code": "smtp_451"}),
    (5, {"message": OTHER, "version": 2, "status": "sent", "sent_at": NOW + timedelta(seconds=5)}),
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(FACTS))), again=st.lists(st.sampled_from(range(len(FACTS))), max_size=3))
async def test_in_any_order_a_family_that_was_reached_is_off_the_list(
    work: Work, order: list[int], again: list[int]
) -> None:
    known = await work.stored("select id from booking where status = 'confirmed'")
    booking = str(known[0].id) if known else await booked(work)
    async with work.booking.admin.begin() as connection:
        await connection.exec_driver_sql("truncate message, attention")
    for number in (*order, *again):
        seconds, fields = FACTS[number]
        told = changed(booking, **{"sequence": 0, **fields})
        await tell(work, told, time=NOW + timedelta(seconds=seconds))
    assert await work.stored("select 1 from attention where settled_at is null") == []


@pytest.mark.parametrize("status", ["sent", "pending", "dropped", "dead"])
def test_every_code_is_said_in_both_languages(status: str) -> None:
    codes = [name.removeprefix("code_") for name in TEXTS if name.startswith("code_")]
    for code in (*codes, "smtp_550", "smtp_SMTPConnectError", "sms_400", "sms_ConnectError", "KeyError"):
        message = tables.Message(
            **{
                **dict.fromkeys(tables.Message.__dataclass_fields__),
                "kind": "change",
                "status": status,
                "channel": "sms",
                "due_at": NOW,
                "sent_at": NOW,
                "attempts": 1,
                "code": code,
            }
        )
        for number, language in enumerate(("sv", "en")):
            (line,) = words.lines([message], lambda key, n=number, **v: TEXTS[key][n].format(**v), language, LOCAL)
            assert line.said
            assert "{" not in line.said
