"""From a fact on the stream to a message in the catcher, and everything that can go wrong between them."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import groupby
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from aiosmtpd.smtp import SMTP
from icalendar import Calendar
from nats.aio.client import Client
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import ValidationError
from sqlalchemy import text

from booking import events
from kit import telemetry
from notification import delivery, rules
from notification.settings import Settings
from tests import infra
from tests.conftest import Running, until
from tests.notification.conftest import (
    BOOKED_AT,
    CANARIES,
    START,
    Booking,
    FakeTime,
    Notification,
    Outside,
    answer,
    everything_stored,
    protected_answer,
    rows,
)


class MailServer:
    """A real SMTP server whose answer to each mail is the test's to choose."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.rcpt: Callable[[str], str] = lambda _address: "250 OK"
        self.data: Callable[[], Any] = lambda: "250 OK"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        said = self.rcpt(address)
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients += envelope.rcpt_tos
        said = self.data()
        return said if isinstance(said, str) else await said


@asynccontextmanager
async def mail_server() -> AsyncIterator[tuple[MailServer, int]]:
    handler = MailServer()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, hostname="test", loop=loop), "127.0.0.1", 0)
    try:
        yield handler, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def _settled(running: Running, booking: UUID, sequence: int, kind: str, status: str = "sent") -> Any:
    async def reached() -> Any:
        row = (await rows(running, booking)).get((sequence, kind))
        return row if row is not None and row.status == status else None

    return await until(reached)


async def _failing(
    running: Running, booking: UUID, kind: str, code: str, *, sequence: int = 0, at: datetime | None = None
) -> Any:
    """The message once it waits for the reason `code`, until `at`."""

    async def reached() -> Any:
        row = (await rows(running, booking)).get((sequence, kind))
        return row if row and row.last_error == code and at in (None, row.next_attempt_at) else None

    return await until(reached)


async def _told(running: Running, message: UUID) -> list[tuple[Any, ...]]:
    """Status, attempts and code of each fact about a message, in the order of their versions."""
    async with running.admin.connect() as connection:
        payloads = await connection.scalars(
            text(
                "select convert_from(payload, 'utf8') from outbox where subject = 'events.notification.message-changed'"
            )
        )
        facts = [json.loads(payload)["data"] for payload in payloads.all()]
    mine = sorted((fact for fact in facts if fact["message"] == str(message)), key=lambda fact: int(fact["version"]))
    assert [fact["version"] for fact in mine] == list(range(1, len(mine) + 1))
    return [(fact["status"], fact["attempts"], fact["code"]) for fact in mine]


async def _attempted(running: Running, booking: UUID, kind: str, attempts: int) -> Any:
    async def reached() -> Any:
        row = (await rows(running, booking)).get((0, kind))
        return row if row is not None and row.attempts == attempts else None

    return await until(reached)


def _calendar(content: bytes) -> tuple[Calendar, Any]:
    calendar = Calendar.from_ical(content)
    [event] = calendar.walk("VEVENT")
    return calendar, event


@pytest.mark.parametrize(
    ("language", "subject", "words"),
    [
        (
            "sv",
            "Din tid är bokad: måndag 30 mars kl. 09.00–09.45",
            ("Besök", "en annan familj", "Frågor? Ring Hörby", "0415-37 80 00"),
        ),
        (
            "en",
            "Your time is booked: Monday 30 March, 09:00–09:45",
            ("Visit", "another family", "Questions? Call", "+46 415 37 80 00"),
        ),
    ],
)
async def test_confirmation_by_mail(
    notification: Notification, booking: Booking, language: str, subject: str, words: tuple[str, ...]
) -> None:
    one = uuid4()
    booking.answers[one] = answer(language=language, name="Å <b>")
    async with mail_server() as (server, port), notification(smtp_port=port) as running:
        await booking.publish(events.CONFIRMED, one)
        row = await _settled(running, one, 0, "confirmation")
    [mail] = server.mails
    assert server.recipients == ["kanarie@example.se"]
    assert mail["Subject"] == subject
    assert mail["From"] == "Samtid <svara-inte@samtid.example>"
    assert mail["To"] == "kanarie@example.se"
    assert mail["Message-ID"] == f"<{row.id}@samtid.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == BOOKED_AT
    assert mail["Samtid-Reference"] == "K7QX3MPD"
    plain, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    facts = (subject.split(": ")[1], "Maria Ek", "BVC Hörby, Vårdvägen 1, Hörby", "K7QX3MPD", *words)
    for part in (plain, html):
        assert [fact for fact in (*facts, "https://samtid.example/bokning/hemlig-lank") if fact not in part] == []
    assert "Å <b>" in plain
    assert "Å &lt;b&gt;" in html
    assert "<img" not in html
    [attachment] = mail.iter_attachments()
    assert attachment.get_content_type() == "text/calendar"
    assert attachment["Content-Type"].params["method"] == "PUBLISH"
    _, event = _calendar(attachment.get_payload(decode=True))
    assert event["UID"] == f"{one}@samtid"
    assert event["SEQUENCE"] == 0
    assert event.decoded("DTSTART").isoformat() == "2026-03-30T09:00:00+02:00"
    assert event["LOCATION"] == "BVC Hörby, Vårdvägen 1, Hörby"
    assert b"hemlig-lank" not in attachment.get_payload(decode=True)


@pytest.mark.parametrize(
    ("language", "start"),
    [
        (
            "sv",
            (
                "Hörby kommun: Din tid är bokad: måndag 30 mars kl. 09.00-09.45, Maria Ek, telefonsamtal. "
                "Rådgivaren ringer dig på det nummer du lämnade. Flytta eller "
            ),
        ),
        (
            "en",
            (
                "Hörby municipality: Your time is booked: Monday 30 March, 09:00-09:45, Maria Ek, phone call. The "
                "advisor calls you on the number that you gave. Move or "
            ),
        ),
    ],
)
async def test_confirmation_by_sms(
    notification: Notification, booking: Booking, outside: Outside, language: str, start: str
) -> None:
    one = uuid4()
    booking.answers[one] = answer(language=language, email=None, modality="phone", place=None)
    async with notification() as running:
        await booking.publish(events.CONFIRMED, one)
        row = await _settled(running, one, 0, "confirmation")
    [sms] = outside.caught
    assert sms.channel == "sms"
    assert sms.to == "+46701234567"
    assert sms.text.startswith(start)
    link = "https://samtid.example/bokning/hemlig-lank"
    assert sms.text.partition(link)[2].startswith(" Ref K7QX3MPD. ")
    assert sms.text.endswith(" 0415-37 80 00" if language == "sv" else " +46 415 37 80 00")
    assert sms.reference == "K7QX3MPD"
    assert sms.key == str(row.id)


@pytest.mark.parametrize(
    ("language", "subject", "said"),
    [
        ("sv", "Du har ett meddelande", "Du har ett meddelande. Ring 0415-37 80 00."),
        ("en", "You have a message", "You have a message. Call +46 415 37 80 00."),
    ],
)
async def test_a_protected_family_is_told_that_there_is_a_message_and_no_more(
    notification: Notification, booking: Booking, outside: Outside, language: str, subject: str, said: str
) -> None:
    by_mail, by_sms, clock = uuid4(), uuid4(), FakeTime(BOOKED_AT)
    booking.answers[by_mail] = protected_answer(language=language)
    booking.answers[by_sms] = protected_answer(language=language, email=None)
    async with mail_server() as (server, port), notification(smtp_port=port, clock=clock) as running:
        for one in booking.answers:
            await booking.publish(events.CONFIRMED, one)
            await _settled(running, one, 0, "confirmation")
        clock.now = START - timedelta(hours=24)
        for one in booking.answers:
            await _settled(running, one, 0, "reminder_24h")
        for one in list(booking.answers):
            booking.answers[one] = {**booking.answers[one], "sequence": 1, "status": "cancelled"}
            await booking.publish(events.CANCELLED, one, 1)
            await _settled(running, one, 1, "cancellation")
    assert {(sms.to, sms.text) for sms in outside.caught} == {("+46701234567", said)}
    assert len(server.mails) == len(outside.caught) >= 3
    domain_and_id = {"From", "To", "Date", "Message-ID", "Auto-Submitted", "Content-Language", "Subject"}
    transport = {"Content-Type", "Content-Transfer-Encoding", "MIME-Version", "X-Peer", "X-MailFrom", "X-RcptTo"}
    for mail in server.mails:
        assert mail["Subject"] == subject
        assert not mail.is_multipart()
        assert mail.get_content().strip() == said
        assert set(mail.keys()) <= domain_and_id | transport


async def test_what_a_protected_family_cannot_act_on_any_more_is_dropped(
    notification: Notification, booking: Booking, outside: Outside
) -> None:
    one = uuid4()
    booking.answers[one] = protected_answer(over=True)
    async with notification() as running:
        await booking.publish(events.CONFIRMED, one)
        row = await _settled(running, one, 0, "confirmation", "dropped")
    assert row.last_error == "too_late"
    assert outside.caught == []


async def test_a_municipality_without_a_phone_is_not_offered_for_questions(
    notification: Notification, booking: Booking, outside: Outside
) -> None:
    by_mail, by_sms = uuid4(), uuid4()
    booking.answers = {by_mail: answer(help_phone=None), by_sms: answer(help_phone=None, email=None)}
    async with notification() as running:
        for one in booking.answers:
            await booking.publish(events.CONFIRMED, one)
            await _settled(running, one, 0, "confirmation")
    assert len(outside.caught) == 2
    assert [caught.text for caught in outside.caught if "None" in caught.text or "Frågor" in caught.text] == []


async def test_change_and_cancellation_replace_the_appointment(notification: Notification, booking: Booking) -> None:
    one, moved = uuid4(), START + timedelta(days=2)
    async with mail_server() as (server, port), notification(smtp_port=port) as running:
        booking.answers[one] = answer()
        await booking.publish(events.CONFIRMED, one)
        await _settled(running, one, 0, "confirmation")
        booking.answers[one] = answer(1, start=moved)
        await booking.publish(events.RESCHEDULED, one, 1, start=moved)
        await _settled(running, one, 1, "change")
        booking.answers[one] = answer(2, start=moved, status="cancelled")
        await booking.publish(events.CANCELLED, one, 2, start=moved)
        await _settled(running, one, 2, "cancellation")
        left = await rows(running, one)
    assert {key: row.status for key, row in left.items()} == {
        (0, "confirmation"): "sent",
        (0, "reminder_5d"): "dropped",
        (0, "reminder_24h"): "dropped",
        (1, "change"): "sent",
        (1, "reminder_5d"): "dropped",
        (1, "reminder_24h"): "dropped",
        (2, "cancellation"): "sent",
    }
    assert [mail["Subject"].split(":")[0] for mail in server.mails] == [
        "Din tid är bokad",
        "Din nya tid",
        "Din tid är avbokad",
    ]
    found = [_calendar(next(mail.iter_attachments()).get_payload(decode=True))[1] for mail in server.mails]
    assert {event["UID"] for event in found} == {f"{one}@samtid"}
    assert [event["SEQUENCE"] for event in found] == [0, 1, 2]
    assert [event["STATUS"] for event in found] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert [event.decoded("DTSTART").day for event in found] == [30, 1, 1]
    last = server.mails[-1].get_body(("plain",)).get_content()
    assert "Boka en ny tid: https://samtid.example" in last
    assert "hemlig-lank" not in last


async def test_reminders_go_when_their_moment_comes(
    notification: Notification, booking: Booking, outside: Outside
) -> None:
    one, clock = uuid4(), FakeTime(BOOKED_AT)
    booking.answers[one] = answer()
    async with notification(clock=clock) as running:
        await booking.publish(events.CONFIRMED, one)
        await _settled(running, one, 0, "confirmation")
        clock.now = START - timedelta(days=5, seconds=1)
        async with httpx.AsyncClient() as http:
            assert not await delivery.send_one(running.runtime, http)
        clock.now = START - timedelta(days=5)
        assert (await _settled(running, one, 0, "reminder_5d")).sent_at == clock.now
        assert (await rows(running, one))[0, "reminder_24h"].status == "pending"
        clock.now = START - timedelta(hours=24)
        await _settled(running, one, 0, "reminder_24h")
    assert [caught.subject.split(":")[0] for caught in outside.caught] == [
        "Din tid är bokad",
        "Påminnelse om din tid",
        "Snart är det dags",
    ]
    assert all("en annan familj" in caught.text for caught in outside.caught)


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ({"found": False}, "erased"),
        (answer(1), "superseded"),
        (answer(0, status="cancelled"), "not_confirmed"),
        (answer(0, email=None, phone=None), "no_address"),
        (answer(0, start=BOOKED_AT - timedelta(hours=1)), "too_late"),
    ],
)
async def test_what_is_no_longer_true_is_not_sent(
    notification: Notification, booking: Booking, outside: Outside, reply: dict[str, Any], why: str
) -> None:
    one = uuid4()
    booking.answers[one] = reply
    async with notification() as running:
        await booking.publish(events.CONFIRMED, one)
        assert (await _settled(running, one, 0, "confirmation", "dropped")).last_error == why
    assert outside.caught == []


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (None, "no_answer"),
        (b"\xff", "unreadable_answer"),
        ({**answer(), "zone": "Europe/Nowhere"}, "unreadable_answer"),
        ({**answer(), "language": "xx"}, "unreadable_answer"),
    ],
)
async def test_without_an_answer_it_waits_and_does_not_guess(
    notification: Notification, booking: Booking, outside: Outside, reply: Any, why: str
) -> None:
    one, clock = uuid4(), FakeTime(BOOKED_AT)
    booking.answers[one] = reply
    async with notification(clock=clock) as running:
        await booking.publish(events.CONFIRMED, one)
        row = await _failing(running, one, "confirmation", why)
        assert row.status == "pending"
        assert row.next_attempt_at == BOOKED_AT + (timedelta(seconds=1) if row.attempts else rules.ASK_AGAIN)
        assert outside.caught == []
        booking.answers[one] = answer()
        clock.now = row.next_attempt_at
        await _settled(running, one, 0, "confirmation")
    assert len(outside.caught) == 1


async def test_bookings_silence_is_no_failure_of_a_server(notification: Notification, booking: Booking) -> None:
    """A restart of booking is over in half a minute: what waited for it must not wait for ten."""
    one, clock = uuid4(), FakeTime(BOOKED_AT)
    booking.answers[one] = answer(0)
    async with notification(clock=clock) as running:
        await booking.publish(events.RESCHEDULED, one, 1)

        async def asked_again() -> Any:
            row = (await rows(running, one)).get((1, "change"))
            return row if row and row.next_attempt_at == clock.now + rules.ASK_AGAIN else None

        row = await until(asked_again)
        for _ in range(11):
            clock.now = row.next_attempt_at
            row = await until(asked_again)
        assert row.attempts == 0
        told = [code for _, _, code in await _told(running, row.id)]
        # Each reason is told once, not each time.
        assert told == [None, *(code for code, _ in groupby(told[1:]))]
        assert "answer_too_old" in told
        booking.answers[one] = answer(1)
        clock.now = row.next_attempt_at
        await _settled(running, one, 1, "change")


async def test_a_broker_that_is_away_is_no_failure_of_a_server(
    notification: Notification, booking: Booking, nats_server: infra.NatsServer
) -> None:
    """However long nobody can be asked: what fell due meanwhile goes as soon as somebody can."""
    one, clock = uuid4(), FakeTime(BOOKED_AT)
    booking.answers[one] = None
    async with (
        infra.wire(nats_server.url) as wire,
        notification(clock=clock, nats_url=wire.url) as running,
    ):
        await booking.publish(events.CONFIRMED, one)
        await _failing(running, one, "confirmation", "no_answer")
        booking.answers[one] = answer()
        wire.refuse()

        async def connected(expected: bool) -> bool:
            return running.runtime.client.is_connected is expected

        await until(lambda: connected(False))
        for _ in range(4):
            clock.now += rules.ASK_AGAIN
            row = await _failing(running, one, "confirmation", "no_answer", at=clock.now + rules.ASK_AGAIN)
        assert row.attempts == 0
        await wire.open()
        await until(lambda: connected(True))
        clock.now += rules.ASK_AGAIN
        await _settled(running, one, 0, "confirmation")


async def test_an_answer_older_than_the_fact_waits(
    notification: Notification, booking: Booking, outside: Outside
) -> None:
    one = uuid4()
    booking.answers[one] = answer(0)
    async with notification() as running:
        await booking.publish(events.RESCHEDULED, one, 1)
        row = await _failing(running, one, "change", "answer_too_old", sequence=1)
    assert row.status == "pending"
    assert outside.caught == []


async def test_nobody_there_delays_grow_until_it_is_of_no_use_and_then_it_is_a_dead_letter(
    notification: Notification, booking: Booking, streams: Client, caplog: pytest.LogCaptureFixture
) -> None:
    one, clock = uuid4(), FakeTime(BOOKED_AT)
    caplog.set_level(logging.INFO, "notification.delivery")
    booking.answers[one] = answer(phone=None)
    unused = 1  # nothing listens there
    waits = []
    async with notification(clock=clock, smtp_port=unused) as running:
        await booking.publish(events.CONFIRMED, one)
        for attempt in range(1, len(rules.RETRY_AFTER) + 3):
            row = await _attempted(running, one, "confirmation", attempt)
            assert row.status == "pending"
            assert row.last_error == "smtp_SMTPConnectError"
            waits.append(row.next_attempt_at - clock.now)
            clock.now = row.next_attempt_at
        await _attempted(running, one, "confirmation", attempt + 1)
        assert waits == [*rules.RETRY_AFTER, rules.RETRY_AFTER[-1], rules.RETRY_AFTER[-1]]
        tries = [r for r in caplog.records if r.getMessage().startswith(f"message {row.id}")]
        assert all(f"(confirmation) of booking {one}: pending, smtp_SMTPConnectError, try" in r.message for r in tries)
        assert [r.levelname for r in tries[:4]] == ["INFO", "INFO", "WARNING", "WARNING"]
        clock.now = START
        row = await _settled(running, one, 0, "confirmation", "dead")
        assert row.attempts == attempt + 2
        assert row.last_error == "smtp_SMTPConnectError"

        async def letter() -> Any:
            manager = streams.jsm()
            info = await manager.stream_info("DEAD")
            return await manager.get_msg("DEAD", info.state.last_seq) if info.state.messages else None

        found = await until(letter)
    assert found.subject == "dead.notification"
    assert json.loads(found.data) == {
        "message": str(row.id),
        "booking": str(one),
        "sequence": 0,
        "kind": "confirmation",
        "attempts": row.attempts,
        "error": "smtp_SMTPConnectError",
    }


@pytest.mark.parametrize(
    ("rcpt", "data", "status", "why"),
    [
        ("550 no such user kanarie@example.se", "250 OK", "dead", "smtp_550"),
        ("250 OK", "554 not this", "pending", "smtp_554"),
        ("550 5.7.1 refused by DMARC", "250 OK", "pending", "smtp_550"),
        ("451 greylisted", "250 OK", "pending", "smtp_451"),
        ("250 OK", "452 full", "pending", "smtp_452"),
    ],
)
async def test_a_final_refusal_is_dead_at_once_and_a_passing_one_is_tried_again(
    notification: Notification, booking: Booking, rcpt: str, data: str, status: str, why: str
) -> None:
    one = uuid4()
    booking.answers[one] = answer(phone=None)
    async with mail_server() as (server, port), notification(smtp_port=port) as running:
        server.rcpt, server.data = (lambda _address: rcpt), (lambda: data)
        await booking.publish(events.CONFIRMED, one)
        row = await _attempted(running, one, "confirmation", 1)
    assert (row.status, row.last_error) == (status, why)


BY_MAIL_OR_NOT = {"refused": "kanarie@example.se", "never mailable": "åsa@example.se", "as it is": "=?utf-8?q?x?=@b.se"}


@pytest.mark.parametrize("protected", [False, True])
@pytest.mark.parametrize("email", BY_MAIL_OR_NOT.values(), ids=BY_MAIL_OR_NOT)
async def test_where_mail_ends_dead_the_same_message_goes_as_sms_once(
    notification: Notification, booking: Booking, outside: Outside, email: str, protected: bool
) -> None:
    one = uuid4()
    booking.answers[one] = (protected_answer if protected else answer)(email=email)
    async with mail_server() as (server, port), notification(smtp_port=port) as running:
        server.rcpt = lambda _address: "550 5.1.1 no such user"
        await booking.publish(events.CONFIRMED, one)
        row = await _settled(running, one, 0, "confirmation")
        told = await _told(running, row.id)
    assert row.channel == "sms"
    assert [(caught.channel, caught.key) for caught in outside.caught] == [("sms", str(row.id))]
    assert server.mails == []
    refused = [("pending", 1, "smtp_550")] if email == "kanarie@example.se" else []
    assert told == [("pending", 0, None), *refused, ("sent", len(refused) + 1, None)]


@pytest.mark.parametrize("protected", [False, True])
@pytest.mark.parametrize("sms", ["taken", "away"])
async def test_where_mail_is_always_put_off_the_ways_take_turns_until_one_takes_it(
    notification: Notification, booking: Booking, outside: Outside, sms: str, protected: bool
) -> None:
    """A server that never takes a mistyped address may say so with a passing code."""
    one, clock = uuid4(), FakeTime(BOOKED_AT)
    booking.answers[one] = (protected_answer if protected else answer)()
    nobody = {"sms_url": "http://127.0.0.1:1"} if sms == "away" else {}
    async with mail_server() as (server, port), notification(clock=clock, smtp_port=port, **nobody) as running:
        server.rcpt = lambda _address: "450 4.1.2 Domain not found"
        await booking.publish(events.CONFIRMED, one)
        for attempt in range(1, rules.ALONE + 1):
            row = await _attempted(running, one, "confirmation", attempt)
            assert (row.status, row.channel, row.last_error) == ("pending", "email", "smtp_450")
            clock.now = row.next_attempt_at
        if sms == "away":
            row = await _attempted(running, one, "confirmation", rules.ALONE + 1)
            assert (row.status, row.channel, row.last_error) == ("pending", "sms", "sms_ConnectError")
            server.rcpt = lambda _address: "250 OK"
            clock.now = row.next_attempt_at
        row = await _settled(running, one, 0, "confirmation")
    assert (row.channel, row.attempts) == (("sms", rules.ALONE + 1) if sms == "taken" else ("email", rules.ALONE + 2))
    assert [caught.key for caught in outside.caught] == ([str(row.id)] if sms == "taken" else [])
    ids = [mail["Message-ID"] for mail in server.mails]
    assert ids == ([f"<{row.id}@samtid.example>"] if sms == "away" else [])


@pytest.mark.parametrize(
    ("contact", "why"),
    [
        ({"email": None, "phone": "+46846500401"}, "no_sms_to_number"),
        ({"email": None, "phone": "+46939100000"}, "no_sms_to_number"),
        ({"email": "åsa@example.se", "phone": None}, "no_mailable_address"),
        ({"email": "åsa@example.se", "phone": "+46846500401"}, "no_mailable_address"),
    ],
)
async def test_what_can_reach_nobody_is_dead_from_the_start(
    notification: Notification, booking: Booking, outside: Outside, contact: dict[str, Any], why: str
) -> None:
    one = uuid4()
    booking.answers[one] = answer(**contact)
    async with notification() as running:
        await booking.publish(events.CONFIRMED, one)
        row = await _settled(running, one, 0, "confirmation", "dead")
    assert row.last_error == why
    assert outside.caught == []


async def test_both_ways_refused_is_dead_and_can_be_sent_again(
    notification: Notification, booking: Booking, outside: Outside
) -> None:
    one = uuid4()
    booking.answers[one] = answer(phone="+46846500401")
    async with mail_server() as (server, port), notification(smtp_port=port) as running:
        server.rcpt = lambda _address: "550 5.1.1 no such user"
        await booking.publish(events.CONFIRMED, one)
        row = await _settled(running, one, 0, "confirmation", "dead")
        server.rcpt = lambda _address: "250 OK"
        # Sent twice, and once of a state that is long past: it is sent again once.
        await booking.ask_to_resend(row.id, row.version)
        await booking.ask_to_resend(row.id, row.version)
        await booking.ask_to_resend(row.id, 1)
        again = await _settled(running, one, 0, "confirmation")
        told = await _told(running, row.id)
    assert again.attempts == 1
    assert [mail["Message-ID"] for mail in server.mails] == [f"<{row.id}@samtid.example>"]
    assert told == [("pending", 0, None), ("dead", 1, "smtp_550"), ("pending", 0, None), ("sent", 1, None)]


async def test_what_is_too_late_is_dropped_though_staff_ask_for_it(
    notification: Notification, booking: Booking, outside: Outside
) -> None:
    one, clock = uuid4(), FakeTime(BOOKED_AT)
    booking.answers[one] = answer(email=None, phone="+46846500401")
    async with notification(clock=clock) as running:
        await booking.publish(events.CONFIRMED, one)
        row = await _settled(running, one, 0, "confirmation", "dead")
        clock.now = START
        await booking.ask_to_resend(row.id, row.version)
        assert (await _settled(running, one, 0, "confirmation", "dropped")).last_error == "too_late"


async def test_a_provider_that_refuses_a_number_is_final(notification: Notification, booking: Booking) -> None:
    from fastapi import FastAPI, HTTPException

    status = 0
    provider = FastAPI()

    @provider.post("/a1/sms")
    async def sms() -> None:
        raise HTTPException(status, "Invalid number")

    import uvicorn

    server = uvicorn.Server(uvicorn.Config(provider, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await until(started)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    async with notification(sms_url=url) as running:
        for status, expected in ((400, "dead"), (402, "pending"), (503, "pending")):
            one = uuid4()
            booking.answers[one] = answer(email=None)
            await booking.publish(events.CONFIRMED, one)
            row = await _attempted(running, one, "confirmation", 1)
            assert (row.status, row.last_error) == (expected, f"sms_{status}")
    server.should_exit = True
    await serving


async def test_one_that_hangs_does_not_hold_up_the_others(notification: Notification, booking: Booking) -> None:
    release = asyncio.Event()

    async def hang() -> str:
        await release.wait()
        return "250 OK"

    many = [uuid4() for _ in range(20)]
    booking.answers.update({one: answer() for one in many})
    async with mail_server() as (server, port), notification(smtp_port=port) as running:
        server.data = lambda: hang() if len(server.mails) == 1 else "250 OK"
        for one in many:
            await booking.publish(events.CONFIRMED, one)

        async def all_others_sent() -> bool:
            found = [(await rows(running, one)).get((0, "confirmation")) for one in many]
            return sum(row is not None and row.status == "sent" for row in found) == len(many) - 1

        await until(all_others_sent)
        release.set()
        for one in many:
            await _settled(running, one, 0, "confirmation")
    assert len(server.mails) == len(many)


async def test_two_processes_send_each_message_once(
    notification: Notification, booking: Booking, outside: Outside
) -> None:
    many = [uuid4() for _ in range(60)]
    booking.answers.update({one: answer() for one in many})
    async with notification() as first, notification(database_url=first.database_url):
        body = b""
        for one in many:
            body = await booking.publish(events.CONFIRMED, one)
        again = booking.client.jetstream()
        await again.publish("events.booking.confirmed", body, stream="EVENTS")

        async def all_sent() -> bool:
            async with first.admin.connect() as connection:
                sent = await connection.scalar(text("select count(*) from message where status = 'sent'"))
            return sent == len(many)

        await until(all_sent)
    assert len(outside.caught) == len({caught.key for caught in outside.caught}) == len(many)


async def test_stopping_finishes_what_is_under_way(notification: Notification, booking: Booking) -> None:
    one, release, begun = uuid4(), asyncio.Event(), asyncio.Event()

    async def slowly() -> str:
        begun.set()
        await release.wait()
        return "250 OK"

    booking.answers[one] = answer()
    async with mail_server() as (server, port):
        server.data = slowly
        async with notification(smtp_port=port) as running:
            url = running.database_url
            await booking.publish(events.CONFIRMED, one)
            await asyncio.wait_for(begun.wait(), 20)
            # Meanwhile the job is cancelled more than once.
            asyncio.get_running_loop().call_later(2.5, release.set)
        async with notification(smtp_port=port, database_url=url) as again:
            row = (await rows(again, one))[0, "confirmation"]
    assert (row.status, len(server.mails)) == ("sent", 1)


async def test_a_crash_after_the_servers_ok_repeats_with_the_same_id_and_is_counted(
    notification: Notification, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = InMemoryMetricReader()
    counter = MeterProvider([reader]).get_meter("test").create_counter("repeats")
    monkeypatch.setattr(delivery, "_repeats", counter)
    one = uuid4()
    booking.answers[one] = answer()
    async with mail_server() as (server, port), notification(smtp_port=port) as running:

        async def lose_the_claim() -> str:
            async with running.admin.begin() as connection:
                killed = await connection.execute(
                    text(
                        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
                        " and state = 'idle in transaction' and backend_xid is not null"
                    )
                )
                assert killed.rowcount == 1
            return "250 OK"

        server.data = lambda: lose_the_claim() if len(server.mails) == 1 else "250 OK"
        await booking.publish(events.CONFIRMED, one)
        row = await _settled(running, one, 0, "confirmation")
    assert [mail["Message-ID"] for mail in server.mails] == [f"<{row.id}@samtid.example>"] * 2
    data = reader.get_metrics_data()
    assert data is not None
    [point] = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    assert (point.value, dict(point.attributes)) == (1, {"kind": "confirmation"})


async def test_one_trace_from_the_fact_to_the_message_and_reminders_linked_to_it(
    notification: Notification, booking: Booking, spans: InMemorySpanExporter
) -> None:
    one, clock = uuid4(), FakeTime(BOOKED_AT)
    booking.answers[one] = answer(email=None)
    with trace.get_tracer("booking").start_as_current_span("request") as request:
        cause = request.get_span_context()
        async with notification(clock=clock) as running:
            await booking.publish(events.CONFIRMED, one)
            await _settled(running, one, 0, "confirmation")
            clock.now = START - timedelta(days=5)
            await _settled(running, one, 0, "reminder_5d")

    def span(name: str) -> ReadableSpan:
        [found] = [s for s in spans.get_finished_spans() if s.name == name]
        return found

    process, confirmation, reminder = (
        span(n) for n in ("process events.booking.confirmed", "send confirmation", "send reminder_5d")
    )
    assert process.context.trace_id == confirmation.context.trace_id == cause.trace_id
    assert confirmation.parent is not None
    assert confirmation.parent.span_id == process.context.span_id
    assert confirmation.instrumentation_scope.name == "notification"
    assert dict(confirmation.attributes or {}) == {
        "samtid.booking_id": str(one),
        "samtid.kind": "confirmation",
        "samtid.channel": "sms",
    }
    assert reminder.context.trace_id != cause.trace_id
    assert reminder.parent is None
    assert [link.context.span_id for link in reminder.links] == [process.context.span_id]
    asked = [(message.headers or {})["traceparent"].split("-")[2] for message in booking.asked]
    assert asked == [format(s.context.span_id, "016x") for s in (confirmation, reminder)]


async def test_nothing_personal_is_stored_logged_or_traced(
    notification: Notification, booking: Booking, spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    caplog.handler.setFormatter(telemetry.JsonFormatter())
    for noisy in ("httpx", "nats"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    by_mail, by_sms, refused, unreadable, broken = (uuid4() for _ in range(5))
    booking.answers = {
        by_mail: answer(),
        by_sms: answer(email=None),
        refused: answer(phone=None),
        unreadable: {**answer(), "phone": {"kanarie@example.se": "Kanariefågel"}},
        broken: answer(email="kanarie@example.se\nBcc: x@example.se", phone=None),
    }
    async with mail_server() as (server, port), notification(smtp_port=port) as running:
        await booking.publish(events.CONFIRMED, by_mail)
        await booking.publish(events.CONFIRMED, by_sms)
        await _settled(running, by_mail, 0, "confirmation")
        await _settled(running, by_sms, 0, "confirmation")
        server.rcpt = lambda address: f"550 {address} is unknown"
        await booking.publish(events.CONFIRMED, refused)
        await _settled(running, refused, 0, "confirmation", "dead")
        await booking.publish(events.CONFIRMED, unreadable)
        await _attempted(running, unreadable, "confirmation", 1)
        await booking.publish(events.CONFIRMED, broken)
        await _settled(running, broken, 0, "confirmation", "dead")
        stored = await everything_stored(running)
    assert len(server.mails) == 1
    traced = " ".join(span.to_json() for span in spans.get_finished_spans())
    logged = "\n".join(caplog.handler.format(record) for record in caplog.records)
    assert str(by_mail) in stored
    assert "smtp_550" in stored
    assert "smtp_550" in logged
    assert str(by_mail) in traced
    places = {"database": stored, "traces": traced, "logs": logged}
    assert [(canary, name) for canary in CANARIES for name, place in places.items() if canary in place] == []


async def test_ready_and_documented(notification: Notification, booking: Booking) -> None:
    async with notification() as running:

        async def ready() -> bool:
            return (await running.http.get("/notification/readyz")).text == '{"status":"ready"}'

        await until(ready)


@pytest.mark.parametrize(
    "changed",
    [{"smtp_tls": "none"}, {"sms_url": "http://sms.example"}, {"mail_from": "Samtid"}, {"sms_from": "Long name here"}],
)
def test_unsafe_settings_do_not_start_in_production(changed: dict[str, Any]) -> None:
    safe: dict[str, Any] = {
        "database_url": "postgresql://localhost/x",
        "nats_url": "nats://localhost",
        "smtp_host": "mail.example",
        "mail_from": "Samtid <x@samtid.example>",
        "sms_url": "https://sms.example",
        "public_url": "https://samtid.example",
    }
    Settings(**safe)
    with pytest.raises(ValidationError):
        Settings(**{**safe, **changed})
