"""Addresses as people mistype them and programs guess them: a page that is none is said to be none, in the language of
its address; an API says what its contract says.
"""

import re
from collections import Counter
from typing import Any
from urllib.parse import quote

import pytest

from tests.access.test_routes import UNKNOWN_ID, UNKNOWN_TOKEN, filled, routes
from tests.access.who import COMMON, WHO, Staff
from tests.conftest import Running
from tests.signing import form_token, session_of

WRONG = (
    "abc",
    "x" * 300,
    "2026-13-45",
    f"{UNKNOWN_ID}0",
    UNKNOWN_TOKEN[:-30],
    "-1",
    "99999",
    "\0",
    "å ä",
    "<b>",
    "%",
    "..;",
)
TITLES = {"": ("sv", "Sidan finns inte"), "/en": ("en", "There is no such page")}


def mistyped(path: str, wrong: str) -> list[str]:
    """The address of a route with each of its parts in turn that can be anything."""
    parts = re.findall(r"{[a-z_]+}", path)
    return [filled(path.replace(part, quote(wrong, safe=""))) for part in parts]


async def test_a_mistyped_address_of_a_page_is_no_page(
    service: tuple[str, Running], capsys: pytest.CaptureFixture[str]
) -> None:
    name, running = service
    listed = {**COMMON, **WHO[name]}
    counted: Counter[int] = Counter()
    for route, (method, path, page) in routes(running, name).items():
        if not page:
            continue
        who = listed[route]
        ours = session_of(running, who.roles[0]) if isinstance(who, Staff) else {}
        for prefix, (language, title) in TITLES.items():
            for wrong in WRONG:
                for address in mistyped(path, wrong):
                    data: Any = {"_csrf": form_token(running, ours)} if ours and method == "POST" else None
                    answer = await running.http.request(method, prefix + address, headers=ours, data=data)
                    counted[answer.status_code] += 1
                    assert answer.status_code == 404, (method, address, answer.status_code)
                    assert (
                        f'<html lang="{language}"' in answer.text or "text/html" not in answer.headers["content-type"]
                    )
                    assert "<b>" not in answer.text
                    if wrong in ("abc", "-1") and "{booking}" in path:
                        assert title in answer.text, address
    with capsys.disabled():
        print(f"\n{name}: {counted.total()} mistyped addresses, by status {dict(counted)}")


async def test_the_api_answers_by_its_contract(service: tuple[str, Running]) -> None:
    name, running = service
    listed = {**COMMON, **WHO[name]}
    for route, (method, path, _) in routes(running, name).items():
        if f"/{name}/v1/" not in path or method != "GET":
            continue
        who = listed[route]
        ours = session_of(running, who.roles[0]) if isinstance(who, Staff) else {}
        for address in mistyped(path, "x" * 300):
            answer = await running.http.get(address, headers={**ours, "accept": "text/html"})
            assert answer.status_code in (404, 422), address
            assert answer.headers["content-type"] == "application/problem+json", address
