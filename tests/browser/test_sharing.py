"""A coordinator reads an agreement's report and asks why a time is not offered, in a narrow and a wide window."""

from datetime import date, timedelta
from uuid import uuid4

import pytest

from kit import database
from tests.agenda.conftest import person
from tests.booking import register
from tests.browser.conftest import Open, Site
from tests.browser.test_looks import is_good
from tests.conftest import until
from tests.infra import NatsServer

pytestmark = pytest.mark.browser

POOL = "hoor-horby-eslov"
ASA = person("asa", "familjestod", role="coordinator")


@pytest.fixture
async def shared(site: Site, nats_server: NatsServer) -> Site:
    """The pages, with a coordinator and ten weeks of an agreement's time."""
    await register.publish(nats_server.url, [ASA])
    running = site.booking.runtime
    await until(lambda: running.people(running.engine, "id", "asa"))
    async with database.driver(site.booking.admin) as connection:
        await connection.execute("truncate ledger, entitlement")
        for week in range(10):
            first = date(2026, 1, 5) + timedelta(weeks=week)
            rows = [(code, "entitlement", share * 24, None) for code, share in register.pool().shares.items()]
            rows += [("1266", "use", 660, None), ("1285", "use", 540 + 45 * week, None), ("1266", "loan", 36, "1267")]
            await connection.executemany(
                "insert into ledger (at, pool, period, municipality, kind, minutes, lender, booking)"
                " values ($1, $2, $3, $4, $5, $6, $7, $8)",
                [(register.NOW, POOL, first, *row, uuid4() if row[1] in ("use", "loan") else None) for row in rows],
            )
            await connection.execute(
                "insert into entitlement (pool, first, municipality, last, release_days, carry_over, minutes)"
                " values ($1, $2, '1266', $3, 7, 0, 0)",
                POOL,
                first,
                first + timedelta(days=6),
            )
    return site


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1100, "dark")])
async def test_a_report_from_the_list_to_its_periods(opened: Open, shared: Site, width: int, scheme: str) -> None:
    size = {"width": width, "height": 800}
    async with opened(viewport=size, color_scheme=scheme, person="asa") as page:
        await page.goto("/samverkan")
        await is_good(page, "agreements")
        await page.get_by_role("link", name="Redovisning för 2026").click()
        picture = page.get_by_role("img", name="Stapeldiagram")
        await picture.evaluate("image => image.decode()")
        await is_good(page, "report")
        await page.get_by_text("Visa varje period (10)").click()
        await page.get_by_text("måndag 5 januari till söndag 11 januari").wait_for()
        await is_good(page, "periods")
        await page.goto(f"/en/samverkan/{POOL}/2031")
        await is_good(page, "a year without rows")


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1100, "light")])
async def test_why_a_time_is_not_offered(opened: Open, shared: Site, width: int, scheme: str) -> None:
    size = {"width": width, "height": 800}
    async with opened(viewport=size, color_scheme=scheme, person="asa") as page:
        await page.goto("/telefonbokning")
        await page.get_by_role("link", name="Varför erbjuds inte en viss tid?").click()
        await is_good(page, "a question")
        await page.get_by_role("button", name="Visa").click()
        await page.get_by_role("alert").get_by_text("Välj en rådgivare").wait_for()
        await is_good(page, "a question with errors")
        await page.get_by_label("Insats").select_option("Föräldrasamtal")
        await page.get_by_label("Familjens kommun").select_option("Hörby")
        await page.get_by_label("Rådgivare").select_option("Maria Ek")
        await page.get_by_label("Dag").fill("2026-03-10")
        await page.get_by_label("Klockslag").fill("09:10")
        await page.get_by_role("button", name="Visa").click()
        await page.get_by_text("De närmaste lediga starttiderna är 08.00, 09.00 och 10.00.").wait_for()
        await is_good(page, "an answer")
        await page.get_by_role("link", name="In English").click()
        await page.get_by_text("The nearest free starts are 08:00, 09:00 and 10:00.").wait_for()
        await is_good(page, "an answer in English")
