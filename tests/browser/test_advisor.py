"""An advisor's day in a real browser: the lists, a booking and what became of it, leave before it is saved, a family
that calls.
"""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from directory import events as directory
from tests.booking import register
from tests.booking.test_journey import request_for, slots
from tests.browser.conftest import Open, Site
from tests.browser.test_looks import is_good
from tests.conftest import until
from tests.infra import NatsServer

pytestmark = pytest.mark.browser

MARIA = directory.Staff(
    id="maria-ek",
    version=1,
    name="Maria Ek",
    identity="SE-maria",
    advisor="maria-ek",
    grants=[directory.Grant(role="advisor", unit="familjestod")],
)


@pytest.fixture
async def day(site: Site, nats_server: NatsServer) -> Site:
    """The pages on a day on which Maria meets two families: at 10.00 by video, at 11.00 at the centre."""
    await register.publish(nats_server.url, [MARIA])
    running = site.booking.runtime
    await until(lambda: running.people(running.engine, "id", MARIA.id))
    free = [slot for slot in await slots(site.booking) if slot["advisor"]["id"] == "maria-ek"]
    for slot, modality in zip(free, ("video", "visit"), strict=False):
        made = await site.booking.http.post("/booking/v1/bookings", json=request_for(slot, modality=modality))
        assert made.status_code == 201, made.text
    return site


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name).click()


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
async def test_from_the_list_of_the_day_to_what_became_of_a_visit(
    opened: Open, day: Site, width: int, scheme: Any
) -> None:
    size = {"width": width, "height": 800}
    async with opened(viewport=size, color_scheme=scheme, person="maria-ek") as page:
        await page.goto("/arbetsvecka")
        await is_good(page, "week")
        await page.get_by_role("link", name="Måndag 2 mars").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Måndag 2 mars")
        await expect(page.locator("ol.agenda > li")).to_have_count(2)
        await is_good(page, "day")
        await page.get_by_role("link", name="Öppna bokningen").first.click()
        await is_good(page, "booking")
        await page.get_by_role("link", name="Flytta tiden").click()
        await is_good(page, "move")
        await page.get_by_role("radio").first.check()
        await press(page, "Flytta till den tiden")
        await page.get_by_text("Tiden är flyttad. Familjen får ett meddelande.").wait_for()
        # The time has begun. A session lasts as long.
        day.clock.move(minutes=20)
        await page.reload()
        await press(page, "Familjen kom")
        await page.get_by_text("Noterat: familjen kom.").wait_for()
        await is_good(page, "fulfilled")
        await page.get_by_role("link", name="Boka en uppföljning").click()
        await is_good(page, "follow-up")
        await page.get_by_role("radio").first.check()
        await press(page, "Boka uppföljningen")
        await page.get_by_text("Uppföljningen är bokad.").wait_for()
        await page.goto("/arbetsdag")
        await page.get_by_role("link", name="Öppna bokningen").first.click()
        await press(page, "Ångra")
        await page.get_by_text("Ångrat: tiden är bokad som förut.").wait_for()
        await press(page, "Familjen uteblev")
        await page.get_by_text("Noterat: familjen uteblev.").wait_for()
        await page.get_by_role("link", name="Till dagen").click()
        await page.get_by_role("link", name="Öppna bokningen").last.click()
        await page.get_by_role("link", name="Avboka").click()
        await press(page, "Avboka tiden")
        await is_good(page, "no reason")
        await page.get_by_label("Rådgivaren har förhinder").check()
        await press(page, "Avboka tiden")
        await page.get_by_text("Tiden är avbokad. Familjen får ett meddelande.").wait_for()
        await is_good(page, "cancelled")
        await page.goto("/en/arbetsdag?dag=2026-03-07")
        await is_good(page, "an empty day")
    assert sorted(row["status"] for row in await day.bookings("no_show") + await day.bookings("cancelled")) == [
        "cancelled",
        "no_show",
    ]


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
async def test_leave_is_looked_at_before_it_is_saved(opened: Open, day: Site, width: int, scheme: Any) -> None:
    size = {"width": width, "height": 800}
    async with opened(viewport=size, color_scheme=scheme, person="maria-ek") as page:
        await page.goto("/arbetsdag")
        await page.get_by_role("link", name="Frånvaro och extra tid").click()
        await is_good(page, "leave")
        await press(page, "Visa vad det gäller")
        await is_good(page, "leave with errors")
        await page.get_by_label("Frånvaro").check()
        await page.get_by_label("Första dagen", exact=True).fill("2026-03-02")
        await page.get_by_label("Sista dagen", exact=True).fill("2026-03-02")
        await press(page, "Visa vad det gäller")
        await page.get_by_text("2 bokade tider ligger då.").wait_for()
        await is_good(page, "whom leave hits")
        await press(page, "Ändra")
        await expect(page.get_by_label("Första dagen", exact=True)).to_have_value("2026-03-02")
        await page.goto("/arbetsdag")
        await page.get_by_role("link", name="Min kalender i andra program").click()
        await is_good(page, "feeds")
        await page.get_by_label("Vad ska adressen heta?").fill("Min telefon")
        await press(page, "Gör adressen")
        await page.get_by_text("Kopiera adressen nu.").wait_for()
        await is_good(page, "a new address")


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
async def test_a_family_that_calls_is_booked_for(opened: Open, day: Site, width: int, scheme: Any) -> None:
    size = {"width": width, "height": 800}
    async with opened(viewport=size, color_scheme=scheme, person="maria-ek") as page:
        await page.goto("/arbetsdag")
        await page.get_by_role("link", name="Boka åt en familj").click()
        await is_good(page, "phone")
        await page.get_by_label("Familjens telefonnummer").fill("070-123 45 67")
        await press(page, "Sök")
        await expect(page.get_by_role("link", name="Boka åt Kim")).to_have_count(2)
        await is_good(page, "families found")
        await page.get_by_role("link", name="Föräldrasamtal (Hörby)").click()
        await is_good(page, "times by phone")
        await page.get_by_role("radio").first.check()
        await press(page, "Fortsätt")
        await is_good(page, "who calls")
        await press(page, "Boka tiden")
        await is_good(page, "who calls, with errors")
        await page.get_by_label("Förnamn eller alias").fill("Robin")
        await page.get_by_label("Telefonnummer").fill("070-765 43 21")
        await page.get_by_label("Barnets ålder").select_option("3")
        await press(page, "Boka tiden")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Tiden är bokad")
        await page.get_by_text("”Välkommen måndag 2 mars kl. 08.00–08.45.”").wait_for()
        await is_good(page, "what to say")


async def test_the_day_is_printed_without_what_is_pressed(opened: Open, day: Site) -> None:
    async with opened(person="maria-ek") as page:
        await page.goto("/arbetsdag")
        await page.emulate_media(media="print")
        assert await page.get_by_text("Kim, 070-123 45 67").count() == 2
        assert not await page.get_by_role("link", name="Nästa dag").is_visible()
        assert not await page.get_by_role("link", name="Öppna bokningen").first.is_visible()
        assert await page.get_by_text("Förvara den inlåst").is_visible()
