"""Booking with two units that share an advisor, and who works there."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from directory import events as directory
from directory.events import Entity
from tests.booking import register
from tests.booking.conftest import ready
from tests.booking.test_journey import request_for
from tests.conftest import Clock, Knows, Run, Running, until
from tests.infra import NatsServer
from tests.signing import form_token, session_of

HORBY = directory.Unit(id="horby-stod", version=1, municipality="1266", name="Föräldrastöd", board="Socialnämnden")


def person(name: str, *units: str, role: str = "advisor", version: int = 1, **more: Any) -> directory.Staff:
    return directory.Staff(
        id=name,
        version=version,
        name=name.replace("-", " ").title(),
        identity=f"SE-{name}",
        grants=[directory.Grant(role=role, unit=unit) for unit in units],
        **more,
    )


MARIA = person("maria-ek", "familjestod", "horby-stod", advisor="maria-ek")
DARIUSH = person("dariush-rahimi", "familjestod", "horby-stod", advisor="advisor-1")


def entities() -> list[Entity]:
    offering = register.OFFERING.model_copy(
        update={"units": {**register.OFFERING.units, "1266": "horby-stod"}, "advisors": ["maria-ek", "advisor-1"]}
    )
    return [
        *register.MUNICIPALITIES,
        register.UNIT,
        HORBY,
        register.CENTRE,
        offering,
        register.advisor(),
        register.advisor(1),
        register.pool("maria-ek", "advisor-1"),
        register.schedule(),
        register.schedule("advisor-1"),
        MARIA,
        DARIUSH,
        person("asa", "familjestod", role="coordinator"),
        person("ny", "familjestod"),
    ]


@dataclass
class Work:
    """Booking at work, seen by its staff."""

    booking: Running
    clock: Clock
    nats_url: str

    async def family_books(self, start: str, municipality: str = "1266", **changes: Any) -> str:
        """A family books Maria's time that begins at a UTC instant, and its reference is given."""
        query = {"offering": "foraldrasamtal", "municipality": municipality, "advisor": "maria-ek", "limit": 500}
        answer = await self.booking.http.get("/booking/v1/slots", params=query)
        slot = next(s for s in answer.json()["items"] if s["start"] == start)
        body = request_for(slot, municipality=municipality, **changes)
        made = await self.booking.http.post("/booking/v1/bookings", json=body)
        assert made.status_code == 201, made.text
        self.manage_token = made.json()["manage_token"]
        return str(made.json()["reference"])

    async def id_of(self, reference: str) -> str:
        (row,) = await self.stored("select id from booking where reference = :r", r=reference)
        return str(row.id)

    async def get(self, path: str, who: str = "maria-ek", **query: Any) -> httpx.Response:
        return await self.booking.http.get(path, params=query or None, headers=session_of(self.booking, who))

    async def post(self, path: str, who: str = "maria-ek", **sent: str) -> httpx.Response:
        headers = session_of(self.booking, who)
        return await self.booking.http.post(
            path, data={"_csrf": form_token(self.booking, headers), **sent}, headers=headers
        )

    async def stored(self, sql: str, **values: Any) -> list[Any]:
        async with self.booking.admin.connect() as connection:
            return list(await connection.execute(text(sql), values))

    async def facts(self) -> list[dict[str, Any]]:
        """What was published of bookings, in order: type and data."""
        rows = await self.stored("select convert_from(payload, 'UTF8')::jsonb as event from outbox order by id")
        return [{"type": row.event["type"].split(".", 3)[3], **row.event["data"]} for row in rows]

    async def reads(self) -> list[Any]:
        return await self.stored("select staff, role, unit, what, why, booking from read_log order by id")

    async def learn(self, *changed: Entity) -> None:
        """Directory publishes newer state, and booking has read it."""
        await register.publish(self.nats_url, changed)
        for entity in changed:
            kind = type(entity).__name__.lower()

            async def known(kind: str = kind, entity: Entity = entity) -> Any:
                return await self.stored(
                    "select 1 from directory_copy where kind = :kind and id = :id and version >= :version",
                    kind=kind,
                    id=entity.id,
                    version=entity.version,
                )

            await until(known)


@pytest.fixture
async def work(
    run: Run,
    knows: Knows,
    nats_server: NatsServer,
    clock: Clock,
    secret_file: Path,
) -> AsyncIterator[Work]:
    known = await knows(entities())
    async with run("booking", clock=clock, manage_secret_file=secret_file, database_url=known) as booking:
        await until(lambda: ready(booking))
        yield Work(booking, clock, nats_server.url)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)
