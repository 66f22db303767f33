"""Pages over plain HTTP: what a browser test would not see, or would see only by luck."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from icalendar import Calendar
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from booking.agenda.pages import PAGES as AGENDA_PAGES
from booking.bookings import entry
from booking.bookings.pages import COOKIE
from booking.bookings.pages import PAGES as BOOKING_PAGES
from booking.explaining.pages import PAGES as EXPLAINING_PAGES
from booking.slots.pages import PAGES as SLOT_PAGES
from kit import database
from kit.language import LANGUAGES, Language, phone_text
from kit.vault.store import KeysUnavailable, Vault
from kit.web import pages, static
from tests.booking import register
from tests.booking.conftest import ready
from tests.conftest import Clock, Knows, Run, Running, until
from tests.forms import typed

TIMES = "/boka/horby/foraldrasamtal/tider"
CONTACT = {"namn": "Kim", "telefon": "070-123 45 67", "epost": "", "barn": "2", "sprak": "sv"}
HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def hidden(page: str, name: str) -> str:
    match = re.search(f'name="{name}" value="([^"]*)"', page)
    assert match, f"no {name} on the page"
    return match[1]


def times_on(page: str) -> list[str]:
    return re.findall('type="radio" name="tid" value="([^"]*)"', page)


async def count(booking: Running, status: str) -> int:
    connection = await asyncpg.connect(booking.admin_url)
    try:
        return int(await connection.fetchval("select count(*) from booking where status = $1", status))
    finally:
        await connection.close()


async def live(booking: Running, clock: Clock) -> int:
    """How many times are reserved, those not counted whose reservation has run out."""
    async with database.driver(booking.admin) as connection:
        query = "select count(*) from booking where status = 'held' and expires_at > $1"
        return int(await connection.fetchval(query, clock()))


async def chosen(booking: Running, number: int = 3) -> tuple[str, dict[str, str]]:
    """The address of the contact page of a chosen time, and the form that goes on from it, filled in."""
    page = (await booking.http.get(TIMES, params={"satt": "video"})).text
    sent = {"tid": times_on(page)[number], "satt": "video", "engang": hidden(page, "engang")}
    answer = await booking.http.post(TIMES, data=sent)
    assert answer.status_code == 303, answer.text
    contact = await booking.http.get(answer.headers["location"])
    assert contact.status_code == 200, contact.text
    form = {name: hidden(contact.text, name) for name in ("satt", "tid", "nyckel")}
    return answer.headers["location"].split("?")[0], {**form, **CONTACT}


async def booked(booking: Running) -> str:
    """The path of a new booking's page."""
    hold, form = await chosen(booking)
    answer = await booking.http.post(f"{hold}/boka", data=form)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def test_every_page_has_the_headers_and_keeps_its_language(booking: Running) -> None:
    booking_page = await booked(booking)
    hold, _ = await chosen(booking)
    public = ["/", "/boka/horby", "/boka/horby/foraldrasamtal", f"{TIMES}?satt=phone", "/nowhere"]
    private = [booking_page, f"{booking_page}/flytta", f"{booking_page}/avboka", hold]
    for path in public + private:
        for prefix, lang in (("", "sv"), ("/en", "en")):
            page = await booking.http.get(f"{prefix}{path}", headers=HTML)
            assert page.headers["content-type"] == "text/html; charset=utf-8", path
            policy = page.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'"), path
            assert "unsafe" not in policy
            assert page.headers["referrer-policy"] == "no-referrer"
            assert page.headers["x-content-type-options"] == "nosniff"
            assert "set-cookie" not in page.headers
            stored = "no-store" if path in (*private, "/nowhere") else "no-cache"
            assert page.headers["cache-control"] == stored, path
            assert f'<html lang="{lang}">' in page.text, path
            assert "style=" not in page.text
            assert "<script>" not in page.text
            inner = re.findall(r'(?:href|action)="(/[^"]*)"', page.text)
            other = [link for link in inner if link.startswith("/en/") != (lang == "en")]
            assert set(other) <= {link for link in other if link.startswith("/static/")} | {
                f"{'' if lang == 'en' else '/en'}{path}".replace("&", "&amp;")
            }, path


@pytest.mark.parametrize(
    ("path", "status", "sv", "en"),
    [
        ("/nowhere", 404, "Sidan finns inte", "There is no such page"),
        ("/boka/ingenstans", 404, "Det erbjuds inte här", "This is not offered here"),
        ("/boka/horby/ingenting/tider", 404, "Stöd till föräldrar i Hörby", "Support for parents in Hörby"),
        (f"{TIMES}?satt=video&visa=alla", 422, "Sidan finns inte", "There is no such page"),
        (f"/bokning/{'a' * 43}", 404, "Bokningen hittades inte", "There is no such booking"),
        ("/boka/horby/foraldrasamtal/reservation/nej", 404, "Sidan finns inte", "There is no such page"),
    ],
)
async def test_a_refusal_of_a_page_is_a_page(booking: Running, path: str, status: int, sv: str, en: str) -> None:
    for prefix, title in (("", sv), ("/en", en)):
        # The address decides the language, not the browser's settings.
        answer = await booking.http.get(f"{prefix}{path}", headers={**HTML, "accept-language": "de"})
        assert answer.status_code == status
        assert f"<h1>{title}</h1>" in answer.text
        assert "problem" not in answer.headers["content-type"]


@pytest.mark.parametrize("prefix", ["", "/en"])
async def test_whoever_has_booked_finds_the_bookings_from_where_they_look(booking: Running, prefix: str) -> None:
    town = await booking.http.get(f"{prefix}/boka/horby", headers=HTML)
    assert f'href="{prefix}/mina-bokningar?kommun=horby"' in town.text
    for path in ("", "/flytta", "/avboka"):
        lost = await booking.http.get(f"{prefix}/bokning/{'a' * 43}{path}", headers=HTML)
        assert lost.status_code == 404
        assert f'href="{prefix}/mina-bokningar"' in lost.text
    assert "/mina-bokningar" not in (await booking.http.get(f"{prefix}/nowhere", headers=HTML)).text


async def test_the_api_still_answers_with_problem_documents(booking: Running) -> None:
    for path in (f"/booking/v1/bookings/{'a' * 43}", "/booking/v1/slots"):
        answer = await booking.http.get(path, headers=HTML)
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await booking.http.get("/nowhere")).headers["content-type"] == "application/problem+json"


async def test_a_fault_is_a_page_that_says_what_to_do(booking: Running) -> None:
    connection = await asyncpg.connect(booking.admin_url)
    await connection.execute("alter table directory_copy rename to gone")
    try:
        answer = await booking.http.get("/en/", headers=HTML)
    finally:
        await connection.close()
    assert answer.status_code == 500
    assert '<html lang="en">' in answer.text
    assert "<h1>Something went wrong on our side</h1>" in answer.text
    assert answer.headers["content-security-policy"]


async def test_a_form_from_another_site_is_refused(booking: Running) -> None:
    path = await booked(booking)
    for sent, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 303), ("none", 303)):
        answer = await booking.http.post(f"{path}/avboka", headers={**HTML, "sec-fetch-site": sent})
        assert answer.status_code == status, sent
        if status == 403:
            assert "<h1>Det gick inte att skicka</h1>" in answer.text
            assert await count(booking, "cancelled") == 0


async def test_one_page_of_times_holds_one_time(booking: Running) -> None:
    page = (await booking.http.get(TIMES, params={"satt": "video"})).text
    sent = {"tid": times_on(page)[3], "satt": "video", "engang": hidden(page, "engang")}
    first, twin = await asyncio.gather(*(booking.http.post(TIMES, data=sent) for _ in range(2)))
    assert first.headers["location"] == twin.headers["location"]
    assert await count(booking, "held") == 1
    other = await booking.http.post(TIMES, data={**sent, "tid": times_on(page)[4]})
    assert other.status_code == 303
    assert await count(booking, "held") == 1
    contact = await booking.http.get(other.headers["location"])
    assert hidden(contact.text, "tid") == times_on(page)[4]


async def test_a_browser_has_one_hold_however_it_comes_back_to_the_times(booking: Running) -> None:
    for number in (*range(8), 0):
        await chosen(booking, number)
        assert await count(booking, "held") == 1


async def test_a_time_that_overlaps_the_former_one_can_be_chosen(
    run: Run, knows: Knows, clock: Clock, secret_file: Path
) -> None:
    often = register.OFFERING.model_copy(update={"starts_every": 15})
    known = await knows([often if each is register.OFFERING else each for each in register.basic()])
    async with run("booking", clock=clock, manage_secret_file=secret_file, database_url=known) as booking:
        await until(lambda: ready(booking))
        page = (await booking.http.get(TIMES, params={"satt": "video"})).text
        for tid in times_on(page)[:4]:
            sent = {"tid": tid, "satt": "video", "engang": uuid4().hex}
            assert (await booking.http.post(TIMES, data=sent)).status_code == 303
        assert await count(booking, "held") == 1


async def test_a_hold_is_of_the_browser_that_made_it(booking: Running) -> None:
    """Not of one that opened its address, and no other browser's choice gives it back."""
    hold, form = await chosen(booking)
    made = booking.http.cookies.get(COOKIE)
    assert hold.endswith(str(made))
    booking.http.cookies.clear()
    opened = await booking.http.get(hold, params={"satt": "video", "tid": form["tid"]})
    assert (opened.status_code, "set-cookie" in opened.headers) == (200, False)
    await chosen(booking, 4)
    assert await count(booking, "held") == 2


async def test_a_hold_that_was_taken_anew_is_given_back_too(booking: Running, clock: Clock) -> None:
    hold, form = await chosen(booking)
    clock.move(minutes=11)
    assert (await booking.http.post(hold, data=form)).status_code == 200
    await chosen(booking, 5)
    assert await live(booking, clock) == 1


async def test_what_remembers_a_hold_says_nothing_else_and_ends(
    run: Run, knows: Knows, clock: Clock, secret_file: Path
) -> None:
    settings = {"manage_secret_file": secret_file, "public_url": "https://boka.example.se"}
    async with run("booking", clock=clock, database_url=await knows(register.basic()), **settings) as booking:
        await until(lambda: ready(booking))
        page = (await booking.http.get(TIMES, params={"satt": "video"})).text
        sent = {"tid": times_on(page)[0], "satt": "video", "engang": hidden(page, "engang")}
        taken = await booking.http.post(TIMES, data=sent)
        assert "kaka i din webbläsare, högst 30 minuter" in (await booking.http.get("/personuppgifter/horby")).text
    hold = taken.headers["location"].split("?")[0].rsplit("/")[-1]
    ends = "HttpOnly; Max-Age=1800; Path=/; SameSite=lax; Secure"
    assert taken.headers["set-cookie"] == f"{COOKIE}={hold}; {ends}"


async def test_a_form_sent_many_times_at_once_is_one_booking(booking: Running) -> None:
    hold, form = await chosen(booking)
    answers = await asyncio.gather(*(booking.http.post(f"{hold}/boka", data=form) for _ in range(6)))
    assert {a.status_code for a in answers} == {303}
    assert len({a.headers["location"].split("?")[0] for a in answers}) == 1
    assert await count(booking, "confirmed") == 1


async def test_a_twin_waits_for_the_booking_under_way(booking: Running, spans: InMemorySpanExporter) -> None:
    hold, form = await chosen(booking)
    key = entry.links(booking.runtime).keyed_hash("idempotency key", form["nyckel"].encode())
    twin = await asyncpg.connect(booking.admin_url)
    await twin.execute("select pg_advisory_lock($1)", int.from_bytes(key[:8], "big", signed=True))
    sent = asyncio.create_task(booking.http.post(f"{hold}/boka", data=form))

    async def tried_twice() -> bool:
        return len([span for span in spans.get_finished_spans() if span.name == "book"]) > 1 or sent.done()

    await until(tried_twice)
    assert not sent.done()
    await twin.close()
    assert (await sent).status_code == 303


async def test_a_form_sent_again_after_its_hold_was_taken_anew_is_one_booking(booking: Running, clock: Clock) -> None:
    hold, form = await chosen(booking)
    clock.move(minutes=11)
    first = await booking.http.post(f"{hold}/boka", data=form)
    again = await booking.http.post(f"{hold}/boka", data=form)
    assert first.status_code == again.status_code == 303
    assert again.headers["location"].split("?")[0] == first.headers["location"]
    assert await count(booking, "confirmed") == 1


async def test_the_id_of_a_hold_does_not_lead_to_the_booking(booking: Running) -> None:
    hold, form = await chosen(booking)
    made = await booking.http.post(f"{hold}/boka", data=form)
    token = made.headers["location"].split("/")[-1]
    guesses: list[Mapping[str, str]] = [{}, {**form, "nyckel": ""}, {**form, "nyckel": "0" * 64, "namn": "Robin"}]
    for guess in guesses:
        for path in ("", "/uppgifter", "/boka"):
            answer = await booking.http.post(f"{hold}{path}", data=guess)
            assert token not in answer.text + answer.headers.get("location", ""), (path, guess)
    shown = await booking.http.get(f"{hold}?satt=video&tid={form['tid']}")
    assert shown.status_code == 409
    assert "Du har redan bokat den här tiden" in shown.text
    assert token not in shown.text
    # Whoever had the hold while it lasted is led to the confirmation, from the times too.
    back = await booking.http.post(hold, data=form)
    assert back.headers["location"] == f"/bokning/{token}?nytt=redan"


async def test_to_open_an_address_reserves_nothing_and_a_button_does(booking: Running, clock: Clock) -> None:
    hold, form = await chosen(booking)
    query = {"satt": "video", "tid": form["tid"]}
    clock.move(minutes=8)
    assert (await booking.http.get(hold, params=query)).status_code == 200
    clock.move(minutes=3)
    for prefix, title in (("", "Vill du ha den här tiden?"), ("/en", "Do you want this time?")):
        # The hold was not made longer either. A preview of a link that was passed on sees the same.
        shown = await booking.http.get(f"{prefix}{hold}", params=query, headers={"sec-fetch-site": "cross-site"})
        assert (shown.status_code, f"<h1>{title}</h1>" in shown.text) == (200, True), shown.text
        assert await live(booking, clock) == 0
    sent = {name: hidden(shown.text, name) for name in ("satt", "tid", "engang")}
    assert sent["tid"] == form["tid"]
    taken, twin = [await booking.http.post(TIMES, data=sent) for _ in range(2)]
    assert taken.headers["location"] == twin.headers["location"]
    assert await live(booking, clock) == 1
    contact = await booking.http.get(taken.headers["location"])
    assert hidden(contact.text, "tid") == form["tid"]


async def test_the_address_of_a_hold_that_a_step_took_anew_leads_to_the_new_one(booking: Running, clock: Clock) -> None:
    hold, form = await chosen(booking)
    clock.move(minutes=11)
    assert (await booking.http.post(hold, data=form)).status_code == 200
    back = await booking.http.get(hold, params={"satt": "video", "tid": form["tid"]})
    assert back.status_code == 303
    assert back.headers["location"].split("?")[0] != hold
    assert (await booking.http.get(back.headers["location"])).status_code == 200
    assert await live(booking, clock) == 1


async def test_an_address_without_a_time_leads_to_the_times(booking: Running, clock: Clock) -> None:
    hold, _ = await chosen(booking)
    clock.move(minutes=11)
    for query in ({}, {"satt": "video"}, {"satt": "video", "tid": "x"}):
        assert (await booking.http.get(hold, params=query)).headers["location"].startswith(TIMES)


async def test_each_step_extends_the_hold(booking: Running, clock: Clock) -> None:
    hold, form = await chosen(booking)
    for _ in range(2):
        clock.move(minutes=8)
        assert (await booking.http.post(hold, data=form)).status_code == 200
    clock.move(minutes=8)
    answer = await booking.http.post(f"{hold}/boka", data=form)
    assert answer.status_code == 303
    connection = await asyncpg.connect(booking.admin_url)
    made = await connection.fetchval("select id from booking where status = 'confirmed'")
    await connection.close()
    assert hold.endswith(str(made)), "the same hold all the way"


async def test_the_calendar_file_is_the_appointment(booking: Running) -> None:
    path = await booked(booking)
    answer = await booking.http.get(f"/en{path}/kalender.ics")
    assert answer.headers["content-type"].startswith("text/calendar")
    assert answer.headers["cache-control"] == "no-store"
    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert str(event["uid"]).endswith("@samtid")
    assert event["sequence"] == 0
    assert event["summary"] == "Parent talk, Maria Ek"
    assert "The advisor gets in touch about how to join the video call." in event["description"]
    assert path.split("/")[-1] not in answer.text
    await booking.http.post(f"{path}/avboka")
    (event,) = Calendar.from_ical((await booking.http.get(f"{path}/kalender.ics")).content).walk("VEVENT")
    assert (event["status"], event["sequence"]) == ("CANCELLED", 1)
    assert "hör av sig" not in event["description"]


async def test_nothing_that_is_typed_or_secret_is_in_a_span(booking: Running, spans: InMemorySpanExporter) -> None:
    path = await booked(booking)
    await booking.http.get(f"/en{path}")
    told = " ".join(f"{s.name} {dict(s.attributes or {})}" for s in spans.get_finished_spans())
    assert "POST /boka/{slug}/{offering}/reservation/{hold}/boka" in told
    assert "GET /bokning/{token}" in told
    for secret in ("Kim", "0701234567", "701234567", path.split("/")[-1]):
        assert secret not in told


async def test_static_files_are_kept_by_the_hash_of_their_content(booking: Running) -> None:
    page = (await booking.http.get("/boka/horby")).text
    addresses = re.findall(r'"(/static/[^"]+)"', page)
    assert [a.split("-")[0] for a in addresses] == ["/static/icon", "/static/style", "/static/accent", "/static/script"]
    for address in addresses:
        answer = await booking.http.get(address)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        older = re.sub(r"-[0-9a-f]{10}\.", "-0123456789.", address)
        assert (await booking.http.get(older)).headers["cache-control"] == "no-store"
    for wrong in ("style.css", "accent-zzzzzz-0123456789.css", "..%2fpages-0123456789.py", "pages-0123456789.py"):
        assert (await booking.http.get(f"/static/{wrong}")).status_code == 404, wrong


@pytest.mark.parametrize("colour", ["1f5f3f", "ffff00", "000000", "ffffff", "7d2a5b", "ff0000"])
def test_an_accent_can_be_read_by_day_and_by_night(colour: str) -> None:
    day, night = re.findall("--accent: #([0-9a-f]{6})", static.accent_style(colour))
    assert static.contrast(day, "fbf8f3") >= 4.5
    assert static.contrast(day, "ffffff") >= 4.5
    assert static.contrast(night, "292622") >= 4.5
    assert static.contrast(night, "1d1b19") >= 4.5


def used_keys(environment: Any) -> Iterator[str]:
    """The keys that templates name outright; those put together (`t(modality ~ "_about")`) are left to the pages."""
    for name in environment.list_templates(extensions=["html"]):
        source, _, _ = environment.loader.get_source(environment, name)
        yield from re.findall(r"""\bt\("([a-z_]+)"[,)]""", source)


@pytest.mark.parametrize(
    "made",
    [SLOT_PAGES, BOOKING_PAGES, AGENDA_PAGES, EXPLAINING_PAGES],
    ids=["slots", "bookings", "agenda", "explaining"],
)
def test_every_text_is_there_in_both_languages(made: pages.Pages) -> None:
    assert set(used_keys(made.templates)) <= made.texts.keys()
    for key, (sv, en) in made.texts.items():
        assert sv, key
        assert en, key
        assert set(re.findall(r"\{(\w+)\}", sv)) == set(re.findall(r"\{(\w+)\}", en)), key


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+46415378000", {"sv": "0415-37 80 00", "en": "+46 415 37 80 00"}),
        ("+46406280405", {"sv": "040-628 04 05", "en": "+46 40 628 04 05"}),
        ("+46846500401", {"sv": "08-465 004 01", "en": "+46 8 465 004 01"}),
        ("+46701234567", {"sv": "070-123 45 67", "en": "+46 70 123 45 67"}),
        ("+4712345678", {"sv": "+4712345678", "en": "+4712345678"}),
    ],
)
def test_telephone_numbers_are_written_as_people_read_them(number: str, expected: dict[Language, str]) -> None:
    assert {language: phone_text(number, language) for language in LANGUAGES} == expected


async def test_a_move_sent_twice_moves_once(booking: Running) -> None:
    path = await booked(booking)
    page = (await booking.http.get(f"{path}/flytta")).text
    sent = {"tid": times_on(page)[5], "satt": "video"}
    for _ in range(2):
        answer = await booking.http.post(f"{path}/flytta", data=sent)
        assert answer.headers["location"] == f"{path}?nytt=flyttad"
    (event,) = Calendar.from_ical((await booking.http.get(f"{path}/kalender.ics")).content).walk("VEVENT")
    assert event["sequence"] == 1


async def test_a_booking_that_has_been_cannot_be_changed(booking: Running, clock: Clock) -> None:
    path = await booked(booking)
    clock.move(days=60)
    shown = await booking.http.get(path)
    assert "<h1>Din tid har varit</h1>" in shown.text
    assert "/avboka" not in shown.text
    assert (await booking.http.get(f"{path}/avboka")).headers["location"] == path
    for answer in (
        await booking.http.get(f"{path}/flytta"),
        await booking.http.post(f"{path}/avboka"),
    ):
        assert answer.status_code == 409
        assert "<h1>Bokningen kan inte längre ändras</h1>" in answer.text


async def test_a_forged_form_is_no_fault(booking: Running) -> None:
    hold, form = await chosen(booking)
    forged: list[tuple[str, dict[str, str]]] = [
        (TIMES, {}),
        (TIMES, {"satt": "video", "tid": "x", "visa": "-1", "byt": "y"}),
        (TIMES, {"satt": "ballong"}),
        (hold, {**form, "barn": "hundra", "sprak": "xx", "namn": "x" * 5000}),
        (hold, {**form, "barn": "20"}),
        (f"{hold}/boka", {**form, "barn": "20"}),
        (f"{hold}/boka", {}),
        (f"{hold}/uppgifter", {"namn": "<script>alert(1)</script>"}),
    ]
    for path, data in forged:
        answer: httpx.Response = await booking.http.post(path, data=data)
        assert answer.status_code in (200, 303, 409, 422), (path, answer.status_code)
        assert "<script>alert" not in answer.text


@pytest.mark.parametrize("step", ["", "/boka"], ids=["contact", "check"])
async def test_all_that_is_wrong_is_told_at_once(booking: Running, step: str) -> None:
    hold, form = await chosen(booking)
    wrong = {"namn": "", "telefon": "12", "epost": "kim@", "barn": "20", "sprak": "xx"}
    answer = await booking.http.post(f"{hold}{step}", data={**form, **wrong})
    assert answer.status_code == 422
    assert set(re.findall('id="([a-z]+)-message"', answer.text)) == {"namn", "telefon", "epost", "barn", "sprak"}
    assert "Insatsen är för barn 0–6 år." in answer.text
    assert "Välj något av sv eller en." in answer.text
    for long in ("namn", "telefon", "epost", "barn"):
        told = (await booking.http.post(f"{hold}{step}", data={**form, long: "9" * 500})).text
        assert f'id="{long}-message"' in told
        assert "should" not in told
    unreachable = await booking.http.post(f"{hold}{step}", data={**form, "telefon": "", "barn": "vantar", "namn": ""})
    assert {"namn", "telefon"} <= set(re.findall('id="([a-z]+)-message"', unreachable.text))


async def test_an_age_that_is_written_in_another_way_is_that_age(booking: Running) -> None:
    hold, form = await chosen(booking)
    answer = await booking.http.post(hold, data={**form, "barn": "3.0"})
    assert (answer.status_code, "3 år" in answer.text) == (200, True)


async def test_every_page_leads_to_the_accessibility_statement(run: Run, clock: Clock, secret_file: Path) -> None:
    told = {"accessibility_email": "webb@kommun.example", "accessibility_phone": "+46413620000"}
    async with run("booking", clock=clock, manage_secret_file=secret_file, **told) as booking:
        for prefix, phone, words in (
            ("", "0413-62 00 00", ("2018:1937", "WCAG 2.1", "EN 301 549", "Digg", "Vad som brister")),
            ("/en", "+46 413 62 00 00", ("2018:1937", "WCAG 2.1", "EN 301 549", "Digg", "What falls short")),
        ):
            for path in (f"{prefix}/", f"{prefix}/bokning/unknown-unknown-unknown", f"{prefix}/nowhere"):
                page = await booking.http.get(path, headers=HTML)
                assert f'href="{prefix}/tillganglighet"' in page.text, path
            statement = (await booking.http.get(f"{prefix}/tillganglighet")).text
            assert [word for word in words if word not in statement] == []
            assert 'href="mailto:webb@kommun.example"' in statement
            assert f'href="tel:+46413620000">{phone}<' in statement
            assert "https://www.digg.se/tdosanmalan" in statement


async def test_every_page_leads_to_where_reports_of_concern_are_made(booking: Running) -> None:
    for path in ("/", "/bokning/unknown-unknown-unknown", "/nowhere"):
        assert 'href="/orosanmalan"' in (await booking.http.get(path, headers=HTML)).text, path
    towns = (await booking.http.get("/orosanmalan")).text
    for slug in ("horby", "hoor", "eslov"):
        assert f'href="https://www.{slug}.se/orosanmalan"' in towns
        assert f'href="https://www.{slug}.se/orosanmalan"' in (await booking.http.get(f"/boka/{slug}")).text


async def test_whoever_is_protected_is_asked_to_call_before_writing_anything(booking: Running) -> None:
    hold, _ = await chosen(booking)
    page = (await booking.http.get(hold)).text
    assert "Har du skyddade personuppgifter? Boka inte här" in page
    assert page.index("Har du skyddade") < page.index('class="actions"')
    assert 'href="tel:+46415378000"' in page


async def test_a_form_that_is_refused_for_the_moment_can_be_sent_again_as_it_was(
    booking: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise KeysUnavailable

    hold, form = await chosen(booking)
    with monkeypatch.context() as without:
        without.setattr(Vault, "take", away)
        refused = await booking.http.post(f"{hold}/boka", data=form, headers=HTML)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    sent = typed(refused.text, "again")
    assert sent == form
    again = await booking.http.post(f"{hold}/boka", data=sent, headers=HTML)
    assert again.status_code == 303, again.text
    assert await count(booking, "confirmed") == 1
