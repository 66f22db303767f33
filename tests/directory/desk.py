"""Members of staff at the pages of the demo's register, as they reach them over HTTP."""

import html
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from directory.tables import KINDS
from tests.conftest import Running
from tests.forms import typed
from tests.signing import session_of

DEMO = sorted((Path(__file__).parents[2] / "deploy" / "demo").glob("*.yaml"))
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
OPERATOR, COORDINATOR, ELSEWHERE = "ola-berg", "asa-wikstrom", "per-lindahl"


class Desk:
    """One member of staff at the pages of the register."""

    def __init__(self, running: Running, person: str, language: str = "sv") -> None:
        self.running = running
        self.headers = session_of(running, person)
        self.prefix = "/en" if language == "en" else ""

    async def get(self, path: str) -> httpx.Response:
        return await self.running.http.get(f"{self.prefix}/katalog{path}", headers=self.headers)

    async def page(self, path: str) -> str:
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        return html.unescape(answer.text)

    async def form(self, path: str) -> dict[str, str]:
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        return typed(answer.text)

    async def post(self, path: str, sent: dict[str, str]) -> httpx.Response:
        return await self.running.http.post(f"{self.prefix}/katalog{path}", headers=self.headers, data=sent)

    async def save(self, path: str, **changes: str | None) -> httpx.Response:
        """Open a form, type the changes (None takes a tick away), and save."""
        sent = {**await self.form(path), **{name.replace("__", "."): v for name, v in changes.items()}}
        return await self.post(path, {name: value for name, value in sent.items() if value is not None})


async def stored(directory: Running, plural: str, entity_id: str) -> dict[str, Any]:
    headers = session_of(directory, OPERATOR)
    answer = await directory.http.get(f"/directory/v1/{plural}/{entity_id}", headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def everything(directory: Running) -> dict[str, Any]:
    headers = session_of(directory, OPERATOR)
    found = {}
    for plural in KINDS:
        answer = await directory.http.get(f"/directory/v1/{plural}", params={"limit": 500}, headers=headers)
        found[plural] = answer.json()["items"]
    return found


def led_to(answer: httpx.Response) -> str:
    assert answer.status_code == 303, html.unescape(answer.text)
    return answer.headers["location"]
