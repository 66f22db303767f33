"""A coordinator looks at figures: tables and pictures, in a narrow and a wide window, on paper and without scripts."""

import pytest

from tests.agenda.conftest import person
from tests.booking import register
from tests.browser.conftest import Open, Site
from tests.browser.test_looks import is_good
from tests.conftest import until
from tests.figures import filling
from tests.infra import NatsServer

pytestmark = pytest.mark.browser

DRAWN = "[...document.querySelectorAll('.chart')].map(image => image.naturalWidth)"


@pytest.fixture
async def filled_site(site: Site, nats_server: NatsServer) -> Site:
    """The pages, with a quarter's figures and a coordinator."""
    await register.publish(nats_server.url, [*filling.entities(), person("asa", "familjestod", role="coordinator")])
    running = site.booking.runtime
    await until(lambda: running.people(running.engine, "id", "asa"))
    await filling.fill(site.booking.admin)
    return site


@pytest.mark.parametrize(
    ("width", "scheme", "language", "scripts"),
    [(360, "light", "", True), (1100, "dark", "/en", True), (1100, "light", "", False)],
)
async def test_figures_are_read_and_drawn(
    opened: Open, filled_site: Site, width: int, scheme: str, language: str, scripts: bool
) -> None:
    size = {"width": width, "height": 800}
    async with opened(viewport=size, color_scheme=scheme, person="asa", java_script_enabled=scripts) as page:
        await page.goto(f"{language}/siffror")
        await page.get_by_label("Period").select_option("2026-K1")
        await page.get_by_role("button", name="Show" if language else "Visa").click()
        await page.wait_for_load_state()
        assert await page.locator("table").count() == 6
        for image in await page.locator(".chart").all():
            await image.scroll_into_view_if_needed()
        if scripts:

            async def drawn() -> bool:
                return all(await page.evaluate(DRAWN))

            await until(drawn)
            assert len(await page.evaluate(DRAWN)) == 5, "all but the centres', of which nobody entered children"
            await is_good(page, "figures")
        await page.get_by_label("Period").select_option("egen")
        await page.get_by_role("button", name="Show" if language else "Visa").click()
        assert await page.locator("[aria-invalid]").count() == 2
        if scripts:
            await is_good(page, "figures with errors")
