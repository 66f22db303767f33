"""A telephone talk has a number to call from the moment it is booked, whoever books or moves it, by whichever way."""

import re
from typing import Any

import asyncpg
import pytest

from booking.bookings import entry
from kit import database
from tests.booking.test_journey import request_for, slots
from tests.booking.test_pages import TIMES, chosen, hidden, times_on
from tests.booking.test_refusals import book
from tests.conftest import Running

MAIL_ONLY = {"name": "Robin", "email": "robin@example.org", "language": "sv"}
NUMBER, STORED = "070-174 06 36", "+46701740636"
NEEDED = "urn:samtid:problem:phone-needed"


async def by_video(booking: Running, nth: int = 0, **contact: Any) -> str:
    """The address in the API of a booking of a family that gave no number, or what `contact` says."""
    slot = (await slots(booking, modality="video"))[nth]
    status, made = await book(booking, request_for(slot, contact={**MAIL_ONLY, **contact}))
    assert status == 201, made
    return f"/booking/v1/bookings/{made['manage_token']}"


async def test_no_telephone_talk_is_booked_without_a_number(booking: Running) -> None:
    slot = (await slots(booking))[0]
    status, problem = await book(booking, request_for(slot, modality="phone", contact=MAIL_ONLY))
    assert (status, problem["type"]) == (422, NEEDED)
    assert [error["field"] for error in problem["errors"]] == ["contact.phone"]
    held = {"slot": slot["id"], "municipality": "1266", "modality": "phone"}
    hold = (await booking.http.post("/booking/v1/holds", json=held)).json()["id"]
    wanted = {"hold": hold, "contact": MAIL_ONLY, "expecting": True}
    status, problem = await book(booking, wanted, key="k")
    assert (status, problem["type"]) == (422, NEEDED)
    # The hold is still there for whoever writes the number, and so is the key.
    status, _ = await book(booking, {**wanted, "contact": {**MAIL_ONLY, "phone": NUMBER}}, key="k")
    assert status == 201


async def test_a_talk_that_moves_to_telephone_asks_for_the_number_that_lacks(booking: Running) -> None:
    manage = await by_video(booking)
    slot = (await slots(booking, modality="phone"))[1]
    wanted = {"slot": slot["id"], "modality": "phone"}
    refused = await booking.http.post(f"{manage}/reschedule", json=wanted)
    assert (refused.status_code, refused.json()["type"]) == (422, NEEDED)
    assert [error["field"] for error in refused.json()["errors"]] == ["phone"]
    assert (await booking.http.get(manage)).json()["sequence"] == 0
    wrong = await booking.http.post(f"{manage}/reschedule", json={**wanted, "phone": "12"})
    assert [error["field"] for error in wrong.json()["errors"]] == ["phone"]
    for _ in range(2):  # sent again, it changes nothing
        moved = await booking.http.post(f"{manage}/reschedule", json={**wanted, "phone": NUMBER})
        assert (moved.status_code, moved.json()["modality"], moved.json()["sequence"]) == (200, "phone", 1)
    kept = (await booking.http.get(f"{manage}/export")).json()["contact"]
    assert kept == {**MAIL_ONLY, "phone": STORED}
    vault = entry.vault(booking.runtime)
    async with database.driver(booking.admin) as connection:
        kept = await connection.fetchrow("select phone_fingerprint, email_fingerprint from family")
    clock = booking.runtime.clock
    assert tuple(kept) == (
        await vault.fingerprint("phone", STORED, clock()),
        await vault.fingerprint("email", MAIL_ONLY["email"], clock()),
    )


async def test_a_number_that_nobody_asked_for_is_refused_and_not_dropped(booking: Running) -> None:
    third = (await slots(booking, modality="phone"))[3]["id"]
    known = await by_video(booking, phone=NUMBER)
    unknown = await by_video(booking)
    for manage, modality in ((known, "phone"), (unknown, "video")):
        wanted = {"slot": third, "modality": modality, "phone": "070-174 06 37"}
        refused = await booking.http.post(f"{manage}/reschedule", json=wanted)
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:samtid:problem:phone-not-needed")
    moved = await booking.http.post(f"{known}/reschedule", json={"slot": third, "modality": "phone"})
    assert (moved.status_code, moved.json()["modality"]) == (200, "phone")


async def test_a_number_sent_with_the_present_time_is_refused_unless_it_is_the_one_that_is_kept(
    booking: Running,
) -> None:
    for kept, sent, status in ((None, NUMBER, 422), (NUMBER, "070-174 06 37", 422), (NUMBER, NUMBER, 200)):
        slot = (await slots(booking, modality="video"))[0]["id"]
        manage = await by_video(booking, **({"phone": kept} if kept else {}))
        answer = await booking.http.post(f"{manage}/reschedule", json={"slot": slot, "phone": sent})
        assert (answer.status_code, (await booking.http.get(manage)).json()["sequence"]) == (status, 0)
        if status != 200:
            assert answer.json()["type"] == "urn:samtid:problem:phone-not-needed"


async def test_the_page_tells_at_once_all_that_lacks(booking: Running) -> None:
    page = (await booking.http.get(TIMES, params={"satt": "phone"})).text
    sent = {"tid": times_on(page)[0], "satt": "phone", "engang": hidden(page, "engang")}
    answer = await booking.http.post(TIMES, data=sent)
    contact = (await booking.http.get(answer.headers["location"])).text
    form = {name: hidden(contact, name) for name in ("satt", "tid", "nyckel")}
    path = answer.headers["location"].split("?")[0]
    for step in (path, f"{path}/boka"):
        wrong = await booking.http.post(step, data={**form, "namn": "", "telefon": "", "epost": "kim@", "barn": ""})
        assert wrong.status_code == 422
        told = re.findall(r'<li><a href="#(\w+)">', wrong.text)
        assert told == ["namn", "telefon", "epost", "barn"]
        assert "Skriv numret som rådgivaren ska ringa" in wrong.text
    mail_only = await booking.http.post(
        f"{path}/boka", data={**form, "namn": "R", "epost": "r@example.org", "barn": "2"}
    )
    assert re.findall(r'<li><a href="#(\w+)">', mail_only.text) == ["telefon"]
    # By video either will do.
    path, form = await chosen(booking)
    neither = await booking.http.post(path, data={**form, "telefon": "", "namn": ""})
    assert re.findall(r'<li><a href="#(\w+)">', neither.text) == ["namn", "telefon"]
    assert "Ange ett telefonnummer eller en e-postadress." in neither.text


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_the_page_of_a_booking_asks_for_the_number_and_keeps_what_was_chosen(
    booking: Running, language: str
) -> None:
    prefix = "/en" if language == "en" else ""
    manage = f"{prefix}/bokning/{(await by_video(booking)).rpartition('/')[2]}"
    page = (await booking.http.get(f"{manage}/flytta", params={"satt": "phone"})).text
    tid = times_on(page)[2]
    asked = await booking.http.post(f"{manage}/flytta", data={"tid": tid, "satt": "phone", "engang": "once"})
    title = {"sv": "Vilket nummer ska rådgivaren ringa?", "en": "Which number is the advisor to call?"}[language]
    assert (asked.status_code, f"<h1>{title}</h1>" in asked.text) == (200, True)
    assert "30 d" in asked.text, "for how long it is kept"
    assert asked.text.count(f'href="{prefix}/personuppgifter/horby"') == 2, "beside that, and in the foot"
    form = {name: hidden(asked.text, name) for name in ("tid", "satt", "engang")}
    assert form == {"tid": tid, "satt": "phone", "engang": "once"}
    for typed in ("", "12"):
        wrong = await booking.http.post(f"{manage}/flytta", data={**form, "telefon": typed})
        assert (wrong.status_code, 'id="telefon-message"' in wrong.text) == (422, True)
        assert hidden(wrong.text, "tid") == tid
        assert f'value="{typed}"' in wrong.text
    # Another time instead: the number goes along.
    others = await booking.http.post(f"{manage}/flytta", data={**form, "telefon": NUMBER, "visa": "20"})
    assert hidden(others.text, "telefon") == NUMBER
    moved = await booking.http.post(f"{manage}/flytta", data={**form, "telefon": NUMBER})
    assert moved.headers["location"] == f"{manage}?nytt=flyttad"
    assert NUMBER not in moved.headers["location"]


async def test_a_time_that_is_lost_meanwhile_keeps_the_number(booking: Running) -> None:
    manage = f"/bokning/{(await by_video(booking)).rpartition('/')[2]}"
    slot = (await slots(booking, modality="phone"))[0]
    form = {"tid": slot["id"], "satt": "phone", "telefon": NUMBER}
    status, _ = await book(booking, request_for(slot))
    assert status == 201
    lost = await booking.http.post(f"{manage}/flytta", data=form)
    assert (lost.status_code, hidden(lost.text, "telefon")) == (409, NUMBER)
    moved = await booking.http.post(f"{manage}/flytta", data={**form, "tid": times_on(lost.text)[0]})
    assert moved.status_code == 303


async def test_a_number_that_is_not_needed_is_told_of_and_the_time_had_without_it(booking: Running) -> None:
    manage = f"/bokning/{(await by_video(booking, phone=NUMBER)).rpartition('/')[2]}"
    form = {"tid": (await slots(booking, modality="phone"))[3]["id"], "satt": "phone"}
    refused = await booking.http.post(f"{manage}/flytta", data={**form, "telefon": "070-174 06 37"})
    assert refused.status_code == 422
    assert "Numret sparades inte." in refused.text
    assert "inte längre ledig" not in refused.text
    assert refused.text.count('name="telefon"') == 1, "for the other language alone"
    assert re.findall(r'value="([^"]+)"[^>]* checked', refused.text) == [form["tid"]]
    moved = await booking.http.post(f"{manage}/flytta", data=form)
    assert moved.headers["location"] == f"{manage}?nytt=flyttad"


async def test_the_database_itself_holds_no_talk_without_a_number_and_no_visit_without_a_place(
    booking: Running,
) -> None:
    await by_video(booking)
    async with database.driver(booking.admin) as connection:
        with pytest.raises(asyncpg.ForeignKeyViolationError, match="booking_calls_fkey"):
            await connection.execute("update booking set modality = 'phone'")
        with pytest.raises(asyncpg.CheckViolationError, match="booking_visit_check"):
            await connection.execute("update booking set modality = 'visit', place = null")
        # Once nobody is called any more it is as good as any other.
        await connection.execute("update family set erased_at = now()")
        await connection.execute("update booking set modality = 'phone'")
        await connection.execute("update family set sealed = null, phone_fingerprint = null, email_fingerprint = null")
