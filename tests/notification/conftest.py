"""Notification beside what it talks to: a real NATS with an answerer in booking's place, and a real catcher."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import uvicorn
from nats.aio.client import Client
from nats.aio.msg import Msg
from opentelemetry import propagate
from sqlalchemy import select, text

from booking import events
from deploy.catcher import Catcher, Caught, create_catcher
from kit.events import EventType
from tests import infra
from tests.conftest import Run, Running, until

BOOKED_AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
START = datetime(2026, 3, 30, 7, 0, tzinfo=UTC)
SUBJECT = "query.booking.contact"
CODES = "query.booking.code"

CANARIES = ("Kanariefågel", "kanarie@example.se", "+46701234567", "hemlig-lank", "K7QX3MPD")


def answer(sequence: int = 0, **changed: Any) -> dict[str, Any]:
    """What booking answers about a booking at `sequence`."""
    start: datetime = changed.pop("start", START)
    return {
        "found": True,
        "status": "confirmed",
        "sequence": sequence,
        "reference": "K7QX3MPD",
        "name": "Kanariefågel",
        "email": "kanarie@example.se",
        "phone": "+46701234567",
        "language": "sv",
        "manage_url": "https://samtid.example/bokning/hemlig-lank",
        "start": start.isoformat().replace("+00:00", "Z"),
        "end": (start + timedelta(minutes=45)).isoformat().replace("+00:00", "Z"),
        "zone": "Europe/Stockholm",
        "offering": "Föräldrasamtal",
        "advisor": "Maria Ek",
        "modality": "visit",
        "place": "BVC Hörby, Vårdvägen 1, Hörby",
        "municipality": "Hörby",
        "help_phone": "+46415378000",
        "a_field_of_tomorrow": True,
        **changed,
    }


def code_answer(**changed: Any) -> dict[str, Any]:
    """What booking answers about a code."""
    return {
        "found": True,
        "code": "093271",
        "to": "+46701234567",
        "municipality": "Hörby",
        "help_phone": "+46415378000",
        "expires_at": (BOOKED_AT + timedelta(minutes=10)).isoformat(),
        "a_field_of_tomorrow": True,
        **changed,
    }


def protected_answer(sequence: int = 0, **changed: Any) -> dict[str, Any]:
    """What booking answers about a booking of a family of protected identity."""
    told = ("found", "status", "sequence", "email", "phone", "language", "help_phone", "a_field_of_tomorrow")
    known = answer(sequence)
    return {**{name: known[name] for name in told}, "protected": True, "over": False, **changed}


class FakeTime:
    """The time that a service believes in."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Booking:
    """Stands in booking's place at the wire: publishes its facts and answers its one question."""

    client: Client
    answers: dict[UUID, dict[str, Any] | bytes | None] = field(default_factory=dict)
    asked: list[Msg] = field(default_factory=list)

    async def reply(self, message: Msg) -> None:
        self.asked.append(message)
        asked = json.loads(message.data)
        found = self.answers.get(UUID(asked.get("booking") or asked["proof"]), {"found": False})
        if found is not None:
            await message.respond(found if isinstance(found, bytes) else json.dumps(found).encode())

    async def publish(
        self,
        kind: EventType,
        booking: UUID,
        sequence: int = 0,
        *,
        start: datetime = START,
        at: datetime = BOOKED_AT,
        event_id: UUID | None = None,
    ) -> bytes:
        """Publish a fact within the current span; the event's bytes."""
        body = fact(kind, booking, sequence, start=start, at=at, event_id=event_id)
        headers: dict[str, Any] = {}
        propagate.inject(headers)
        await self.client.jetstream().publish(kind.subject(""), body, stream="EVENTS", headers=headers)
        return body

    async def ask_for_code(
        self,
        proof: UUID,
        kind: EventType = events.PROOF_ASKED,
        *,
        channel: str = "sms",
        language: str = "sv",
        minutes: int = 10,
    ) -> None:
        """Publish that somebody asked for a code at `BOOKED_AT`, or that a contact was changed then."""
        expires = BOOKED_AT + timedelta(minutes=minutes)
        data = kind.data(proof=proof, channel=channel, language=language, expires_at=expires)
        body = kind.encode(event_id=uuid4(), entity_id=str(proof), data=data, now=BOOKED_AT)
        await self.client.jetstream().publish(kind.subject(""), body, stream="EVENTS")

    async def ask_to_resend(self, message: UUID, version: int) -> None:
        """Publish that staff want a message sent again that they saw at `version`."""
        kind = events.MESSAGE_RESEND_REQUESTED
        data = kind.data(message=message, version=version, booking=uuid4())
        body = kind.encode(event_id=uuid4(), entity_id=str(message), data=data, now=BOOKED_AT)
        await self.client.jetstream().publish(kind.subject(""), body, stream="EVENTS")


def fact(
    kind: EventType,
    booking: UUID,
    sequence: int = 0,
    *,
    start: datetime = START,
    at: datetime = BOOKED_AT,
    event_id: UUID | None = None,
) -> bytes:
    """The bytes of an event of booking's."""
    more: dict[str, Any] = {}
    if kind is events.RESCHEDULED:
        more["previous_start"] = START
    if kind is events.CANCELLED:
        more.update(late=False, by="family")
    data = kind.data(
        booking=booking,
        sequence=sequence,
        offering="foraldrasamtal",
        municipality="1266",
        advisor="maria-ek",
        modality="visit",
        place="bvc-horby",
        start=start,
        end=start + timedelta(minutes=45),
        zone="Europe/Stockholm",
        **more,
    )
    return kind.encode(event_id=event_id or uuid4(), entity_id=str(booking), data=data, now=at)


@pytest.fixture
async def booking(nats_server: infra.NatsServer, run: Run) -> AsyncIterator[Booking]:
    client = await infra.connect(nats_server, "booking")
    made = Booking(client)
    await client.subscribe(SUBJECT, cb=made.reply)
    await client.subscribe(CODES, cb=made.reply)
    await client.flush()
    yield made
    await client.close()


@dataclass
class Outside:
    """The world that messages go to."""

    catcher: Catcher
    settings: dict[str, Any]

    @property
    def caught(self) -> list[Caught]:
        return list(self.catcher.messages)


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    catcher = create_catcher()
    await catcher.start()
    config = uvicorn.Config(catcher.app, host="127.0.0.1", port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await until(started)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Outside(
        catcher,
        {
            "smtp_host": "127.0.0.1",
            "smtp_port": catcher.port,
            "smtp_tls": "none",
            "mail_from": "Samtid <svara-inte@samtid.example>",
            "sms_url": f"http://127.0.0.1:{port}/demo/sms",
            "public_url": "https://samtid.example",
        },
    )
    server.should_exit = True
    await serving
    await catcher.stop()


Notification = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
def notification(run: Run, outside: Outside) -> Notification:
    """`async with notification(clock=...) as running:`, with settings that point at the catcher."""

    @asynccontextmanager
    async def start(**changed: Any) -> AsyncIterator[Running]:
        async with run("notification", **{"clock": FakeTime(BOOKED_AT), **outside.settings, **changed}) as running:
            yield running

    return start


async def rows(running: Running, booking: UUID) -> dict[tuple[int, str], Any]:
    """The messages of a booking, by sequence and kind."""
    from notification.tables import message_table

    async with running.admin.connect() as connection:
        found = await connection.execute(select(message_table).where(message_table.c.booking == booking))
        return {(row.sequence, row.kind): row for row in found}


async def everything_stored(running: Running) -> str:
    """All that the service's database holds, as text."""
    async with running.admin.connect() as connection:
        names = await connection.scalars(text("select tablename from pg_tables where schemaname = 'public'"))
        parts = [
            str((await connection.execute(text(f"select string_agg(t::text, ' ') from {name} t"))).scalar())
            for name in names.all()
        ]
        payloads = await connection.scalars(text("select convert_from(payload, 'utf8') from outbox"))
        return " ".join([*parts, *payloads.all()])
