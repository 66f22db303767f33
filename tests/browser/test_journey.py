"""The parent's way from the start page to a booking, and what can come between, in a real browser."""

import asyncio
import re

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Open, Site
from tests.browser.parent import Parent
from tests.conftest import until

pytestmark = pytest.mark.browser

# The first times come within the offering's lead time while a test waits for a hold to run out; this one does not.
LATER = 3
EITHER_WAY = pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])


@EITHER_WAY
@pytest.mark.parametrize("language", ["sv", "en"])
async def test_a_parent_books_moves_and_cancels(opened: Open, site: Site, script: bool, language: str) -> None:
    async with opened(java_script_enabled=script) as page:
        parent = Parent(page, language)
        chosen = await parent.come_to_check("visit")
        expected = {
            "sv": "måndag 2 mars kl. 10.00–10.45, BVC Hörby, Vårdvägen 1, Hörby, Maria Ek",
            "en": "Monday 2 March, 10:00–10:45, BVC Hörby, Vårdvägen 1, Hörby, Maria Ek",
        }
        assert chosen.replace(" ,", ",") == expected[language]
        assert await parent.fact(0) == chosen.split(", BVC")[0]
        await parent.book()
        assert await page.locator("html").get_attribute("lang") == language
        (made,) = await site.bookings()
        assert (made["name"], made["phone"], made["language"], made["child_age"]) == (
            "Kim",
            "+46701234567",
            language,
            2,
        )
        manage = re.sub(r"\?.*", "", page.url)

        await parent.follow("move")
        moved_to = await parent.choose(2, "move_there")
        await parent.sees("booked")
        await expect(page.get_by_role("status")).to_contain_text(parent.word("moved"))
        assert await parent.fact(0) == moved_to.split(", BVC")[0]

        await page.goto(manage)
        await parent.follow("cancel")
        await parent.press("cancel_yes")
        await parent.sees("cancelled")
        assert await site.bookings() == []
        (gone,) = await site.bookings("cancelled")
        assert gone["sequence"] == 2


@EITHER_WAY
async def test_a_double_click_books_once(opened: Open, site: Site, script: bool) -> None:
    async with opened(java_script_enabled=script) as page:
        parent = Parent(page)
        await parent.come_to_times()
        await page.get_by_role("radio").first.check()
        await page.get_by_role("button", name="Fortsätt").dblclick()
        await parent.write()
        assert len(await site.bookings("held")) == 1
        await page.get_by_role("button", name="Fortsätt").dblclick()
        await parent.sees("right")
        await page.get_by_role("button", name="Boka tiden").dblclick()
        await parent.sees("booked")
        assert len(await site.bookings()) == 1
        assert await site.bookings("held") == []


async def test_the_script_sends_a_form_once_and_going_back_asks_for_nothing(opened: Open, site: Site) -> None:
    async with opened() as page:
        parent = Parent(page)
        await parent.come_to_check()
        sent: list[str] = []
        clicked_twice = asyncio.Event()

        async def slow(route: Route) -> None:
            sent.append(route.request.url)
            await clicked_twice.wait()
            await route.continue_()

        await page.route("**/boka?*", slow)
        button = page.get_by_role("button", name="Boka tiden")
        await button.scroll_into_view_if_needed()
        box = await button.bounding_box()
        assert box is not None
        # By the mouse itself: a locator would wait for the answer between the clicks.
        await page.mouse.click(box["x"] + 20, box["y"] + 20)
        await until(lambda: asyncio.sleep(0, sent))
        await page.mouse.click(box["x"] + 20, box["y"] + 20)
        clicked_twice.set()
        await parent.sees("booked")
        assert len(sent) == 1
        await page.go_back()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Du har redan bokat den här tiden")
        await page.go_forward()
        await parent.sees("booked")


@EITHER_WAY
async def test_the_back_button_after_booking_leads_to_the_same_confirmation(
    opened: Open, site: Site, script: bool
) -> None:
    async with opened(java_script_enabled=script) as page:
        parent = Parent(page)
        await parent.come_to_check()
        form = await page.locator("form[action*='/boka?'] input[type=hidden]").evaluate_all(
            "inputs => inputs.map(input => [input.name, input.value])"
        )
        action = await page.locator("form[action*='/boka?']").get_attribute("action")
        await parent.book()
        confirmation = page.url
        # What a browser sends when the page before is sent once more.
        again = await page.request.post(
            f"{site.url}{action}", form=dict(form), headers={"sec-fetch-site": "same-origin"}
        )
        assert again.url == confirmation
        # With other details: still the one booking, and a word about it.
        other = await page.request.post(f"{site.url}{action}", form={**dict(form), "namn": "Robin"})
        assert other.url == f"{confirmation}?nytt=redan"
        assert "Tiden var redan bokad." in await other.text()
        (made,) = await site.bookings()
        assert made["name"] == "Kim"


@EITHER_WAY
async def test_ten_times_back_another_time_can_be_chosen_and_the_former_is_given_back(
    opened: Open, site: Site, script: bool
) -> None:
    async with opened(java_script_enabled=script) as page:
        parent = Parent(page)
        await parent.come_to_times()
        for number in (*range(10), 0):
            chosen = await parent.choose(number)
            await parent.sees("reach")
            await expect(page.locator(".notice")).to_contain_text(chosen.split(" kl. ")[1].split(",")[0])
            assert len(await site.bookings("held")) == 1
            await page.go_back()
            await parent.sees("choose")


@EITHER_WAY
async def test_a_hold_that_ran_out_is_taken_anew_in_silence(opened: Open, site: Site, script: bool) -> None:
    async with opened(java_script_enabled=script) as page:
        parent = Parent(page)
        await parent.come_to_times()
        chosen = await parent.choose(LATER)
        site.clock.move(minutes=11)
        await parent.write()
        await parent.press("go_on")
        await parent.sees("right")
        site.clock.move(minutes=11)
        await parent.book()
        assert await parent.fact(0) == chosen.split(", video")[0]
        assert len(await site.bookings()) == 1


@EITHER_WAY
@pytest.mark.parametrize("language", ["sv", "en"])
async def test_a_time_lost_while_writing_leads_to_the_nearest_and_keeps_what_was_typed(
    opened: Open, site: Site, script: bool, language: str
) -> None:
    async with opened(java_script_enabled=script) as page:
        parent = Parent(page, language)
        lost = await parent.come_to_check(number=LATER)
        site.clock.move(minutes=11)
        await site.taken_by_another(await parent.slot())
        await parent.press("book")
        await expect(page.get_by_role("alert")).to_contain_text(parent.word("taken"))
        await expect(page.get_by_role("alert")).to_contain_text(parent.word("kept"))
        await expect(page.get_by_role("heading", level=2).nth(1)).to_have_text(parent.word("nearest"))
        assert await page.locator("input[name=tid]:checked").count() == 0
        chosen = await parent.choose(0)
        assert chosen != lost
        await parent.sees("right")
        assert await parent.fact(4) == "Kim"
        await parent.book()
        assert [row["name"] for row in await site.bookings()] == ["Robin", "Kim"]


@EITHER_WAY
async def test_a_lost_race_leads_to_the_nearest_times(opened: Open, site: Site, script: bool) -> None:
    async with opened(java_script_enabled=script) as page:
        parent = Parent(page)
        await parent.come_to_times()
        await site.taken_by_another(await parent.slot())
        await parent.choose(0)
        await expect(page.get_by_role("alert")).to_contain_text(parent.word("taken"))
        await parent.choose(0)
        await parent.sees("reach")


@EITHER_WAY
async def test_changing_the_time_gives_the_old_one_back_and_keeps_what_was_typed(
    opened: Open, site: Site, script: bool
) -> None:
    async with opened(java_script_enabled=script) as page:
        parent = Parent(page)
        first = await parent.come_to_check()
        await parent.press("change_time")
        await parent.sees("choose")
        assert await page.get_by_role("radio").first.is_checked()
        second = await parent.choose(1)
        await parent.sees("right")
        assert first != second
        assert await parent.fact(0) == second.split(", video")[0]
        assert len(await site.bookings("held")) == 1
        await page.get_by_role("button", name="Ändra uppgifter").click()
        await parent.sees("reach")
        await expect(page.locator("#namn")).to_have_value("Kim")
        await expect(page.locator("#barn")).to_have_value("2")


@EITHER_WAY
async def test_what_needs_correcting_is_said_at_the_top_and_at_the_field(
    opened: Open, site: Site, script: bool
) -> None:
    async with opened(java_script_enabled=script) as page:
        parent = Parent(page)
        await parent.come_to_times()
        await parent.press("go_on")
        await page.get_by_role("alert").get_by_role("link", name="Välj en av tiderna").click()
        await expect(page.locator("#tid")).to_be_focused()
        await parent.choose(0)
        await parent.write(name="19900101-1234", phone="", child="")
        await parent.press("go_on")
        summary = page.get_by_role("alert")
        await expect(summary).to_be_focused()
        assert await summary.get_by_role("link").all_text_contents() == [
            "Skriv inget personnummer. Förnamn eller alias räcker.",
            "Ange ett telefonnummer eller en e-postadress.",
            "Välj barnets ålder",
        ]
        await expect(page.locator("#namn")).to_have_value("19900101-1234")
        await expect(page.locator("#namn")).to_have_accessible_description(
            re.compile("Skriv inget personnummer. Förnamn eller alias räcker.")
        )
        await page.locator("#namn").fill("Kim")
        await page.locator("#barn").select_option("vantar")
        await parent.press("go_on")
        await expect(summary.get_by_role("link")).to_have_text("Ange ett telefonnummer eller en e-postadress.")
        await page.locator("#telefon").fill("070-123 45 67")
        await parent.press("go_on")
        await parent.sees("right")


@EITHER_WAY
async def test_the_other_language_keeps_what_was_typed(opened: Open, site: Site, script: bool) -> None:
    async with opened(java_script_enabled=script) as page:
        parent = Parent(page)
        await parent.come_to_check()
        await page.get_by_role("button", name="In English").click()
        parent.language = "en"
        await parent.sees("right")
        assert await parent.fact(4) == "Kim"
        await parent.book()
        await page.get_by_role("link", name="På svenska").click()
        parent.language = "sv"
        await parent.sees("booked")


async def test_more_times_are_shown_from_where_the_first_ones_ended(opened: Open, site: Site) -> None:
    async with opened(java_script_enabled=False) as page:
        parent = Parent(page)
        await parent.come_to_times()
        assert await page.get_by_role("radio").count() == 20
        await page.get_by_role("link", name="Visa fler tider").click()
        await expect(page.get_by_role("radio")).to_have_count(40)
        assert page.url.endswith("visa=40#nr21")


async def test_nothing_free_says_what_to_do(opened: Open, site: Site) -> None:
    async with opened() as page:
        await page.goto("/boka/horby/videosamtal/tider")
        await expect(page.get_by_role("radio").first).to_be_visible()
        site.clock.move(days=120)
        await page.reload()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Inga lediga tider just nu")
        await expect(page.get_by_role("main").get_by_role("link", name="0415-37 80 00")).to_be_visible()
