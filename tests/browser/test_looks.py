"""Every page in a narrow and a wide window, by day and by night, in both languages: accessible, nothing to the side."""

from typing import Any
from uuid import UUID

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Page

from tests.booking.test_journey import request_for, slots
from tests.browser.conftest import Open, Site
from tests.browser.parent import Parent
from tests.proofs.asking import code_of, other_than
from tests.proofs.test_pressed import press

pytestmark = pytest.mark.browser

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Without what is in order: to bring that over takes longer than to find it.
RULES = {"runOnly": TAGS, "resultTypes": ["violations"]}
# Of these rules, the ones that look at colours; no other finds anything else by night than by day.
COLOURS = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    "resultTypes": ["violations"],
}
# Colours are the same in every window: by night they are looked at in a narrow one.
NARROW = 400
# The smallest side of what is pressed, in CSS pixels; links within a sentence may be smaller.
TARGET = 44
PRESSED = "button, .button, input:not([type=hidden]), select, label.option, .brand, .back"
SMALL_TARGETS = """
([pressed, minimum]) => [...document.querySelectorAll(pressed)]
  .map(element => [element, (element.closest("label.option, label.tick") ?? element).getBoundingClientRect()])
  .filter(([, box]) => box.height > 1 && box.height < minimum)
  .map(([element]) => element.outerHTML)
"""


async def is_accessible(page: Page, where: str, rules: dict[str, Any]) -> None:
    found: Any = await Axe().run(page, options=rules)
    assert found.violations_count == 0, f"{where}: {found.generate_report()}"


async def is_good(page: Page, where: str) -> None:
    await page.wait_for_load_state()
    await is_accessible(page, where, RULES)
    wider = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0, f"{where} is {wider} px wider than the window"
    assert await page.evaluate(SMALL_TARGETS, [PRESSED, TARGET]) == [], where
    title = await page.title()
    heading = await page.get_by_role("heading", level=1).text_content()
    assert heading is not None
    assert heading.strip() in title, where


async def is_good_by_day_and_night(page: Page, where: str) -> None:
    await is_good(page, where)
    if (page.viewport_size or {})["width"] > NARROW:
        return
    await page.emulate_media(color_scheme="dark")
    await is_accessible(page, f"{where}, by night", COLOURS)
    await page.emulate_media(color_scheme="light")


@pytest.mark.parametrize(("width", "language"), [(360, "sv"), (1280, "en")])
async def test_every_page_is_accessible(opened: Open, site: Site, width: int, language: str) -> None:
    async with opened(viewport={"width": width, "height": 800}, color_scheme="light") as page:
        parent = Parent(page, language)
        prefix = parent.prefix
        for path in (
            "/",
            "/boka/horby",
            "/boka/horby/foraldrasamtal",
            "/boka/horby/videosamtal/tider",
            "/tillganglighet",
            "/personuppgifter/horby",
            "/personuppgifter/hoor",
            "/orosanmalan",
            "/nowhere",
        ):
            await page.goto(f"{prefix}{path}")
            await is_good_by_day_and_night(page, path)
        await page.goto(f"{prefix}/boka/horby/foraldrasamtal/tider")
        await is_good_by_day_and_night(page, "no way to meet chosen")
        await parent.come_to_times("visit")
        await is_good_by_day_and_night(page, "times")
        await parent.press("go_on")
        await is_good_by_day_and_night(page, "no time chosen")
        await parent.choose(5)
        reservation = page.url
        await is_good_by_day_and_night(page, "contact")
        await parent.press("go_on")
        await is_good_by_day_and_night(page, "contact with errors")
        await parent.write()
        await parent.press("go_on")
        await is_good_by_day_and_night(page, "check")
        await parent.press("change_time")
        await is_good_by_day_and_night(page, "times with what was typed")
        await parent.choose(6)
        await is_good_by_day_and_night(page, "check again")
        site.clock.move(minutes=11)
        await site.taken_by_another(await parent.slot())
        await parent.press("book")
        await is_good_by_day_and_night(page, "a lost time")
        await parent.choose(0)
        await parent.book()
        await is_good_by_day_and_night(page, "booking")
        await parent.follow("details")
        await is_good_by_day_and_night(page, "what is kept")
        await page.go_back()
        await parent.follow("move")
        await is_good_by_day_and_night(page, "move")
        await page.get_by_role("radio").first.check()
        await parent.press("move_there")
        await is_good_by_day_and_night(page, "moved")
        await parent.follow("cancel")
        await is_good_by_day_and_night(page, "cancel")
        await parent.press("cancel_yes")
        await is_good_by_day_and_night(page, "cancelled")
        await page.goto(reservation)
        await is_good_by_day_and_night(page, "a time that is not kept any more")
        site.clock.move(days=120)
        await page.goto(f"{prefix}/boka/horby/videosamtal/tider")
        await is_good_by_day_and_night(page, "no times")


@pytest.mark.parametrize(("width", "language"), [(360, "sv"), (1280, "en")])
async def test_the_pages_of_ones_bookings(opened: Open, site: Site, width: int, language: str) -> None:
    contact = {"name": "Robin", "phone": "070-174 06 36", "email": "robin@example.org", "language": "sv"}
    free = await slots(site.booking)
    made = [
        (await site.booking.http.post("/booking/v1/bookings", json=request_for(slot, contact=contact))).json()
        for slot in (free[3], free[0], free[1])
    ]
    await site.booking.http.post(f"/booking/v1/bookings/{made[1]['manage_token']}/cancel")
    async with opened(viewport={"width": width, "height": 800}, color_scheme="light") as page:
        parent = Parent(page, language)
        await page.goto(f"{parent.prefix}/")
        await parent.follow("mine")
        await is_good_by_day_and_night(page, "asking for a code")
        await parent.press("send_code")
        await is_good_by_day_and_night(page, "nothing written")
        await page.locator("#kontakt").fill("070-174 06 36")
        await parent.press("send_code")
        await parent.sees("write_code")
        await is_good_by_day_and_night(page, "the code")
        code = await code_of(site.booking, UUID(await page.locator("input[name=bevis]").get_attribute("value")))
        await page.locator("#kod").fill(other_than(code))
        await parent.press("mine")
        await is_good_by_day_and_night(page, "a wrong code")
        await page.locator("#kod").fill(code)
        await parent.press("mine")
        await parent.sees("my_bookings")
        await is_good_by_day_and_night(page, "one's bookings")
        assert await page.locator("li.card a").count() == 3
        await page.locator("li.card a").first.click()
        await parent.sees("booked")
        await page.goto(f"{parent.prefix}/mina-bokningar?kommun=horby")
        await parent.sees("my_bookings")
        await parent.follow("other_number")
        await is_good_by_day_and_night(page, "changing the number")
        await page.locator("#kontakt").fill("070-174 06 99")
        await parent.press("send_code")
        await is_good_by_day_and_night(page, "the code of the new number")
        code = await code_of(site.booking, UUID(await page.locator("input[name=bevis]").get_attribute("value")))
        await page.locator("#kod").fill(code)
        await parent.press("other_number")
        await parent.sees("my_bookings")
        await is_good_by_day_and_night(page, "changed")
        assert await page.locator("li.card a").count() == 3
        await parent.press("stop_showing")
        await is_good_by_day_and_night(page, "shown no more")
        for _ in range(2):
            await page.locator("#kontakt").fill("070-174 06 99")
            await parent.press("send_code")
            await parent.sees("write_code")
            await page.go_back()
            await page.reload()
        await page.locator("#kontakt").fill("070-174 06 99")
        await parent.press("send_code")
        await is_good_by_day_and_night(page, "too many codes")


@pytest.mark.parametrize(("width", "language"), [(360, "sv"), (1280, "en")])
async def test_the_code_that_is_asked_for_under_pressure(opened: Open, site: Site, width: int, language: str) -> None:
    await press(site.booking)
    async with opened(viewport={"width": width, "height": 800}, color_scheme="light") as page:
        parent = Parent(page, language)
        await parent.come_to_check()
        await parent.press("book")
        await parent.sees("sent_code")
        await is_good_by_day_and_night(page, "a code was sent")
        proof = await page.locator("main input[name=bevis]").first.get_attribute("value")
        code = await code_of(site.booking, UUID(proof))
        assert await page.locator("#kod").input_value() == ""
        await page.locator("#kod").fill(other_than(code))
        await parent.press("book")
        await is_good_by_day_and_night(page, "a wrong code")
        await parent.press("change_details")
        await parent.sees("reach")
        await parent.press("go_on")
        await parent.press("book")
        await parent.sees("sent_code")
        await page.locator("#kod").fill(f"{code[:3]} {code[3:]}")
        await parent.press("book")
        await parent.sees("booked")


@pytest.mark.parametrize(("width", "language"), [(360, "sv"), (1280, "en")])
async def test_the_number_that_lacks_is_asked_for(opened: Open, site: Site, width: int, language: str) -> None:
    contact = {"name": "Robin", "email": "robin@example.org", "language": "sv"}
    wanted = request_for((await slots(site.booking))[0], contact=contact)
    token = (await site.booking.http.post("/booking/v1/bookings", json=wanted)).json()["manage_token"]
    async with opened(viewport={"width": width, "height": 800}, color_scheme="light") as page:
        parent = Parent(page, language)
        await page.goto(f"{parent.prefix}/bokning/{token}/flytta?satt=phone")
        await page.get_by_role("radio").first.check()
        await parent.press("move_there")
        await parent.sees("number")
        await is_good_by_day_and_night(page, "number")
        await parent.press("move_there")
        await is_good_by_day_and_night(page, "no number")
        await page.locator("#telefon").fill("070-174 06 36")
        await parent.press("move_there")
        await page.get_by_text(parent.word("moved")).wait_for()
    assert [(b["modality"], b["phone"]) for b in await site.bookings()] == [("phone", "+46701740636")]


async def test_a_page_prints_without_what_is_pressed(opened: Open, site: Site) -> None:
    async with opened() as page:
        parent = Parent(page)
        await parent.come_to_check()
        await parent.book()
        await page.emulate_media(media="print", color_scheme="dark")
        assert not await page.get_by_role("link", name="Avboka").is_visible()
        assert await page.locator("dl.facts").is_visible()
        assert await page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"


async def test_the_reader_can_make_the_text_twice_as_large(opened: Open, site: Site) -> None:
    async with opened(viewport={"width": 640, "height": 800}) as page:
        parent = Parent(page)
        await parent.come_to_times("visit")
        await page.evaluate("document.documentElement.style.fontSize = '225%'")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 640
