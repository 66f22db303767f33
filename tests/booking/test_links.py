"""Addresses as people write and keep them lead on: to a municipality however it is written, and from what has ended."""

import re

import pytest

from tests.booking import register
from tests.booking.test_journey import request_for, slots
from tests.conftest import Running
from tests.sharing.world import put

PHONE = 'href="tel:+46415378000"'
HTML = {"accept": "text/html"}


@pytest.mark.parametrize(
    "written",
    [
        "h%C3%B6rby",
        "H%C3%B6rby",
        "ho%CC%88rby",
        "h%F6rby",
        "HORBY",
        "H%C3%B6rby%20kommun",
        "H%F6rby+kommun",
        "h%C3%B6rby-kommun",
        "horby%20",
    ],
)
async def test_a_municipality_is_found_however_it_is_written(booking: Running, written: str) -> None:
    for prefix in ("", "/en"):
        led = await booking.http.get(f"{prefix}/boka/{written}", headers=HTML)
        assert (led.status_code, led.headers["location"]) == (303, f"{prefix}/boka/horby")


async def test_genitives_lead_too_and_what_could_be_several_leads_nowhere(booking: Running) -> None:
    led = await booking.http.get("/boka/Eslövs kommun", headers=HTML)
    assert led.headers["location"] == "/boka/eslov"
    for written in ("hörb", "kommun", "%FF%FF%FF%FF%FF", "h.rby", ".*", "%2F%2Fevil.example"):
        answer = await booking.http.get(f"/boka/{written}", headers=HTML)
        assert answer.status_code == 404, written
    # Both Hörby and an invented Herby could be meant.
    await put(
        booking.runtime, register.MUNICIPALITIES[0].model_copy(update={"id": "9999", "slug": "herby", "name": "Herby"})
    )
    assert (await booking.http.get("/boka/h%F6rby", headers=HTML)).status_code == 404


@pytest.mark.parametrize("path", ["", "/tider", "/tider?satt=video"])
async def test_what_is_not_booked_here_leads_to_what_is(booking: Running, path: str) -> None:
    course = {"id": "abc", "kind": "course", "self_booking": False, "advisors": []}
    gone = {"id": "slutade", "ended": True}
    await put(booking.runtime, *(register.OFFERING.model_copy(update=change) for change in (course, gone)))
    for offering in ("abc", "slutade", "fanns-aldrig"):
        for prefix, said in (("", "går inte att boka här"), ("/en", "cannot be booked here")):
            page = await booking.http.get(f"{prefix}/boka/horby/{offering}{path}", headers=HTML)
            assert page.status_code == 404
            assert said in page.text
            assert PHONE in page.text
            assert f'href="{prefix}/boka/horby/foraldrasamtal"' in page.text
    form = await booking.http.post("/boka/horby/slutade/tider", headers=HTML)
    assert (form.status_code, PHONE in form.text) == (404, True)
    assert "går inte att boka här" not in (await booking.http.get("/boka/horby")).text


async def test_a_booking_whose_offering_has_ended_leads_on(booking: Running) -> None:
    made = (await booking.http.post("/booking/v1/bookings", json=request_for((await slots(booking))[0]))).json()
    page = f"/bokning/{made['manage_token']}"
    await put(booking.runtime, register.OFFERING.model_copy(update={"ended": True}))
    for prefix, said in (("", "erbjuds inte längre"), ("/en", "no longer offered")):
        for answer in (
            await booking.http.get(f"{prefix}{page}/flytta"),
            await booking.http.post(f"{prefix}{page}/flytta", data={"tid": "x"}),
        ):
            assert answer.status_code == 409
            assert said in answer.text
            assert PHONE in answer.text
            assert re.findall(r'class="button[^"]*" href="([^"]+)"', answer.text) == [
                f"{prefix}{page}",
                f"{prefix}/boka/horby",
            ]
    assert (await booking.http.post(f"{page}/avboka")).status_code == 303
    cancelled = (await booking.http.get(page)).text
    assert 'href="/boka/horby"' in cancelled
    assert "foraldrasamtal" not in cancelled


async def test_a_booking_whose_advisor_has_ended_leads_to_the_others(booking: Running) -> None:
    made = (await booking.http.post("/booking/v1/bookings", json=request_for((await slots(booking))[0]))).json()
    page = f"/bokning/{made['manage_token']}"
    assert "Maria Ek igen" not in (await booking.http.get(page)).text
    await booking.http.post(f"{page}/avboka")
    assert "Boka hos Maria Ek igen" in (await booking.http.get(page)).text
    await put(booking.runtime, register.advisor().model_copy(update={"ended": True}))
    shown = (await booking.http.get(page)).text
    assert "Maria Ek igen" not in shown
    assert 'href="/boka/horby/foraldrasamtal"' in shown


async def test_no_address_leads_to_another_site(booking: Running) -> None:
    for path in (
        "/en//evil.example",
        "/en/%2fevil.example",
        "/en/%5cevil.example",
        "/en/%09/evil.example",
        "//evil.example",
    ):
        page = await booking.http.get(f"http://samtid.test{path}", headers=HTML)
        assert page.status_code == 404
        assert not re.findall(r'(?:href|action)="(?:[\s\\]*/){2}', page.text), path
        assert not re.findall(r'(?:href|action)="/[\s\\]', page.text), path
    foreign = {**HTML, "host": "evil.example"}
    for path in ("/boka/horby/", "//evil.example/", "/en/boka/horby/?a=1", "/booking/v1/slots/"):
        answer = await booking.http.get(f"http://samtid.test{path}", headers=foreign)
        assert "evil.example" not in answer.headers.get("location", "").removeprefix("/evil.example"), path
        assert ":" not in answer.headers.get("location", "")


async def test_a_slash_at_the_end_is_forgiven(booking: Running) -> None:
    for path, there in (("/boka/horby/", "/boka/horby"), ("/en/boka/horby//?a=1&b=2", "/en/boka/horby?a=1&b=2")):
        led = await booking.http.get(path, headers=HTML)
        assert (led.status_code, led.headers["location"]) == (303, there)


async def test_the_icon_is_where_programs_look_for_it(booking: Running) -> None:
    icon = await booking.http.get("/favicon.ico")
    assert (icon.status_code, icon.headers["content-type"]) == (200, "image/svg+xml")
    named = re.search(r'rel="icon" href="([^"]+)"', (await booking.http.get("/")).text)
    assert named
    assert icon.content == (await booking.http.get(named[1])).content


async def test_the_page_of_what_is_kept_leads_back_from_its_top(booking: Running) -> None:
    made = (await booking.http.post("/booking/v1/bookings", json=request_for((await slots(booking))[0]))).json()
    page = f"/en/bokning/{made['manage_token']}"
    shown = (await booking.http.get(f"{page}/uppgifter")).text
    assert f'<a class="back" href="{page}">Back</a>' in shown.partition("<h1>")[0]
