"""A coordinator's day in a real browser, on directory's own pages and the demo's register."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from playwright.async_api import Page, expect

from directory.importing import import_files
from tests.browser.conftest import Open, Server, Site
from tests.browser.test_looks import is_good
from tests.conftest import Clock, Run
from tests.directory.desk import COORDINATOR, DEMO, NOW

pytestmark = pytest.mark.browser


@pytest.fixture
async def site(run: Run) -> AsyncIterator[Site]:
    """Directory in place of booking, with the demo's register."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    clock = Clock(NOW)
    async with run("directory", clock=clock, public_url=url) as directory:
        await import_files(directory.runtime.engine, DEMO, NOW)
        server = Server(uvicorn.Config(directory.app, lifespan="off", log_config=None, access_log=False))
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield Site(url, directory, clock)
        finally:
            server.should_exit = True
            await serving


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).last.click()


async def follow(page: Page, name: str) -> None:
    await page.get_by_role("link", name=name).first.click()


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
async def test_a_schedule_is_changed_a_role_is_given_and_both_are_in_the_history(
    opened: Open, site: Site, width: int, scheme: Any
) -> None:
    size = {"width": width, "height": 800}
    async with opened(viewport=size, color_scheme=scheme, person=COORDINATOR) as page:
        await page.goto("/katalog")
        await is_good(page, "overview")
        await follow(page, "Arbetstider")
        await is_good(page, "list")
        await follow(page, "Maria Ek")
        await is_good(page, "schedule")
        first = page.get_by_role("group", name="Rad 1", exact=True).first
        await first.get_by_label("Slutar").fill("08:00")
        await press(page, "Fler rader: pass varje vecka")
        await expect(first.get_by_label("Slutar")).to_have_value("08:00")
        await press(page, "Spara")
        await page.get_by_role("alert").get_by_text("slutar (08.00) innan det börjar").wait_for()
        await is_good(page, "schedule with errors")
        # Enter saves, though other buttons come before the one that says so.
        await first.get_by_label("Slutar").fill("11:30")
        await page.get_by_label("Tidszon").press("Enter")
        await page.get_by_text("Sparat.").wait_for()
        await is_good(page, "saved")
        await page.goto("/katalog")
        await follow(page, "Medarbetare och roller")
        await follow(page, "Visa allt")
        await is_good(page, "staff")
        await follow(page, "Elin Östergren")
        await page.get_by_text("rådgivare, Föräldrastöd Nacka").wait_for()
        await is_good(page, "a colleague of another unit")
        row = page.get_by_role("group", name="Rad 1", exact=True)
        await row.get_by_label("Roll").select_option("rådgivare")
        await row.get_by_label("Gäller").select_option("Familjestöd, Höör")
        await press(page, "Spara")
        await page.get_by_text("Sparat.").wait_for()
        await page.goto("/katalog/historik")
        await is_good(page, "history")
        latest = page.locator("main ol > li")
        await expect(latest.first).to_contain_text("Medarbetare: Elin Östergren")
        await expect(latest.first.locator("ins")).to_have_text("rådgivare, Familjestöd, Höör")
        await expect(latest.nth(1)).to_contain_text("11.30")
        await expect(latest.nth(1)).to_contain_text("Åsa Wikström")


@pytest.mark.parametrize(("width", "language"), [(360, "en"), (1280, "sv")])
async def test_every_form_is_accessible(opened: Open, site: Site, width: int, language: str) -> None:
    prefix = "/en" if language == "en" else ""
    async with opened(viewport={"width": width, "height": 800}, person="ola-berg") as page:
        for path in (
            "",
            "/insatser/ny",
            "/samverkan/hoor-horby-eslov",
            "/radgivare/maria-ek",
            "/mottagningar/ny",
            "/verksamheter/hoor-familjestod",
            "/kommuner/1267",
            "/personal/maria-ek/historik",
            "/fil",
        ):
            await page.goto(f"{prefix}/katalog{path}")
            await is_good(page, path)
    async with opened(viewport={"width": width, "height": 800}, person=COORDINATOR) as page:
        await page.goto(f"{prefix}/katalog/radgivare/elin-ostergren")
        await is_good(page, "another unit's")


async def test_a_file_is_tried_before_it_is_taken(opened: Open, site: Site) -> None:
    async with opened(person=COORDINATOR) as page:
        await page.goto("/katalog/fil")
        await page.get_by_label("Filens innehåll").fill("centres:\n  - {id: bvc-hoor, municipality: 1267}\n")
        await press(page, "Pröva utan att spara")
        await page.get_by_role("alert").get_by_text("Rad 2").first.wait_for()
        await is_good(page, "faults")
        async with page.expect_download() as download:
            await follow(page, "Hämta filen")
        path = await (await download.value).path()
        await page.set_input_files("#file", path)
        await press(page, "Pröva utan att spara")
        await page.get_by_text("0 nya, 0 ändrade").wait_for()
        await is_good(page, "nothing new")
