"""Access control from the outside, over HTTP, for every route of every service; an unlisted route fails."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi import Request
from fastapi.routing import APIRoute

from directory import events as directory_events
from directory import importing
from directory.rules.register import WEEKDAYS
from directory.tables import KINDS
from kit.app import runtime
from kit.web.pages import PAGE
from tests import infra
from tests.access.who import COMMON, ROLES, WHO, Open, Staff
from tests.booking import register
from tests.conftest import Clock, Run, Running, until
from tests.signing import form_token, session_of

OUTSIDERS = {401, 403}
SCOPES: dict[str, dict[str, str]] = {
    "advisor": {"unit": "familjestod"},
    "coordinator": {"unit": "familjestod"},
    "reviewer": {"unit": "familjestod"},
    "nurse": {"centre": "bvc-horby"},
    "operator": {},
}
GRANTS = {role: [{"role": role, **SCOPES[role]}] for role in ROLES}
PEOPLE = {**GRANTS, "nobody": []}
# What a path is filled with: well-formed, and known to nobody.
PATHS = {
    "slug": "horby",
    "offering": "foraldrasamtal",
    "entity_id": "nothing",
    "name": "style-0000000000.css",
    "kind": "offerings",
    "pool": "hoor-horby-eslov",
    "year": "2026",
}
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"
UNKNOWN_TOKEN = "A" * 43


def entities() -> list[Any]:
    return [
        *(entity for entity in register.basic() if entity is not register.OFFERING),
        register.OFFERING.model_copy(update={"municipalities": ["1267"], "units": {}}),
        *(
            directory_events.Staff(
                id=role,
                version=1,
                name=role.title(),
                identity=f"SE-{role}",
                advisor="maria-ek" if role == "advisor" else None,
                grants=[directory_events.Grant(**grant) for grant in grants],
            )
            for role, grants in PEOPLE.items()
        ),
    ]


@pytest.fixture(params=sorted(WHO))
async def service(
    request: pytest.FixtureRequest,
    run: Run,
    clock: Clock,
    secret_file: Path,
    nats_server: infra.NatsServer,
    tmp_path: Path,
) -> AsyncIterator[tuple[str, Running]]:
    """Each service in turn, as the demo runs it, with a member of staff for each role."""
    name = request.param
    settings: dict[str, Any] = {"environment": "demo"}
    if name == "booking":
        settings["manage_secret_file"] = secret_file
        await register.publish(nats_server.url, entities())
    if name == "notification":
        settings |= {"smtp_host": "127.0.0.1", "smtp_port": 9, "smtp_tls": "none", "mail_from": "S <s@example.se>"}
        settings |= {"sms_url": "http://127.0.0.1:9"}
    async with run(name, clock=clock, **settings) as running:
        await until(lambda: _ready(running, name))
        if name == "directory":
            await _import(running, tmp_path)
        yield name, running


async def _ready(running: Running, name: str) -> bool:
    return (await running.http.get(f"/{name}/readyz")).is_success


async def _import(running: Running, folder: Path) -> None:
    lists: dict[str, list[Any]] = {}
    for entity in entities():
        kind = next(k for k, event in KINDS.items() if event.data is type(entity))
        plain = entity.model_dump(mode="json", exclude={"version", "sessions_after"}, exclude_none=True)
        if kind == "schedules":
            for block in plain["weekly"]:
                block["weekday"] = WEEKDAYS[block["weekday"] - 1]
        lists.setdefault(kind, []).append(plain)
    file = folder / "register.yaml"
    file.write_text(yaml.safe_dump(lists, allow_unicode=True))
    await importing.import_files(running.runtime.engine, [file], running.runtime.clock())


def every(given: Any) -> Iterator[Any]:
    """Routes, those of included routers too, which FastAPI keeps as routers."""
    for route in given:
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield route
        else:
            yield from every(inner.routes)


def routes(running: Running, service: str) -> dict[str, tuple[str, str, bool]]:
    """`METHOD /path` as who.py has it → method, path, whether it is a page."""
    found = {}
    for route in every(running.app.routes):
        path = getattr(route, "path", "")
        for method in sorted(getattr(route, "methods", set()) - {"HEAD", "OPTIONS"}):
            common = path.removeprefix(f"/{service}")
            name = f"{method} {common if f'{method} {common}' in COMMON else path}"
            found[name] = (method, path, isinstance(route, APIRoute) and PAGE in route.tags)
    return found


def filled(path: str) -> str:
    def value(match: re.Match[str]) -> str:
        part = match[1]
        return PATHS.get(part, UNKNOWN_TOKEN if "token" in part or "secret" in part else UNKNOWN_ID)

    return re.sub(r"{([a-z_]+)(?::[a-z]+)?}", value, path)


async def ask(running: Running, method: str, path: str, headers: dict[str, str], *, page: bool) -> httpx.Response:
    if method in ("GET", "HEAD"):
        return await running.http.request(method, filled(path), headers=headers)
    if page:
        token = {"_csrf": form_token(running, headers)} if headers else {}
        return await running.http.request(method, filled(path), headers=headers, data=token)
    return await running.http.request(method, filled(path), headers=headers, json={})


def sent_to_sign_in(answer: httpx.Response) -> bool:
    return answer.status_code == 303 and "/logga-in" in answer.headers["location"]


async def test_each_route_lets_in_whom_it_should(service: tuple[str, Running]) -> None:
    name, running = service
    expected = {**COMMON, **WHO[name]}
    found = routes(running, name)
    assert set(found) - set(expected) == set(), "routes that tests/access/who.py does not list"
    assert set(expected) - set(found) == set(), "routes of tests/access/who.py that are no more"
    wrong = []
    for route, (method, path, page) in found.items():
        who = expected[route]
        stranger = await ask(running, method, path, {}, page=page)
        if isinstance(who, Open):
            if stranger.status_code in OUTSIDERS or stranger.status_code >= 500:
                wrong.append(f"{route}: a stranger got {stranger.status_code}")
            continue
        if not (stranger.status_code == 401 or (page and method == "GET" and sent_to_sign_in(stranger))):
            wrong.append(f"{route}: a stranger got {stranger.status_code}")
        assert running.runtime.people is not None
        for person, grants in PEOPLE.items():
            answer = await ask(running, method, path, session_of(running, person), page=page)
            may = not isinstance(who, Staff) or any(grant["role"] in who.roles for grant in grants)
            if may == (answer.status_code in OUTSIDERS) or answer.status_code >= 500:
                wrong.append(f"{route}: {person} got {answer.status_code}")
    assert wrong == []


async def test_what_only_staff_reach_is_done_as_their_role_and_all_else_as_the_publics(
    service: tuple[str, Running],
) -> None:
    name, running = service
    made = running.runtime
    wrong = []
    for route in every(running.app.routes):
        path = getattr(route, "path", "")
        for method in sorted(getattr(route, "methods", set()) - {"HEAD", "OPTIONS"}):
            who = {**COMMON, **WHO[name]}.get(f"{method} {path}")
            scope = {"type": "http", "app": running.app, "route": route}
            as_staff = await runtime(Request(scope)) is made
            if made.public and as_staff != isinstance(who, Staff):
                wrong.append((method, path, as_staff))
    assert wrong == []
    assert (made.public is not None) == (name == "booking")
    if made.public:
        assert made.engine.url.username == "booking"
        assert made.public.engine.url.username == "booking_public"


async def test_a_form_of_staff_without_its_token_is_refused(service: tuple[str, Running]) -> None:
    name, running = service
    refused = []
    for route, (method, path, page) in routes(running, name).items():
        who = {**COMMON, **WHO[name]}.get(route)
        if not page or method == "GET" or not isinstance(who, Staff):
            continue
        headers = session_of(running, who.roles[0])
        answer = await running.http.request(method, filled(path), headers=headers, data={"_csrf": "guessed"})
        refused.append((route, answer.status_code, "_csrf" in answer.text))
    assert [r for r in refused if r[1:] != (403, True)] == []


def told(answer: httpx.Response) -> tuple[int, dict[str, str]]:
    """Status and headers, without what is drawn anew for each answer."""
    return answer.status_code, {
        name: value.partition("?")[0] for name, value in answer.headers.items() if name != "set-cookie"
    }


async def test_head_answers_as_get_without_its_body(service: tuple[str, Running]) -> None:
    name, running = service
    wrong = []
    for route, (method, path, page) in routes(running, name).items():
        if method != "GET":
            continue
        who = {**COMMON, **WHO[name]}[route]
        for role in (None, *(who.roles if isinstance(who, Staff) else ())):
            headers = session_of(running, role) if role else {}
            headers |= {"accept": "text/html"} if page else {}
            # First: that somebody read the log is shown in it.
            head = await ask(running, "HEAD", path, headers, page=page)
            shown = await ask(running, "GET", path, headers, page=page)
            if told(head) != told(shown) or head.content or "content-length" not in head.headers:
                wrong.append((route, role, told(head), told(shown)))
    assert wrong == []
    nowhere = await running.http.head("/nowhere", headers={"accept": "text/html"})
    assert (nowhere.status_code, nowhere.content) == (404, b"")
