"""A coordinator simulates a year without script, in a narrow and a wide window."""

import pytest

from tests.agenda.conftest import person
from tests.booking import register
from tests.browser.conftest import Open, Site
from tests.browser.test_looks import is_good
from tests.conftest import until
from tests.infra import NatsServer

pytestmark = pytest.mark.browser


@pytest.fixture
async def shared(site: Site, nats_server: NatsServer) -> Site:
    """The pages, with a coordinator."""
    await register.publish(nats_server.url, [person("asa", "familjestod", role="coordinator")])
    running = site.booking.runtime
    await until(lambda: running.people(running.engine, "id", "asa"))
    return site


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1100, "dark")])
async def test_a_simulation_from_its_form_to_its_results(opened: Open, shared: Site, width: int, scheme: str) -> None:
    size = {"width": width, "height": 800}
    async with opened(viewport=size, color_scheme=scheme, person="asa", java_script_enabled=False) as page:
        await page.goto("/simulering")
        await page.get_by_label("Eslöv", exact=True).fill("inte ett tal")
        await page.get_by_role("button", name="Simulera ett år").click()
        await page.get_by_role("link", name="Skriv ett tal").wait_for()
        await page.get_by_label("Eslöv", exact=True).fill("18,5")
        # Another number for each width, so that each is simulated.
        await page.get_by_label("Slumptal").fill(str(width))
        await page.get_by_label("Kommun").select_option(label="Eslöv")
        await page.get_by_label("Fast kvot").uncheck()
        await page.get_by_role("button", name="Simulera ett år").click()
        await page.get_by_role("heading", name="Simulering pågår").wait_for()
        # It comes by itself.
        await page.get_by_role("heading", name="Att välja mellan").wait_for(timeout=60_000)
        address = page.url
    async with opened(viewport=size, color_scheme=scheme, person="asa") as page:
        await page.goto("/simulering")
        await is_good(page, "form")
        await page.goto(f"{address.replace('18%2C5', 'tal')}")
        await is_good(page, "form with errors")
        await page.goto(address)
        await page.get_by_role("img", name="Stapeldiagram").evaluate("image => image.decode()")
        await is_good(page, "results")
        await page.goto(f"{address}&slump=9")
        await is_good(page, "under way")
