"""Headers as clients, proxies and whoever means harm write them: on every route, and never a fault of ours."""

from collections import Counter

import pytest
from fastapi.routing import APIRoute

from tests.access.test_routes import every, filled
from tests.access.who import COMMON, WHO, Staff
from tests.conftest import Running
from tests.inputs.corpus import corpus
from tests.signing import form_token, session_of

HEADERS: list[tuple[bytes, bytes]] = [
    (name.encode(), value.encode()) for name, values in corpus("headers").items() for value in values
]
# What is asked of every route: one of each header at a time, all of them one after the other.
ROUNDS = max(len(values) for values in corpus("headers").values())


def in_round(number: int) -> list[tuple[bytes, bytes]]:
    """One value of each header that has so many, without those that say how long the body is."""
    named = corpus("headers").items()
    return [
        (name.encode(), values[number % len(values)].encode())
        for name, values in named
        if name not in ("content-length", "transfer-encoding", "content-type", "authorization", "host")
    ]


async def test_no_header_is_a_fault(service: tuple[str, Running], capsys: pytest.CaptureFixture[str]) -> None:
    name, running = service
    listed = {**COMMON, **WHO[name]}
    counted: Counter[int] = Counter()
    faults = []

    async def send(method: str, path: str, headers: list[tuple[bytes, bytes]], content: bytes) -> None:
        answer = await running.http.request(method, filled(path), headers=headers, content=content)
        counted[answer.status_code] += 1
        if answer.status_code >= 500:
            faults.append((method, path, headers, answer.status_code))

    for route in every(running.app.routes):
        for method in (route.methods - {"HEAD"}) if isinstance(route, APIRoute) else ():
            who = listed.get(f"{method} {route.path}") or listed[f"{method} {route.path.removeprefix(f'/{name}')}"]
            ours = session_of(running, who.roles[0]) if isinstance(who, Staff) else {}
            content = f"_csrf={form_token(running, ours)}".encode() if ours and method == "POST" else b""
            sent = [(b"cookie", ours["Cookie"].encode())] if ours else []
            form = [(b"content-type", b"application/x-www-form-urlencoded")]
            for number in range(ROUNDS):
                await send(method, route.path, [*sent, *form, *in_round(number)], content)
    for path in ("/booking/v1/bookings", "/logga-in", "/", "/boka/horby", f"/{name}/healthz", "/nowhere"):
        for header in HEADERS:
            for method in ("GET", "POST"):
                await send(method, path, [header], b"")
    told = dict(sorted(counted.items()))
    with capsys.disabled():
        print(f"\n{name}: {sum(told.values())} requests with {len(HEADERS)} headers, by status {told}")
    assert faults == []
