"""`samtid why`, as the operator runs it, on a database in which families have booked."""

import asyncio
import re

import pytest

from deploy import cli
from tests.agenda.conftest import Work, work
from tests.agenda.test_days import ELEVEN, TEN
from tests.agenda.test_history import shown
from tests.agenda.test_messages import changed, tell
from tests.agenda.test_phone import booked as booked_by_staff
from tests.booking.register import NOW
from tests.conftest import until

__all__ = ["work"]


@pytest.fixture(autouse=True)
def _operator(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    url = work.booking.runtime.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)


async def samtid(*arguments: str) -> int:
    return await asyncio.to_thread(cli.main, ["why", *arguments])


async def published(work: Work) -> None:
    async def all_are() -> bool:
        return not await work.stored("select 1 from outbox where published_at is null")

    await until(all_are)


async def test_it_tells_what_happened_in_order_and_names_nobody(work: Work, capsys: pytest.CaptureFixture[str]) -> None:
    reference, other = await work.family_books(TEN), await work.family_books(ELEVEN)
    booking = await work.id_of(reference)
    await shown(work, booking)
    work.clock.move(minutes=1)
    failing = {"attempts": 4, "code": "sms_ConnectError", "channel": "sms", "next_attempt_at": work.clock()}
    await tell(work, changed(booking, 4, "pending", **failing), changed(await work.id_of(other)))
    work.clock.move(minutes=1)
    assert (await work.post(f"/arbetsdag/bokning/{booking}/avboka", skal="advisor_away")).status_code == 303
    await published(work)
    assert await samtid(reference) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0] == "cancelled: 2026-03-02 10:00–10:45, by video"
    assert f"id {booking}; times are of Europe/Stockholm" in said
    told = [
        "2026-03-02 08:00  Booked by the family",
        "2026-03-02 08:00  Read by staff (advisor): booking, day → booking",
        (
            "2026-03-02 08:01  Confirmation: not there after 4 tries: the SMS service did not take it (ConnectError)."
            " Next try 2026-03-02 08:01"
        ),
        "2026-03-02 08:02  Cancelled by staff: the advisor cannot come",
        "All its events are published.",
    ]
    assert [line for line in said.splitlines() if line in told] == told
    for secret in ("Kim", "070", "+4670", "Maria", "maria", other):
        assert secret not in said


async def test_a_reference_is_known_as_it_is_spelled_aloud(work: Work, capsys: pytest.CaptureFixture[str]) -> None:
    reference = await work.family_books(TEN)
    for written in (reference.lower(), " ".join(reference), f"{reference[:4]}-{reference[4:]}"):
        assert await samtid(written) == 0
        assert "No message is known of." in capsys.readouterr().out


async def test_what_waits_to_be_published_is_said_and_since_when(
    work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    reference, other = await work.family_books(TEN), await work.family_books(ELEVEN)
    await published(work)
    async with work.booking.admin.begin() as connection:
        # A subject that nobody may publish to is put aside for a minute, as where NATS is away.
        await connection.exec_driver_sql(
            "insert into outbox (event_id, subject, payload, headers, created_at) select gen_random_uuid(),"
            " 'nobody.may', payload, headers, '2026-03-02T06:30:00Z' from outbox"
        )
    assert await samtid(reference) == 0
    said = capsys.readouterr().out
    assert "Waiting to be published:\n2026-03-02 07:30  se.samtid.booking.confirmed.v1\n" in said
    assert said.count("se.samtid") == 1, f"and not that of {other}"
    assert "All its events" not in said


async def test_what_it_does_not_tell_of_is_said_in_one_sentence(work: Work, capsys: pytest.CaptureFixture[str]) -> None:
    assert (await booked_by_staff(work, skydd="skyddad_folkbokforing")).status_code == 303
    (row,) = await work.stored("select reference from booking")
    for reference in (row.reference, "ABCDEFGH"):
        assert await samtid(reference) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert re.fullmatch(rf"samtid why: there is no booking {reference}, or it is of a family of .*\n", said.err)
    for misspelt in ("YAWB7CW", "YAWB7CW99", "YAWB7CW0", "YAWB7CWO", ""):
        assert await samtid(misspelt) == 2
        said = capsys.readouterr()
        assert said.err.startswith(f"samtid why: {misspelt} is no reference: it has eight digits and letters, none of")


async def test_what_is_to_come_is_told_last(work: Work, capsys: pytest.CaptureFixture[str]) -> None:
    reference = await work.family_books(TEN)
    waits = {"kind": "reminder_24h", "attempts": 0, "due_at": NOW, "next_attempt_at": NOW}
    await tell(work, changed(await work.id_of(reference), 1, "pending", **waits))
    assert await samtid(reference) == 0
    assert "What comes next:\n2026-03-02 08:00  Reminder a day before: " in capsys.readouterr().out
