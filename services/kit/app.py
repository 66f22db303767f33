"""A service as an ASGI application: what all services start, answer and stop in the same way."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import nats.errors
import nats.js.errors
from fastapi import APIRouter, FastAPI, Request
from faststream.nats import NatsMessage
from nats.aio.client import Client
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Table, exists, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp, Receive, Scope, Send

from kit import access, database, messaging, outbox, problems, roles
from kit import inbox as inbox_table
from kit.door import Door
from kit.events import EventData, Read
from kit.limits import Limits
from kit.messaging import Reads
from kit.oidc import Provider
from kit.outbox import Relay
from kit.refusal import Refusal, TooManyRequests
from kit.session import Renewal, Sessions
from kit.settings import Settings, StaffSettings
from kit.telemetry import ServerSpan
from kit.vault.store import Vault

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present instant, aware, in UTC. The only place that reads the clock; everything else is told the time."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Runtime:
    """What a running service holds: its settings, its database, its connection to NATS, and the time."""

    service: str
    settings: Any
    engine: AsyncEngine
    client: Client
    relay: Relay
    clock: Clock = utc_now
    limits: Limits | None = None
    sessions: Sessions | None = None
    people: access.Find | None = None
    provider: Provider | None = None
    vault: Vault | None = None


Job = Callable[[Runtime], Awaitable[None]]


@dataclass(frozen=True)
class Answer:
    """How a question over NATS request/reply is answered. The models are its contract: contracts/asyncapi/ shows them.

    `give(runtime, question)` returns one of `answers`.
    """

    question: type[Read]
    answers: tuple[type[EventData], ...]
    give: Callable[[Runtime, Any], Awaitable[EventData]]


async def runtime(request: Request) -> Runtime:
    """The dependency through which routes reach the running service. Async: FastAPI runs plain ones in a thread."""
    made: Runtime = request.app.state.runtime
    return made


class ApiInfo(BaseModel):
    """What DIGG's REST profile asks every API to say of itself."""

    model_config = ConfigDict(populate_by_name=True)

    name: str = Field(serialization_alias="apiName")
    version: str = Field(serialization_alias="apiVersion")
    released: date = Field(serialization_alias="apiReleased")
    documentation: str = Field(serialization_alias="apiDocumentation")
    status: str = Field(serialization_alias="apiStatus")


RELEASED = date(2026, 11, 22)


class NotReady(Refusal):
    status = 503
    code = "not-ready"
    sv = ("Tjänsten är inte redo", "Försök igen om en stund.")
    en = ("The service is not ready", "Try again in a moment.")


def create(
    service: str,
    settings: Settings,
    *,
    title: str,
    routers: Sequence[APIRouter] = (),
    inbox: Table | None = None,
    reads: Sequence[Reads] = (),
    answers: Mapping[str, Answer] | None = None,
    jobs: Sequence[Job] = (),
    handled: Callable[[], None] = lambda: None,
    limits: Limits | None = None,
    people: access.Find | None = None,
    provider: Provider | None = None,
    vault: Callable[[], Vault] | None = None,
    clock: Clock = utc_now,
) -> FastAPI:
    """A FastAPI application with the service's routes, readers, answers and jobs.

    Jobs run until the service stops; one that raises is logged and started again after a second. `handled` is called
    after each event whose transaction was committed, so that a job need not wait for its next poll. `limits` are for
    what the public reaches; a service that has them has their tables. `people` finds the staff that may sign in,
    and `provider` says who somebody is. `vault` opens the key store of a service that keeps families' contacts.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engine = database.engine(settings.database_url, settings.database_pool)
        client = await messaging.connect(settings.nats_url, settings.nats_seed, service)
        relay = Relay(service, engine, client)
        sessions = settings.sessions if isinstance(settings, StaffSettings) else None
        keys = vault() if vault else None
        made = Runtime(service, settings, engine, client, relay, clock, limits, sessions, people, provider, keys)
        app.state.runtime = made
        broker = messaging.broker(settings.nats_url, settings.nats_seed, service, client)
        for read in reads:
            assert inbox is not None, "a service that reads has an inbox"
            if read.stream == "STATE" and await _is_new(engine, inbox, read):
                await messaging.replay(client, read)
            messaging.subscribe(broker, read, engine, inbox, clock, handled)
        for subject, answer in (answers or {}).items():
            _answer(broker, subject, answer, made)
        await broker.start()
        app.state.caught_up = False
        work: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("relay", made.relay.run),
            ("watch", lambda: messaging.watch(client, reads)),
            ("tidy", lambda: _tidy(made, inbox)),
            *([("limits", lambda: limits.run(engine, roles.limits(service)))] if limits else []),
            *((job.__name__, lambda job=job: job(made)) for job in jobs),
        ]
        tasks = [asyncio.create_task(_supervise(name, run), name=f"{service} {name}") for name, run in work]
        try:
            yield
        finally:
            await broker.stop()
            await _end(tasks)
            await client.close()
            await engine.dispose()

    app = FastAPI(
        title=title,
        version="1",
        lifespan=lifespan,
        openapi_url=f"/{service}/openapi.json",
        docs_url=None,
        redoc_url=None,
        # FastAPI's own spans and logs repeat raw paths, which hold manage links, and what was sent.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    problems.install(app)
    # The routers' own routes are served: to include a router works out anew, for each application and while its first
    # request waits, all that each route depends on. The document needs that, and few ask for it.
    described = FastAPI(
        title=title,
        version=app.version,
        responses=problems.responses(TooManyRequests, validated=False) if limits else None,
    )
    app.openapi = described.openapi  # type: ignore[method-assign]
    for router in routers:
        app.router.routes.extend(router.routes)
        described.include_router(router)

    @described.get(f"/{service}/v1/api-info")
    @app.get(f"/{service}/v1/api-info")
    async def api_info() -> ApiInfo:
        """Name, version, status and documentation of this API."""
        return ApiInfo(
            name=title,
            version="1.0.0",
            released=RELEASED,
            documentation=f"{settings.public_url}/{service}/openapi.json",
            status="active",
        )

    @app.get(f"/{service}/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get(f"/{service}/readyz", include_in_schema=False)
    async def readyz(request: Request) -> dict[str, str]:
        await _ready(request.app, await runtime(request), reads)
        return {"status": "ready"}

    app.add_middleware(Renewal)
    app.add_middleware(Door, limits=limits, clock=clock)
    app.add_middleware(LanguagePrefix)
    app.add_middleware(ServerSpan, service=service)
    return app


class LanguagePrefix:
    """`/en/…` is the English page of `/…`: the prefix is taken off and remembered."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["path"] == "/en" or scope["path"].startswith("/en/")):
            path = scope["path"][3:] or "/"
            # In place: the span and the answer to a fault, made outside, look for the route in this same scope.
            scope.update({"path": path, "raw_path": path.encode(), "samtid.language": "en"})
        await self.app(scope, receive, send)


async def _is_new(engine: AsyncEngine, inbox: Table, read: Reads) -> bool:
    """Whether this database has never heard of what `read` brings."""
    async with database.begin(engine, role=roles.reader(read.service)) as connection:
        seen = await connection.scalar(select(exists().where(inbox.c.consumer == read.durable)))
    return not seen


def _answer(broker: Any, subject: str, answer: Answer, made: Runtime) -> None:
    """Answer one question over NATS request/reply, one of the service's processes at a time."""

    @broker.subscriber(subject, queue=made.service)  # type: ignore[untyped-decorator]
    async def reply(message: NatsMessage) -> bytes:
        given = await answer.give(made, answer.question.model_validate_json(message.body))
        return given.model_dump_json().encode()


async def _tidy(made: Runtime, inbox: Table | None) -> None:
    """Each hour, drop what outbox and inbox need no longer keep."""
    while True:
        async with database.transaction(made.engine, role=roles.relay(made.service)) as connection:
            await outbox.purge(connection, made.clock())
        if inbox is not None:
            async with database.begin(made.engine, role=roles.reader(made.service)) as transaction:
                await inbox_table.purge(transaction, inbox, made.clock())
        await asyncio.sleep(3600)


async def _end(tasks: Collection["asyncio.Task[None]"]) -> None:
    """Cancel jobs until they have ended: one may lose a cancellation that comes together with what it waited for."""
    while tasks:
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=1)


async def _supervise(name: str, run: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await run()
        except Exception:  # whatever it was, it is logged and the job goes on
            log.exception("job %s failed", name)
            task = asyncio.current_task()
            if task is None or task.cancelling():
                # It failed in what it does at its end, and must not begin anew.
                return
        await asyncio.sleep(1)


async def _ready(app: FastAPI, made: Runtime, reads: Sequence[Reads]) -> None:
    """Raise NotReady until database, NATS and consumers are there and all state has been read once."""
    try:
        async with made.engine.connect() as connection:
            await connection.execute(text("select 1"))
        waiting = [await messaging.pending(made.client, read) for read in reads]
    except (OSError, SQLAlchemyError, nats.errors.Error, nats.js.errors.Error, TimeoutError) as error:
        log.warning("not ready: %s", type(error).__name__)
        raise NotReady from error
    behind = sum(n for n, read in zip(waiting, reads, strict=True) if read.stream == "STATE")
    if behind and not app.state.caught_up:
        raise NotReady(waiting_for=f"{behind} state messages")
    app.state.caught_up = True
