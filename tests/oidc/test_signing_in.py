"""Signing in through directory's pages, at a real provider, with a browser's cookies; and what tokens open."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Browser, async_playwright

from directory import signin
from kit.session import COOKIE
from tests.conftest import Run, Running, until
from tests.directory.test_signing_in import COORDINATOR, UNITS, take
from tests.lanes import skip_lane
from tests.oidc.conftest import Ahead
from tests.oidc.provider import API, LOCAL, PORT, SECRET, SITE, OpenId
from tests.signing import staff

STAFF = f"{SITE}/directory/v1/staff"


class Visit:
    """A person's browser, at our site and at the provider."""

    def __init__(self, running: Running, openid: OpenId) -> None:
        self.running = running
        self.openid = openid
        ours = httpx.ASGITransport(app=running.app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(mounts={SITE: ours}, trust_env=False, base_url=SITE)

    async def sign_in(self, login: str, acr: str = "", path: str = "/logga-in") -> httpx.Response:
        """Ask for a page, be led to the provider, prove who it is, and see where that leads."""
        left = await self.http.get(path)
        assert left.status_code == 303
        back = await self.openid.log_in(self.http, left.headers["location"], login, acr)
        return await self.http.get(back)

    @property
    def session(self) -> str | None:
        return self.http.cookies.get(COOKIE)

    async def staff_status(self, **headers: str) -> int:
        return (await self.http.get(STAFF, headers=headers)).status_code


@pytest.fixture
async def start(run: Run, openid: OpenId, ahead: Ahead, tmp_path: Path) -> Any:
    (tmp_path / "client.secret").write_text(f"{SECRET}\n")

    @asynccontextmanager
    async def started(**settings: Any) -> AsyncIterator[Running]:
        known = {
            "public_url": SITE,
            "oidc_issuer": openid.issuer,
            "oidc_client_id": "samtid",
            "oidc_client_secret_file": tmp_path / "client.secret",
            "oidc_identity_claim": "employeeHsaId",
            "oidc_audience": API,
        }
        async with run("directory", clock=ahead, **{**known, **settings}) as running:
            people = [staff("asa", COORDINATOR), staff("nils"), staff("samtid", {**COORDINATOR})]
            await take(running, tmp_path, **UNITS, staff=people)
            yield running

    return started


@pytest.fixture
async def directory(start: Any) -> AsyncIterator[Running]:
    async with start() as running:
        yield running


@pytest.fixture
async def visit(directory: Running, openid: OpenId) -> AsyncIterator[Visit]:
    made = Visit(directory, openid)
    async with made.http:
        yield made


async def test_whoever_the_provider_knows_is_led_to_the_page_that_was_asked_for(visit: Visit) -> None:
    answer = await visit.sign_in("asa", path="/logga-in?nasta=/arbetsvecka")
    assert (answer.status_code, answer.headers["location"]) == (303, "/arbetsvecka")
    assert await visit.staff_status() == 200
    # What was remembered on the way is forgotten.
    assert set(visit.http.cookies.keys()).isdisjoint({"__Host-inloggning"})
    assert (await visit.http.get("/logga-in")).headers["location"] == "/katalog"


async def test_cookies_are_for_this_site_and_for_no_script(visit: Visit) -> None:
    left = await visit.http.get("/logga-in")
    back = await visit.openid.log_in(visit.http, left.headers["location"], "asa")
    arrived = await visit.http.get(back)
    cookies = [*left.headers.get_list("set-cookie"), *arrived.headers.get_list("set-cookie")]
    assert [cookie.split("=")[0] for cookie in cookies] == ["__Host-inloggning", "__Host-samtid", "__Host-inloggning"]
    for cookie in cookies:
        assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
    assert all(answer.headers["cache-control"] == "no-store" for answer in (left, arrived))


@pytest.mark.parametrize("wanted", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example"])
async def test_signing_in_leads_to_no_other_site(visit: Visit, wanted: str) -> None:
    url = str(httpx.URL("/logga-in", params={"nasta": wanted}))
    assert (await visit.sign_in("asa", path=url)).headers["location"] == "/katalog"


async def test_who_begins_in_english_goes_on_in_english(visit: Visit) -> None:
    assert (await visit.sign_in("asa", path="/en/logga-in")).headers["location"] == "/en/katalog"


async def test_whoever_is_not_in_the_register_is_told_whom_to_ask_and_can_be_somebody_else(visit: Visit) -> None:
    answer = await visit.sign_in("okand")
    assert answer.status_code == 403
    assert "Du har ingen roll i Samtid" in answer.text
    assert "samordnare" in answer.text
    assert "SE-okand" in answer.text
    assert visit.session is None
    # Without being asked once more, the provider would only say the same again.
    assert "/logga-in?igen=1" in answer.text
    assert (await visit.sign_in("asa", path="/logga-in?igen=1")).headers["location"] == "/katalog"


async def test_whoever_has_no_role_yet_is_told_whom_to_ask(visit: Visit) -> None:
    answer = await visit.sign_in("nils")
    assert (answer.status_code, "Be din samordnare" in answer.text) == (200, True)
    assert await visit.staff_status() == 403


async def test_whoever_gives_up_can_begin_again(visit: Visit) -> None:
    answer = await visit.sign_in("", path="/en/logga-in")
    assert answer.status_code == 400
    assert "Signing in could not be completed" in answer.text
    assert visit.session is None
    assert (await visit.sign_in("asa")).status_code == 303


async def test_an_answer_that_this_browser_did_not_ask_for_signs_nobody_in(visit: Visit, openid: OpenId) -> None:
    stranger = Visit(visit.running, openid)
    async with stranger.http:
        left = await stranger.http.get("/logga-in")
        back = await openid.log_in(stranger.http, left.headers["location"], "asa")
    # Neither a browser that never left, nor one that left with something else in mind.
    assert (await visit.http.get(back)).status_code == 400
    await visit.http.get("/logga-in")
    assert (await visit.http.get(back)).status_code == 400
    assert visit.session is None


async def test_whoever_comes_back_too_late_begins_again(visit: Visit, ahead: Ahead) -> None:
    left = await visit.http.get("/logga-in")
    back = await visit.openid.log_in(visit.http, left.headers["location"], "asa")
    ahead.by = timedelta(minutes=16)
    assert (await visit.http.get(back)).status_code == 400


async def test_of_two_tabs_the_second_finds_the_person_signed_in(visit: Visit) -> None:
    first, second = [(await visit.http.get("/logga-in")).headers["location"] for _ in range(2)]
    assert (await visit.http.get(await visit.openid.log_in(visit.http, second, "asa"))).status_code == 303
    answer = await visit.http.get(await visit.openid.log_in(visit.http, first, "asa"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/katalog")


async def test_a_level_of_assurance_that_is_too_low_is_told(start: Any, openid: OpenId) -> None:
    async with start(oidc_acr="loa3") as running:
        visit = Visit(running, openid)
        async with visit.http:
            answer = await visit.sign_in("asa", acr="loa2")
            assert answer.status_code == 403
            assert "säkrare sätt" in answer.text
            assert visit.session is None
            assert (await visit.sign_in("asa", acr="loa3", path="/logga-in?igen=1")).status_code == 303


async def test_of_several_employers_the_one_that_is_set_names_the_person(start: Any, openid: OpenId) -> None:
    async with start(oidc_identity_claim="orgAffiliation", oidc_organisations="5566778899 9988776655") as running:
        visit = Visit(running, openid)
        async with visit.http:
            assert (await visit.sign_in("asa")).status_code == 303


async def test_signing_out_ends_the_session_here_and_at_the_provider(visit: Visit, ahead: Ahead) -> None:
    await visit.sign_in("asa")
    kept = visit.session
    ahead.by = timedelta(minutes=1)
    page = await visit.http.get("/logga-ut")
    assert page.headers["location"] == "/katalog"
    sessions = visit.running.runtime.sessions
    token = sessions.form_token(sessions.read(f"{COOKIE}={kept}", ahead()))
    answer = await visit.http.post("/logga-ut", data={"_csrf": token})
    assert answer.status_code == 200
    assert "Du är utloggad" in answer.text
    assert visit.session is None
    assert await visit.staff_status(Cookie=f"{COOKIE}={kept}") == 401

    there = await visit.http.get(answer.headers["refresh"].removeprefix("0; url="))
    back = await visit.openid.submit(visit.http, there, logout="yes")
    assert "Du är utloggad" in (await visit.http.get(back.headers["location"])).text
    # The provider asks again who it is: nobody fills in the form this time.
    assert (await visit.sign_in("")).status_code == 400


async def test_without_the_provider_nobody_signs_in_but_everybody_signs_out(visit: Visit, ahead: Ahead) -> None:
    await visit.sign_in("asa")
    # What the provider published an hour ago counts no longer.
    ahead.by = timedelta(minutes=20)
    assert await visit.staff_status() == 200
    visit.openid.stop()
    try:
        for minutes in (40, 61):
            ahead.by = timedelta(minutes=minutes)
            assert await visit.staff_status() == 200
        sessions = visit.running.runtime.sessions
        token = sessions.form_token(sessions.read(f"{COOKIE}={visit.session}", ahead()))
        answer = await visit.http.post("/logga-ut", data={"_csrf": token})
        assert (answer.status_code, "refresh" in answer.headers) == (200, False)
        answer = await visit.http.get("/logga-in")
        assert (answer.status_code, "Inloggningstjänsten svarar inte" in answer.text) == (503, True)
    finally:
        visit.openid.start()


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        skip_lane("browser", "there is no chromium on this machine")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield started
        await started.close()


class LeavesSignalsToPytest(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@pytest.mark.browser
async def test_a_real_browser_goes_there_and_back_and_out(start: Any, chromium: Browser, openid: OpenId) -> None:
    async with start(public_url=LOCAL) as running:
        server = LeavesSignalsToPytest(
            uvicorn.Config(running.app, port=PORT, lifespan="off", log_config=None, access_log=False)
        )
        serving = asyncio.create_task(server.serve())
        try:
            await until(lambda: asyncio.sleep(0, server.started))
            context = await chromium.new_context(base_url=LOCAL)
            context.set_default_timeout(15_000)
            page = await context.new_page()
            wrong: list[str] = []
            page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
            await page.goto("/en/logga-in?nasta=/static/nothing")
            assert page.url.startswith(openid.issuer)
            await page.fill("[name=login]", "nils")
            await page.click("button")
            await page.wait_for_url(f"{LOCAL}/en/static/nothing")

            await page.goto("/en/logga-in")
            assert "no role of yours leads to a page" in await page.inner_text("main")
            await page.click("text=Sign out")
            # By itself the page leads on to the provider, which asks, and then back.
            await page.wait_for_url(f"{openid.issuer}/**")
            await page.click("text=Yes, sign me out")
            await page.wait_for_url(f"{LOCAL}/logga-ut")
            assert "Du är utloggad" in await page.inner_text("main")
            assert wrong == []
            assert not [cookie for cookie in await context.cookies(LOCAL) if cookie["name"] == COOKIE]

            await page.goto("/logga-in")
            await page.fill("[name=login]", "okand")
            await page.click("button")
            await page.wait_for_url(f"{LOCAL}/logga-in/svar?*")
            assert "SE-okand" in await page.inner_text("main")
            found = await Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            await page.click("text=Logga in igen")
            await page.wait_for_url(f"{openid.issuer}/interaction/*")
            await context.close()
        finally:
            server.should_exit = True
            await serving


async def test_in_a_demo_with_a_provider_nobody_is_chosen(start: Any, openid: OpenId) -> None:
    async with start(environment="demo") as running:
        visit = Visit(running, openid)
        async with visit.http:
            assert (await visit.http.post("/logga-in/demo", data={"person": "asa"})).status_code == 404
            assert (await visit.http.get("/logga-in")).headers["location"].startswith(openid.issuer)


async def test_a_program_is_let_in_by_its_token(visit: Visit, ahead: Ahead) -> None:
    token = await visit.openid.access_token(visit.http)
    assert await visit.staff_status(Authorization=f"Bearer {token}") == 200
    other = await visit.openid.access_token(visit.http, client_id="other")
    assert await visit.staff_status(Authorization=f"Bearer {other}") == 401
    ahead.by = timedelta(hours=2)
    answer = await visit.http.get(STAFF, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["type"] == "urn:samtid:problem:not-signed-in"


async def test_a_token_that_is_not_good_is_not_made_up_for_by_a_session(visit: Visit) -> None:
    await visit.sign_in("asa")
    for said in ("Bearer forged", "bearer ", "Bearer a.b.c"):
        assert await visit.staff_status(Authorization=said) == 401
    assert await visit.staff_status() == 200


async def test_a_token_ends_with_the_sessions(visit: Visit, ahead: Ahead, tmp_path: Path) -> None:
    token = await visit.openid.access_token(visit.http)
    assert await visit.staff_status(Authorization=f"Bearer {token}") == 200
    await signin.end_sessions(visit.running.runtime, "samtid", ahead() + timedelta(seconds=2))
    assert await visit.staff_status(Authorization=f"Bearer {token}") == 401
    await take(visit.running, tmp_path, staff=[{**staff("samtid", COORDINATOR), "ended": True}])
    assert await visit.staff_status(Authorization=f"Bearer {token}") == 401
