"""Codes are sent at once, by the one way that is to be proved, and not any more once they are over."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from typing import Annotated, Any
from uuid import UUID, uuid4

import pytest
import uvicorn
from fastapi import FastAPI, Form, HTTPException
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import text

from booking import events
from notification import gsm, render, rules
from notification.contact import Changed, Code
from tests.conftest import Running, until
from tests.notification.conftest import (
    BOOKED_AT,
    Booking,
    FakeTime,
    Notification,
    Outside,
    answer,
    code_answer,
    everything_stored,
)
from tests.notification.test_delivery import mail_server

ADDRESS = "kanarie@example.se"


@dataclass
class Provider:
    """An SMS provider that answers as the test says."""

    url: str
    status: int = 200
    taken: list[str] = field(default_factory=list)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    app = FastAPI()

    @app.post("/a1/sms")
    async def sms(to: Annotated[str, Form()]) -> None:
        if made.status != 200:
            raise HTTPException(made.status, "Invalid number")
        made.taken.append(to)

    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await until(started)
    made = Provider(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}")
    yield made
    server.should_exit = True
    await serving


async def waiting(running: Running) -> list[Any]:
    """The codes that are still to be sent."""
    async with running.admin.connect() as connection:
        return list((await connection.execute(text("select proof, attempts, next_attempt_at from code"))).all())


async def forgotten(running: Running, asked: Booking) -> bool:
    return bool(asked.asked) and await waiting(running) == []


@pytest.mark.parametrize(
    ("channel", "to", "language", "said"),
    [
        ("sms", "+46701234567", "sv", "Hörby kommun: Din kod är 093271. Den gäller i 10 minuter. Ge den aldrig till"),
        ("sms", "+46701234567", "en", "Hörby municipality: Your code is 093271. It is valid for 10 minutes. Never"),
        ("email", ADDRESS, "sv", "Din kod är 093271. Den gäller i tio minuter."),
        ("email", ADDRESS, "en", "Your code is 093271. It is valid for ten minutes."),
    ],
)
async def test_a_code_goes_the_way_that_is_to_be_proved_and_is_forgotten(
    booking: Booking, outside: Outside, notification: Notification, channel: str, to: str, language: str, said: str
) -> None:
    proof = uuid4()
    booking.answers[proof] = code_answer(to=to)
    async with notification() as running:
        await booking.ask_for_code(proof, channel=channel, language=language)
        await until(lambda: forgotten(running, booking))
        stored = await everything_stored(running)
    [caught] = outside.caught
    assert (caught.channel, caught.to) == (channel, to)
    assert said in caught.text
    assert "093271" not in caught.subject
    assert "093271" not in stored
    assert to not in stored


async def test_a_former_contact_is_told_that_it_was_changed(
    booking: Booking, outside: Outside, notification: Notification
) -> None:
    for channel, to, language, said in (
        (
            "sms",
            "+46701234567",
            "sv",
            "Hörby kommun: Kontaktuppgifterna för dina bokningar är ändrade. Var det inte du?",
        ),
        ("email", ADDRESS, "en", "Messages about your bookings no longer come here"),
    ):
        proof = uuid4()
        booking.answers[proof] = {**code_answer(to=to, changed=True), "code": None}
        async with notification():
            await booking.ask_for_code(proof, events.CONTACT_CHANGED, channel=channel, language=language)

            async def told(to: str = to) -> list[Any]:
                return [caught for caught in outside.caught if caught.to == to]

            [caught] = await until(told)
        assert (caught.channel, caught.to) == (channel, to)
        assert said in caught.text
        assert "415" in caught.text


async def test_nothing_is_sent_that_is_over_used_or_of_nobody(
    booking: Booking, outside: Outside, notification: Notification
) -> None:
    """Booking says so, or the clock does, before booking is asked or after."""
    clock = FakeTime(BOOKED_AT + timedelta(minutes=10))
    late, unknown, slow = uuid4(), uuid4(), uuid4()

    class Slow(dict[UUID, Any]):
        """Answers after two minutes."""

        def get(self, proof: Any, default: Any = None) -> Any:
            clock.now += timedelta(minutes=2 if proof == slow else 0)
            return super().get(proof, default)

    booking.answers = Slow({late: code_answer(), slow: code_answer()})
    async with notification(clock=clock) as running:
        await booking.ask_for_code(late)
        await booking.ask_for_code(unknown, minutes=20)
        await booking.ask_for_code(slow, minutes=11)

        async def asked_of(proof: UUID) -> bool:
            return any(json.loads(message.data)["proof"] == str(proof) for message in booking.asked)

        await until(lambda: asked_of(slow))
        await until(lambda: forgotten(running, booking))
        assert not await asked_of(late)
    assert outside.caught == []


async def test_what_fails_is_tried_again_until_it_is_over(
    booking: Booking, provider: Provider, notification: Notification
) -> None:
    provider.status = 500
    clock = FakeTime(BOOKED_AT)
    proof = uuid4()
    booking.answers[proof] = code_answer()
    async with notification(clock=clock, sms_url=provider.url) as running:
        await booking.ask_for_code(proof)

        async def tried(times: int) -> bool:
            return [row.attempts for row in await waiting(running)] == [times]

        await until(lambda: tried(1))
        clock.now += timedelta(seconds=1)
        await until(lambda: tried(2))
        provider.status = 200
        clock.now += timedelta(seconds=2)
        await until(lambda: forgotten(running, booking))
        assert provider.taken == ["+46701234567"]


async def test_a_number_that_is_refused_is_given_up_and_no_other_way_is_tried(
    booking: Booking,
    outside: Outside,
    provider: Provider,
    notification: Notification,
    caplog: pytest.LogCaptureFixture,
) -> None:
    provider.status = 400
    proof = uuid4()
    booking.answers[proof] = code_answer()
    with caplog.at_level("INFO", "notification"):
        async with notification(sms_url=provider.url) as running:
            await booking.ask_for_code(proof)
            await until(lambda: forgotten(running, booking))
    assert outside.caught == []
    assert f"code of proof {proof} by sms: given_up, sms_400, try 1" in caplog.text
    assert "093271" not in caplog.text


async def test_a_code_does_not_wait_behind_messages(
    booking: Booking, outside: Outside, notification: Notification
) -> None:
    """A server that hangs has all who send messages wait for it, and one who sends codes alone."""
    held = asyncio.Event()

    async def slow() -> str:
        await held.wait()
        return "250 OK"

    proof = uuid4()
    booking.answers[proof] = code_answer()
    families = [uuid4() for _ in range(8)]
    async with mail_server() as (server, port), notification(smtp_port=port):
        server.data = slow
        for family in families:
            booking.answers[family] = answer()
            await booking.publish(events.CONFIRMED, family)

        async def busy() -> bool:
            return len(booking.asked) >= 5

        await until(busy)
        await booking.ask_for_code(proof)

        async def there() -> bool:
            return [caught.channel for caught in outside.caught] == ["sms"]

        await until(there, 10)
        held.set()


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=80)


@example("Upplands Väsby med grannar " * 3, "sv", "012345")
@example("Ö" * 80, "en", "012345")
@given(names, st.sampled_from(["sv", "en"]), st.from_regex("[0-9]{6}", fullmatch=True))
def test_a_code_is_one_part_whatever_the_name(name: str, language: Any, code: str) -> None:
    asked = Code(code=code, to="+46701234567", municipality=name, help_phone=None, expires_at=BOOKED_AT)
    said = render.code_text(asked, language, "Samtid")
    assert gsm.parts(said) == 1
    assert code in said
    changed = Changed(to="+46701234567", municipality=name, help_phone="+46415378000", expires_at=BOOKED_AT)
    assert gsm.parts(render.code_text(changed, language, "Samtid")) == 1
    several = render.code_text(asked.model_copy(update={"municipality": None}), language, "Samtid")
    assert several.startswith("Samtid: ")


@given(st.integers(1, 40), st.integers(0, 700))
def test_a_code_is_tried_again_within_its_time_alone(attempts: int, seconds: int) -> None:
    expires, now = BOOKED_AT + timedelta(minutes=10), BOOKED_AT + timedelta(seconds=seconds)
    again = rules.code_again(attempts, expires, now)
    assert again is None or now < again < expires
    if again is None:
        assert now + rules.CODE_RETRY_AFTER[-1] >= expires


def test_the_subject_of_a_mail_does_not_say_the_code() -> None:
    asked = Code(code="093271", to=ADDRESS, municipality=None, help_phone=None, expires_at=BOOKED_AT)
    made: EmailMessage = render.code_mail(
        asked,
        "sv",
        proof=uuid4(),
        name="Samtid",
        sender="Samtid <svara-inte@samtid.example>",
        domain="samtid.example",
        now=BOOKED_AT,
    )
    assert all("093271" not in str(value) for value in made.values())
