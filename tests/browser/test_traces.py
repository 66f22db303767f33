"""The demo's traces on a telephone: no wider than it, in both languages."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from playwright.async_api import Browser

from deploy.traces import Store, create_traces
from tests.browser.conftest import Server
from tests.deploy.test_traces import booking, reminder, store

__all__ = ["store"]
NARROW = 320


@pytest.fixture
async def url(store: Store) -> AsyncIterator[str]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = Server(uvicorn.Config(create_traces(store), lifespan="off", log_config=None, access_log=False))
    serving = asyncio.create_task(server.serve([listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await serving


@pytest.mark.parametrize(("prefix", "language"), [("", "sv"), ("/en", "en")])
async def test_traces_are_no_wider_than_a_telephone(
    browser: Browser, url: str, store: Store, prefix: str, language: str
) -> None:
    later = reminder(store, booking(store, "MINE1"))
    context = await browser.new_context(viewport={"width": NARROW, "height": 600}, locale="en-GB")
    try:
        page = await context.new_page()
        for path in ("/demo/traces", f"/demo/traces/{booking(store, 'MINE2')}", f"/demo/traces/{later}"):
            await page.goto(f"{url}{prefix}{path}")
            assert await page.locator("html").get_attribute("lang") == language
            assert await page.evaluate("document.documentElement.scrollWidth") <= NARROW, path
            inner = "Math.max(0, ...[...document.querySelectorAll('.scroll')].map(e => e.scrollWidth - e.clientWidth))"
            assert await page.evaluate(inner) == 0, path
    finally:
        await context.close()
