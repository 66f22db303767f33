"""Telephone numbers and addresses as people type and paste them, through the API and the parents' and staff's pages.

What each comes to is held in tests/kit/test_addresses.py; here, that everybody who asks for one takes it so.
"""

from collections import Counter

import pytest

from tests.agenda.conftest import Work
from tests.booking.test_journey import request_for, slots
from tests.booking.test_pages import chosen
from tests.conftest import Running
from tests.kit.test_addresses import MAIL, NUMBERS

WRONG = {"sv": ("Skriv ett", "Numret kostar", "Skriv en"), "en": ("Write a", "That number costs")}


async def test_the_api_takes_what_can_be_called_and_mailed(
    booking: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    (slot,) = await slots(booking, limit=1)
    counted: Counter[str] = Counter()

    async def book(field: str, typed: str, kept: str | None) -> None:
        other = "email" if field == "phone" else "phone"
        body = request_for(slot, contact={"name": "Kim", field: typed, other: None})
        for language, said in WRONG.items():
            answer = await booking.http.post("/booking/v1/bookings", json=body, headers={"accept-language": language})
            counted[f"{field} {answer.status_code}"] += 1
            if kept:
                assert answer.status_code == 201, (ascii(typed), answer.text)
                token = answer.json()["manage_token"]
                told = (await booking.http.get(f"/booking/v1/bookings/{token}/export")).json()["contact"]
                assert told[field] == kept, ascii(typed)
                await booking.http.post(f"/booking/v1/bookings/{token}/cancel")
                return
            assert answer.status_code == 422, (ascii(typed), answer.text)
            (error,) = answer.json()["errors"]
            assert error["field"] == f"contact.{field}" or not typed.strip()
            assert error["message"].startswith(said) or not typed.strip() or len(typed) > 60, error

    for typed, (kept, _) in NUMBERS["called"].items():
        await book("phone", typed, kept)
    for typed in (*NUMBERS["costly"], *NUMBERS["none"]):
        await book("phone", typed, None)
    for typed, kept in MAIL["mailable"].items():
        await book("email", typed, kept)
    for typed in MAIL["unmailable"]:
        await book("email", typed, None)
    with capsys.disabled():
        print(f"\ncontacts through the API, by status: {dict(sorted(counted.items()))}")


async def test_so_does_the_parents_page_and_keeps_what_was_typed(
    booking: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    address, form = await chosen(booking)
    counted: Counter[str] = Counter()
    asked = [
        *(("telefon", typed, 200) for typed in NUMBERS["called"]),
        *(("telefon", typed, 422) for typed in (*NUMBERS["costly"], *NUMBERS["none"])),
        *(("epost", typed, 200) for typed in MAIL["mailable"]),
        *(("epost", typed, 422) for typed in MAIL["unmailable"]),
    ]
    for field, typed, status in asked:
        answer = await booking.http.post(address, data={**form, "telefon": "", "epost": "", field: typed})
        counted[f"{field} {answer.status_code}"] += 1
        assert answer.status_code == status, (field, ascii(typed))
    with capsys.disabled():
        print(f"\ncontacts through the page, by status: {dict(sorted(counted.items()))}")


async def test_staff_find_a_family_by_its_number_however_it_is_typed(work: Work) -> None:
    await work.family_books("2026-03-03T09:00:00Z", contact={"name": "Kim", "phone": "+46701234567", "email": None})
    for typed, (kept, _) in NUMBERS["called"].items():
        answer = await work.post("/telefonbokning", telefon=typed)
        assert answer.status_code == 200, ascii(typed)
        assert ("Kim" in answer.text) == (kept == "+46701234567"), ascii(typed)
    for typed in NUMBERS["none"]:
        assert (await work.post("/telefonbokning", telefon=typed)).status_code in (200, 422), ascii(typed)
