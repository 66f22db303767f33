"""How a family can be reached, as it is typed: taken as the mailer and the SMS provider can send to it, or refused."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from booking.bookings.rules import LAST_REMINDER
from booking.settings import Settings
from notification.rules import REMINDERS
from tests import infra
from tests.booking import register
from tests.booking.conftest import ready
from tests.booking.test_journey import CONTACT, request_for, slots
from tests.booking.test_pages import booked, chosen
from tests.booking.test_refusals import book
from tests.conftest import Clock, Run, Running, until


async def _kept(booking: Running, answer: dict[str, Any]) -> dict[str, Any]:
    """The contact as it is kept of a new booking."""
    export = await booking.http.get(f"/booking/v1/bookings/{answer['manage_token']}/export")
    kept: dict[str, Any] = export.json()["contact"]
    return kept


TAKEN = [
    ({"email": "\u200bkim@example.se\u00a0"}, ("email", "kim@example.se")),
    ({"email": "kim@räksmörgås.se"}, ("email", "kim@räksmörgås.se")),
    ({"phone": "+46 (0)70-123 45 67"}, ("phone", "+46701234567")),
    ({"phone": "\u202a070\u2011123\u200945\u00a067\u202c"}, ("phone", "+46701234567")),
    ({"phone": "08-465 004 01"}, ("phone", "+46846500401")),
    ({"phone": "+45 20 12 34 56"}, ("phone", "+4520123456")),
]
REFUSED = [
    ({"email": "åsa@exempel.se"}, "contact.email", "före @", "before the @"),
    ({"email": "=?utf-8?q?x?=@exempel.se"}, "contact.email", "en e-postadress", "an e-mail address"),
    ({"email": "kim.@exempel.se"}, "contact.email", "en e-postadress", "an e-mail address"),
    ({"email": "\u202ekim@exempel.se"}, "contact.email", "en e-postadress", "an e-mail address"),
    ({"phone": "0939-100 00 00"}, "contact.phone", "kostar extra", "costs extra"),
    ({"phone": "+1 900 555 1234"}, "contact.phone", "kostar extra", "costs extra"),
    ({"phone": "070-123 45 67 ankn 5"}, "contact.phone", "ett telefonnummer", "a telephone number"),
]


async def test_what_can_be_reached_is_taken_and_what_cannot_is_said_at_its_field(booking: Running) -> None:
    free = iter(await slots(booking))
    for contact, (field, kept) in TAKEN:
        status, answer = await book(booking, request_for(next(free), contact={**CONTACT, "phone": None, **contact}))
        assert status == 201, answer
        assert (await _kept(booking, answer))[field] == kept
    slot = next(free)
    for contact, field, sv, en in REFUSED:
        for language, said in (("sv", sv), ("en", en)):
            body = request_for(slot, contact={**CONTACT, "phone": None, **contact})
            status, problem = await book(booking, body, language=language)
            assert status == 422, contact
            assert [(error["field"], said in error["message"]) for error in problem["errors"]] == [(field, True)]


async def test_a_server_that_mails_every_letter_is_said_once_and_the_form_takes_them(
    run: Run, nats_server: infra.NatsServer, clock: Clock, secret_file: Path
) -> None:
    await register.publish(nats_server.url, register.basic())
    async with run("booking", clock=clock, manage_secret_file=secret_file, mail_utf8=True) as booking:
        await until(lambda: ready(booking))
        contact = {**CONTACT, "phone": None, "email": "åsa@exempel.se"}
        status, answer = await book(booking, request_for((await slots(booking))[0], contact=contact))
        assert status == 201
        assert (await _kept(booking, answer))["email"] == "åsa@exempel.se"


async def test_the_pages_say_at_the_field_what_cannot_be_reached(booking: Running) -> None:
    hold, form = await chosen(booking)
    for name, typed, said in (
        ("epost", "åsa@exempel.se", "före @"),
        ("epost", "a..b@exempel.se", "Skriv en e-postadress"),
        ("telefon", "0939-100 00 00", "kostar extra"),
    ):
        for step in ("", "/boka"):
            page = await booking.http.post(f"{hold}{step}", data={**form, "telefon": "", name: typed})
            assert page.status_code == 422
            at_field = re.search(f'id="{name}-message"[^>]*>(.*?)</', page.text, re.DOTALL)
            assert at_field is not None
            assert said in at_field[1]
            assert f'value="{typed}"' in page.text


async def test_a_reminder_is_promised_where_one_is_sent(booking: Running, clock: Clock) -> None:
    assert min(reminder.before for reminder in REMINDERS.values()) == LAST_REMINDER
    path = await booked(booking)
    token = path.partition("?")[0].rsplit("/", 1)[-1]
    start = datetime.fromisoformat((await booking.http.get(f"/booking/v1/bookings/{token}")).json()["start"])
    for before, reminded in ((LAST_REMINDER + timedelta(minutes=1), True), (LAST_REMINDER, False)):
        clock.now = start - before
        shown = (await booking.http.get(path)).text
        assert "Vi skickar en bekräftelse" in shown
        assert ("påminner dig" in shown) is reminded


async def test_a_number_that_takes_no_sms_is_booked_and_the_family_is_told(booking: Running) -> None:
    hold, form = await chosen(booking)
    fixed = {**form, "telefon": "08-465 004 01"}
    assert "ingen bekräftelse" in (await booking.http.post(hold, data=fixed)).text
    assert "kommer med e-post" in (await booking.http.post(hold, data={**fixed, "epost": "kim@example.se"})).text
    assert "ta emot sms" not in (await booking.http.post(hold, data=form)).text
    answer = await booking.http.post(f"{hold}/boka", data=fixed)
    assert answer.status_code == 303
    # It is the contact that decides, and not the address.
    path, other = answer.headers["location"].partition("?")[0], await booked(booking)
    for query in ("", "?nytt=flyttad", "?nytt=utan_meddelande"):
        shown = (await booking.http.get(path + query)).text
        assert "Vi kan inte skicka något till ditt nummer" in shown
        assert "Vi skickar en bekräftelse" not in shown
        shown = (await booking.http.get(other + query)).text
        assert "Vi kan inte skicka något till ditt nummer" not in shown
        assert "Vi skickar en bekräftelse" in shown
    again = (await booking.http.get(f"{hold}?satt=video&tid={form['tid']}")).text
    assert "Har du inte fått någon" in again
    assert 'href="tel:' in again


@pytest.mark.parametrize(
    ("more", "messages"), [({}, False), ({"email": "kim@example.se"}, True), ({"phone": "070-123 45 67"}, True)]
)
async def test_a_client_is_told_whether_messages_can_be_sent(
    booking: Running, more: dict[str, str], messages: bool
) -> None:
    contact = {"name": "Kim", "phone": "08-465 004 01", "language": "sv", **more}
    body = request_for((await slots(booking))[0], contact=contact)
    for _ in range(2):  # sent again, it is told again
        status, made = await book(booking, body, key="k")
        assert (status, made["messages"]) == (201, messages)


@pytest.mark.parametrize("address", ["webb", "åsa@kommun.example", "a..b@kommun.example", "tillganglighet@example.se"])
def test_an_address_for_readers_is_one_that_anybody_can_mail(address: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("7f3a9c5e1b8d2046" * 4)
    settings: dict[str, Any] = {
        "database_url": "postgresql://127.0.0.1/x",
        "nats_url": "nats://127.0.0.1",
        "public_url": "https://samtid.example",
        "oidc_issuer": "https://login.example",
        "oidc_client_id": "samtid",
        "public_database_url": "postgresql://127.0.0.1/x",
        "vault_url": "postgresql://127.0.0.1/y",
        **dict.fromkeys(("manage_secret_file", "session_key_file", "master_key_file"), secret),
    }
    assert Settings(**settings, accessibility_email="Webb@kommun.example").accessibility_email == "Webb@kommun.example"
    with pytest.raises(ValidationError, match="ACCESSIBILITY_EMAIL"):
        Settings(**settings, accessibility_email=address)
