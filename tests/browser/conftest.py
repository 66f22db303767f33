"""A real Chromium against the real pages: one server on 127.0.0.1, in the test's own event loop."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import uvicorn
from playwright.async_api import Browser, Page, async_playwright

from booking.bookings.pages import COOKIE as RESERVED
from booking.families import service as families
from booking.families import tables
from kit import database
from kit.database import Connection
from kit.session import COOKIE
from tests.booking.conftest import ready
from tests.browser import catalogue
from tests.conftest import Clock, Knows, Run, Running, until
from tests.lanes import skip_lane
from tests.signing import session_of

# Of pages without https.
PROVED = "samtid-mina"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        skip_lane("browser", "there is no chromium on this machine")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield started
        await started.close()


class Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to pytest."""
        yield


@dataclass
class Site:
    """The pages as a browser reaches them, and the service behind."""

    url: str
    booking: Running
    clock: Clock

    async def bookings(self, status: str = "confirmed") -> list[dict[str, Any]]:
        """Bookings and holds with this status and who made them, the first one first."""
        async with database.driver(self.booking.admin) as connection:
            rows = await connection.fetch("select * from booking where status = $1 order by created_at", status)
            return [{**row, **await self._contact(connection, row["family"])} for row in rows]

    async def _contact(self, connection: Connection, family: UUID | None) -> dict[str, Any]:
        sealed = await tables.all_sealed(connection, [family]) if family else []
        contact = (await families.unsealed(self.booking.runtime.vault, sealed)).get(family) if family else None
        return vars(contact) if contact else {}

    async def taken_by_another(self, slot: str) -> None:
        """Another family books the slot with this id."""
        body = {
            "slot": slot,
            "municipality": "1266",
            "modality": "video",
            "contact": {"name": "Robin", "phone": "+46709999999", "language": "sv"},
            "expecting": True,
        }
        assert (await self.booking.http.post("/booking/v1/bookings", json=body)).status_code == 201


@pytest.fixture
async def site(
    run: Run,
    knows: Knows,
    clock: Clock,
    secret_file: Path,
) -> AsyncIterator[Site]:
    known = await knows(catalogue.entities())
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = {
        "clock": clock,
        "manage_secret_file": secret_file,
        "public_url": url,
        "database_url": known,
        "unproved_bookings": 20,
    }
    async with run("booking", **settings) as booking:
        await until(lambda: ready(booking))
        server = Server(uvicorn.Config(booking.app, lifespan="off", log_config=None, access_log=False))
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield Site(url, booking, clock)
        finally:
            server.should_exit = True
            await serving


Open = Callable[..., AbstractAsyncContextManager[Page]]


@pytest.fixture
def opened(browser: Browser, site: Site) -> Open:
    """`async with opened() as page:` a page of a new reader; keyword arguments as for a Playwright context.

    `person` is the id of a member of staff, who is signed in. Fails at the end if the page asked anybody else for
    anything, kept another cookie than those of a session, a hold and a proof, or broke its own security policy.
    """

    @asynccontextmanager
    async def open_page(person: str | None = None, **options: Any) -> AsyncIterator[Page]:
        context = await browser.new_context(base_url=site.url, **{"viewport": {"width": 360, "height": 740}, **options})
        context.set_default_timeout(10_000)
        if person:
            name, value = session_of(site.booking, person)["Cookie"].split("=", 1)
            await context.add_cookies(
                [{"name": name, "value": value, "url": site.url.replace("http:", "https:"), "secure": True}]
            )
        page = await context.new_page()
        elsewhere: list[str] = []
        wrong: list[str] = []

        def note(url: str) -> None:
            if not url.startswith((site.url, "data:")):
                elsewhere.append(url)

        page.on("request", lambda request: note(request.url))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        yield page
        kept = {cookie["name"] for cookie in await context.cookies()} - {RESERVED, PROVED}
        assert kept == ({COOKIE} if person else set())
        assert elsewhere == []
        assert wrong == []
        await context.close()

    return open_page
