"""A family's name is text wherever it stands, whatever it is made of."""

import httpx

from tests.agenda.conftest import Work
from tests.agenda.test_days import TEN
from tests.agenda.test_phone import KIM, PATH, booked, first_time
from tests.booking.test_pages import chosen

NAME = "<b>Kim</b>"
WRITTEN = "&lt;b&gt;Kim&lt;/b&gt;"
CONTACT = {"name": NAME, "phone": "070-123 45 67", "email": None, "language": "sv"}


def names_as_text(page: httpx.Response) -> None:
    assert page.status_code in (200, 409, 422), page.text
    assert WRITTEN in page.text
    assert "<b>" not in page.text


async def test_what_an_advisor_is_shown(work: Work) -> None:
    booking = await work.id_of(await work.family_books(TEN, contact=CONTACT))
    for path in ("/arbetsdag", f"/arbetsdag/bokning/{booking}"):
        names_as_text(await work.get(path))
    away = {"typ": "leave", "forsta": "2026-03-02", "sista": "2026-03-02"}
    names_as_text(await work.post("/arbetsdag/franvaro", **away))
    names_as_text(await work.post("/telefonbokning", telefon="0701234567"))


async def test_what_is_typed_while_a_family_calls(work: Work) -> None:
    # In each field that is sent back, and in the facts of a family that is known.
    wrong = await booked(work, namn=NAME, telefon=NAME, epost=NAME, barn=NAME)
    assert wrong.text.count(WRITTEN) >= 3
    names_as_text(wrong)
    done = await booked(work, namn=NAME)
    assert done.status_code == 303, done.text
    assert "<b>" not in (await work.get(done.headers["location"])).text
    (row,) = await work.stored("select family from booking")
    again = await first_time(work, familj=str(row.family))
    names_as_text(await work.post(PATH, **again, familj=str(row.family)))
    lost = await first_time(work)
    assert (await work.post(f"{PATH}/boka", **lost, **KIM)).status_code == 303
    names_as_text(await work.post(f"{PATH}/boka", **{**lost, **KIM, "engang": "another", "namn": NAME}))


async def test_what_a_parent_typed_is_shown_for_a_last_look_and_kept(work: Work) -> None:
    hold, form = await chosen(work.booking)
    form["namn"] = NAME
    names_as_text(await work.booking.http.post(hold, data=form))
    names_as_text(await work.booking.http.post(f"{hold}/uppgifter", data=form))
    names_as_text(await work.booking.http.post(hold, data={**form, "telefon": "12"}))
    booking = await work.booking.http.post(f"{hold}/boka", data=form)
    assert booking.status_code == 303, booking.text
    names_as_text(await work.booking.http.get(f"{booking.headers['location']}/uppgifter"))
