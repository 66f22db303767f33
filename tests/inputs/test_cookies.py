"""Cookies that others set for the same host or domain: banners, portals, and whoever means harm."""

from collections import Counter
from typing import Any

import pytest

from kit.session import COOKIE
from tests.access.test_routes import PEOPLE, filled, routes, sent_to_sign_in
from tests.access.who import COMMON, WHO, Staff
from tests.conftest import Running
from tests.inputs.corpus import corpus
from tests.kit.test_session import NOW, made, sent
from tests.signing import session_of

STRANGERS: list[str] = [*corpus("cookies"), f"big={'x' * 8000}", "; ".join(f"c{n}={n}" for n in range(400))]


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda text: ascii(text)[1:-1][:40])
def test_a_strangers_cookie_neither_ends_a_session_nor_makes_one(stranger: str) -> None:
    sessions = made()
    session = sessions.begin("maria-ek", None, NOW)
    ours = sent(sessions.cookie(session))
    for header in (f"{stranger}; {ours}", f"{ours}; {stranger}", f"{stranger};{ours};{stranger}"):
        assert sessions.read(header, NOW) == session
    assert sessions.read(stranger, NOW) is None


def bytes_of(cookie: str) -> bytes:
    """As browsers send it: in UTF-8."""
    return cookie.encode()


async def test_on_no_page_do_strangers_cookies_change_what_one_gets(
    service: tuple[str, Running], capsys: pytest.CaptureFixture[str]
) -> None:
    name, running = service
    listed = {**COMMON, **WHO[name]}
    asked: Counter[str] = Counter()
    every = "; ".join(STRANGERS)
    for route, (method, path, _) in routes(running, name).items():
        if method != "GET":
            continue
        who = listed[route]
        person = who.roles[0] if isinstance(who, Staff) else "nobody"
        assert person in PEOPLE
        ours = session_of(running, person)["Cookie"] if running.runtime.sessions else f"{COOKIE}=none"

        async def get(*cookies: bytes, path: str = path) -> Any:
            return await running.http.get(filled(path), headers=[(b"cookie", each) for each in cookies])

        plain = await get(ours.encode())
        for cookies in ([bytes_of(f"{every}; {ours}")], [bytes_of(every), ours.encode()]):
            beside = await get(*cookies)
            assert (beside.status_code, sent_to_sign_in(beside)) == (plain.status_code, sent_to_sign_in(plain)), route
            asked["beside our own"] += 1
        stranger, alone = await get(), await get(bytes_of(every))
        assert (alone.status_code, alone.headers.get("location")) == (
            stranger.status_code,
            stranger.headers.get("location"),
        ), route
        asked["alone"] += 1

    for path in ("/arbetsdag", "/katalog", "/logga-in", "/logga-ut", "/unknown"):
        ours = session_of(running, "operator")["Cookie"] if running.runtime.sessions else ""
        plain = await running.http.get(path, headers={"Cookie": ours, "Accept": "text/html"})
        for cookie in STRANGERS:
            headers = [(b"cookie", bytes_of(f"{cookie}; {ours}")), (b"accept", b"text/html")]
            beside = await running.http.get(path, headers=headers)
            assert beside.status_code == plain.status_code < 500, cookie
            assert beside.headers.get("location") == plain.headers.get("location"), cookie
            asked["each by itself"] += 1
    with capsys.disabled():
        print(f"\n{name}: {dict(asked)} requests; {len(STRANGERS)} cookies of strangers")
