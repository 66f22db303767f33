"""A service as an ASGI application: what all services start, answer and stop in the same way."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from nats.aio.client import Client
from nats.aio.msg import Msg
from opentelemetry.trace import StatusCode
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp, Receive, Scope, Send

from kit import access, database, ending, measuring, messaging, metrics, outbox, problems, readers, roles
from kit import inbox as inbox_table
from kit.door import Door
from kit.events import EventData, Read
from kit.faults import Faults
from kit.head import Head
from kit.health import Health
from kit.limits import Limits
from kit.messaging import Reads
from kit.oidc import Provider
from kit.outage import is_outage
from kit.outbox import Relay
from kit.readers import Reader
from kit.refusal import Refusal, TooManyRequests
from kit.session import Renewal, Sessions
from kit.settings import ApartSettings, Settings, StaffSettings
from kit.telemetry import ServerSpan
from kit.vault.store import Vault

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present instant, aware, in UTC. The only place that reads the clock; everything else is told the time."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Runtime:
    """What a running service holds: its settings, its database, its connection to NATS, and the time.

    `public` is the same with the database as whoever is not staff may use it, where that is a role of its own.
    """

    service: str
    settings: Any
    engine: AsyncEngine
    link: messaging.Link
    relay: Relay
    clock: Clock = utc_now
    limits: Limits | None = None
    sessions: Sessions | None = None
    people: access.Find | None = None
    provider: Provider | None = None
    vault: Vault | None = None
    public: "Runtime | None" = None

    @property
    def client(self) -> Client:
        """The client of the present connection to NATS, or of the last one."""
        return self.link.client


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
    """The dependency through which routes reach the running service: those that only staff reach as the role that sees
    families by their units, all others as the public's. Async: FastAPI runs plain ones in a thread.
    """
    made: Runtime = request.app.state.runtime
    return made.public if made.public and id(request.scope.get("route")) not in request.app.state.of_staff else made


async def staff_runtime(request: Request) -> Runtime:
    """The same for a route that knows staff by something else than that they signed in."""
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


# How soon it is noticed that the connection to NATS has ended.
LOOK_SECONDS = 0.5
# That a job waits for what is away is said once, and again where it did not for so long.
QUIET_SECONDS = 60
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
    measures: Sequence[measuring.Measure] = (),
    handled: Callable[[], None] = lambda: None,
    limits: Limits | None = None,
    people: access.Find | None = None,
    provider: Provider | None = None,
    vault: Callable[[], Vault] | None = None,
    clock: Clock = utc_now,
) -> FastAPI:
    """A FastAPI application with the service's routes, readers, answers and jobs.

    Jobs run until the service stops; one that raises is logged and started again after a second. `handled` is called
    after each event whose transaction was committed, so that a job need not wait for its next poll. `measures` set
    gauges of the service's own each ten seconds. `limits` are for what the public reaches; a service that has them has
    their tables. `people` finds the staff that may sign in, and `provider` says who somebody is. `vault` opens the key
    store of a service that keeps families' contacts.
    """
    measured = (measuring.events, *measures)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        logins = _logins(settings)
        engine, *public = engines = [database.engine(url, pool) for url, pool in logins]
        # Connected by a job: what a request needs is the database, and nobody waits for NATS.
        link = messaging.Link()
        sessions = settings.sessions if isinstance(settings, StaffSettings) else None
        keys = vault() if vault else None
        made = Runtime(
            service,
            settings,
            engine,
            link,
            Relay(service, engine, link),
            clock,
            limits,
            sessions,
            people,
            provider,
            keys,
        )
        made = replace(made, public=replace(made, engine=public[0]) if public else None)
        app.state.runtime = made
        reading = []
        for read in reads:
            assert inbox is not None, "a service that reads has an inbox"
            reading.append(Reader(link, read, engine, inbox, clock, handled))
        health = Health([database.engine(url, 1) for url, _ in logins], reading, keys, clock)
        app.state.health = health
        work: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("nats", lambda: _stay_connected(made, answers or {})),
            ("relay", made.relay.run),
            *((reader.reads.durable, reader.run) for reader in reading),
            ("tidy", lambda: _tidy(made, inbox)),
            ("metrics", lambda: measuring.run(made, measured)),
            *([("limits", lambda: limits.run(engine, roles.limits(service)))] if limits else []),
            *((job.__name__, lambda job=job: job(made)) for job in jobs),
        ]
        metrics.begin(
            service,
            jobs=[name for name, _ in work],
            readers=[read.durable for read in reads],
            limits=limits.most if limits else (),
            measures=[measure.__name__ for measure in measured],
            keys=keys is not None,
        )
        tasks = [asyncio.create_task(_supervise(service, *job), name=f"{service} {job[0]}") for job in work]
        # Each has begun before the first request, and has an end that is waited for.
        await asyncio.sleep(0)
        try:
            yield
        finally:
            await ending.end(tasks)
            await messaging.close(link.client)
            await health.close()
            # Once nobody uses it: what is closed under a job leaves the job's connection open.
            if keys:
                await keys.close()
            await asyncio.gather(*(each.dispose() for each in engines))

    app = FastAPI(
        title=title,
        version="1",
        lifespan=lifespan,
        # Starlette would lead to the host that the request names, whatever that is.
        redirect_slashes=False,
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
    app.state.of_staff = _of_staff(app)

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
        health: Health = request.app.state.health
        if why := await health.why_not():
            raise NotReady(reason=why)
        return {"status": "ready"}

    app.add_middleware(Head)
    app.add_middleware(Renewal)
    app.add_middleware(Door, limits=limits, clock=clock)
    app.add_middleware(LanguagePrefix)
    app.add_middleware(Faults, service=service)
    app.add_middleware(ServerSpan, service=service)
    return app


def _logins(settings: Settings) -> list[tuple[str, int]]:
    """With which URLs the service logs in to its database, its own first, and how many connections each may have."""
    own = (settings.database_url, settings.database_pool)
    if not isinstance(settings, ApartSettings):
        return [own]
    return [own, (settings.public_database_url, settings.public_database_pool)]


def _of_staff(app: FastAPI) -> frozenset[int]:
    """Which routes, by their identity, let nobody in who has not signed in."""
    routes = (route for route in app.router.routes if isinstance(route, APIRoute))
    return frozenset(id(route) for route in routes if access.asks_who(route.dependant))


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


async def _stay_connected(made: Runtime, answers: Mapping[str, Answer]) -> None:
    """Have a connection to NATS, a new one whenever it ended, and answer questions over it."""
    under_way: set[asyncio.Task[None]] = set()

    def begin(subject: str, answer: Answer) -> Callable[[Msg], Awaitable[None]]:
        async def reply(message: Msg) -> None:
            # In a task of its own: one that waits for the key store keeps no other from its answer.
            task = asyncio.create_task(_reply(made, subject, answer, message))
            under_way.add(task)
            task.add_done_callback(under_way.discard)

        return reply

    try:
        while True:
            await messaging.close(made.client)
            made.link.client = await messaging.connect(made.settings.nats_url, made.settings.nats_seed, made.service)
            for subject, answer in answers.items():
                await made.client.subscribe(subject, queue=made.service, cb=begin(subject, answer))
            while made.client.is_connected:
                await asyncio.sleep(LOOK_SECONDS)
    finally:
        await ending.finish(under_way)


async def _reply(made: Runtime, subject: str, answer: Answer, message: Msg) -> None:
    """Answer one question over NATS request/reply. Without an answer whoever asked tries again."""
    with readers.span(made.service, message) as span:
        try:
            given = await answer.give(made, answer.question.model_validate_json(message.data))
            await message.respond(given.model_dump_json().encode())
        except Exception as error:  # whoever asked sees no more than that no answer comes
            span.set_status(StatusCode.ERROR, type(error).__name__)
            metrics.question_failures.add(1, {metrics.SERVICE: made.service})
            log.warning("%s is not answered: %s", subject, type(error).__name__, exc_info=not is_outage(error))


async def _tidy(made: Runtime, inbox: Table | None) -> None:
    """Each hour, drop what outbox and inbox need no longer keep."""
    seconds = database.JOB_SECONDS
    while True:
        async with database.transaction(made.engine, role=roles.relay(made.service), seconds=seconds) as connection:
            await outbox.purge(connection, made.clock())
        if inbox is not None:
            async with database.begin(made.engine, role=roles.reader(made.service), seconds=seconds) as transaction:
                await inbox_table.purge(transaction, inbox, made.clock())
        await asyncio.sleep(3600)


async def _supervise(service: str, name: str, run: Callable[[], Awaitable[None]]) -> None:
    attributes = {metrics.SERVICE: service, metrics.JOB: name}
    waited = -math.inf
    while True:
        try:
            await run()
        except Exception as error:  # whatever it was, it is logged and the job goes on
            metrics.job_failures.add(1, attributes)
            if is_outage(error):
                if time.monotonic() - waited > QUIET_SECONDS:
                    log.warning("job %s of %s waits: %s", name, service, type(error).__name__)
                waited = time.monotonic()
            else:
                log.exception("job %s of %s failed", name, service)
            task = asyncio.current_task()
            if task is None or task.cancelling():
                # It failed in what it does at its end, and must not begin anew.
                return
        await asyncio.sleep(1)
