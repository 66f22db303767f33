"""`samtid messages`, as the operator runs it, while notification runs on the same database."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from booking import events
from deploy import cli, messages
from tests.conftest import Running, until
from tests.notification.conftest import (
    BOOKED_AT,
    Booking,
    Notification,
    Outside,
    answer,
    booking,
    notification,
    outside,
    rows,
)

__all__ = ["booking", "notification", "outside"]


async def samtid(*arguments: str) -> int:
    return await asyncio.to_thread(cli.main, ["messages", *arguments])


async def settled(running: Running, one: UUID, status: str) -> UUID:
    """The confirmation of a booking, once it stands so."""

    async def reached() -> UUID | None:
        row = (await rows(running, one)).get((0, "confirmation"))
        return row.id if row and row.status == status else None

    found: UUID = await until(reached)
    return found


@pytest.fixture
async def running(
    notification: Notification, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Running]:
    monkeypatch.setattr(messages, "utc_now", lambda: BOOKED_AT)
    async with notification() as made:
        url = made.runtime.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        monkeypatch.setenv("DATABASE_URL", url)
        assert await samtid("list") == 0
        assert capsys.readouterr().out == "No message is dead.\n"
        yield made


async def unreached(booking: Booking, running: Running) -> tuple[UUID, UUID]:
    """A booking and its message, which reached nobody: there is a land line to write to, and nothing else."""
    one = uuid4()
    booking.answers[one] = answer(email=None, phone="+46846500401")
    await booking.publish(events.CONFIRMED, one)
    return one, await settled(running, one, "dead")


async def test_what_reached_nobody_is_listed_and_sent_again(
    running: Running, booking: Booking, outside: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    (one, message), (other, left) = [await unreached(booking, running) for _ in range(2)]
    assert await samtid("list", "--booking", str(one)) == 0
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split() == ["MESSAGE", "BOOKING", "KIND", "WAY", "DUE", "TRIES", "CODE"]
    assert line.split()[:4] == [str(message), str(one), "confirmation", "-"]
    assert line.split()[-2:] == ["1", "no_sms_to_number"]
    for known in (answer(), booking.answers[one]):
        assert not {str(known["name"]), str(known["phone"]), str(known["email"])} & set(line.split())
    booking.answers[one] = booking.answers[other] = answer()
    assert await samtid("resend", str(message)) == 0
    assert await settled(running, one, "sent") == message
    assert [caught.to for caught in outside.caught] == [answer()["email"]]
    assert (await rows(running, other))[0, "confirmation"].status == "dead"
    assert await samtid("resend", "--code", "smtp_530") == 0
    assert await samtid("resend", "--code", "no_sms_to_number") == 0
    assert await settled(running, other, "sent") == left
    assert await samtid("list") == 0
    assert capsys.readouterr().out.endswith("No message is dead.\n")


async def test_what_reached_somebody_is_not_sent_again(
    running: Running, booking: Booking, outside: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    one = uuid4()
    booking.answers[one] = answer()
    await booking.publish(events.CONFIRMED, one)
    message = await settled(running, one, "sent")
    nobody = uuid4()
    assert await samtid("resend", str(message), str(nobody)) == 1
    said = capsys.readouterr()
    assert said.out.startswith("0 messages are sent again")
    for wrong in (message, nobody):
        assert f"samtid messages: {wrong} is no message that reached nobody." in said.err
    assert await samtid("resend", "--all") == 0
    assert len(outside.caught) == 1


@pytest.mark.parametrize("said", [(), ("--all", "--code", "x"), ("7",)])
async def test_what_is_meant_must_be_said(said: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        await samtid("resend", *said)
    assert "usage: samtid messages resend" in capsys.readouterr().err
