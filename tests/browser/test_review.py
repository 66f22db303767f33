"""A reviewer looks at the log, draws a sample and signs it off, in a narrow and a wide window."""

from datetime import timedelta

import pytest

from tests.booking import register, reviewing
from tests.booking.register import NOW
from tests.browser.conftest import Open, Site
from tests.browser.test_looks import is_good
from tests.conftest import until
from tests.infra import NatsServer

pytestmark = pytest.mark.browser


@pytest.fixture
async def read_site(site: Site, nats_server: NatsServer) -> Site:
    """The pages, with staff who have read of families."""
    await register.publish(nats_server.url, reviewing.STAFF)
    running = site.booking.runtime
    await until(lambda: running.people(running.engine, "id", reviewing.STAFF[-1].id))
    for minutes in range(12):
        await reviewing.read(site.booking, "maria", at=NOW - timedelta(minutes=minutes), why="day > booking")
    await reviewing.read(site.booking, "asa", at=NOW - timedelta(hours=5), what="search", why="phone > search")
    return site


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
async def test_a_review_from_the_log_to_the_signature(opened: Open, read_site: Site, width: int, scheme: str) -> None:
    size = {"width": width, "height": 800}
    async with opened(viewport=size, color_scheme=scheme, person="gunilla") as page:
        await page.goto("/granskning")
        assert await page.locator("tbody tr").count() == 13
        await is_good(page, "log")
        await page.get_by_label("Till och med").fill("2026-02-01")
        await page.get_by_role("button", name="Visa").click()
        await is_good(page, "log with errors")
        await page.get_by_label("Från och med").fill("2026-02-01")
        await page.get_by_role("button", name="Visa").click()
        await is_good(page, "an empty log")
        await page.goto("/granskning")
        await page.get_by_label("Hur många läsningar").select_option("10")
        await page.get_by_role("button", name="Dra ett urval").click()
        await page.get_by_role("button", name="Signera").wait_for()
        assert await page.locator("tbody tr").count() == 10
        await is_good(page, "sample")
        await page.get_by_role("button", name="Signera").click()
        await is_good(page, "sample with errors")
        await page.get_by_label("Vad kom du fram till?").select_option("fine")
        await page.get_by_role("button", name="Signera").click()
        await page.get_by_text("Granskningen av 10 läsningar är signerad.").wait_for()
        await is_good(page, "done")
        await page.goto("/en/granskning/gjorda")
        assert await page.get_by_text("Nothing to remark on").count() == 1
