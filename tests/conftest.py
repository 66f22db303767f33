"""What all tests share: real PostgreSQL and real NATS, from containers or from wheels, chosen loudly.

SAMTID_TEST_INFRA is `auto` (containers where an engine and the images are there, else wheels), `docker` (fail hard
without an engine) or `embedded`.
"""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import nats
import pytest
from fastapi import FastAPI
from nats.aio.client import Client
from opentelemetry import metrics
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

import kit.metrics
from booking.roles import PUBLIC, SWEEP
from booking.sharing import service as sharing
from deploy import installation
from directory.events import Entity
from kit import database, messaging, migrations, roles
from tests import infra, turns
from tests.booking import register
from tests.booking.granted import reads_at

SERVICES = ("directory", "booking", "consent", "notification")
# What all servers of a process together write at a time, with much to spare.
MEMORY_BYTES = 2_000_000_000


def pytest_configure(config: pytest.Config) -> None:
    config.stash[infra.KEY] = infra.choose()
    # The reaper is one more image to have; the fixtures stop their containers themselves.
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    # A run that is told to end (`timeout`, CI) ends as after Ctrl-C: its servers and their files go with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    turns.begin(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    turns.end(config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with turns.taken(alone=item.get_closest_marker("alone") is not None):
        return (yield)


def pytest_report_header(config: pytest.Config) -> str:
    return "infrastructure: {} ({})".format(*config.stash[infra.KEY])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    terminalreporter.write_line("infrastructure used: {} ({})".format(*config.stash[infra.KEY]))


@pytest.fixture(scope="session")
def infra_kind(pytestconfig: pytest.Config) -> str:
    return pytestconfig.stash[infra.KEY][0]


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder whose parents the unprivileged user of PostgreSQL may pass through (pytest's own may not)."""
    with tempfile.TemporaryDirectory(prefix="samtid-test-") as made:
        Path(made).chmod(0o755)
        (Path(made) / "master.key").write_text("5a" * 32)
        (Path(made) / "session.key").write_text("a secret that all services of this test run know")
        yield Path(made)


@pytest.fixture(scope="session")
def memory() -> Iterator[Path]:
    """As `folder`, for what servers write: in memory where there is room; disks are slow to make many small files."""
    room = Path("/dev/shm")  # noqa: S108 - the kernel's own name for it
    roomy = room.is_dir() and shutil.disk_usage(room).free > MEMORY_BYTES
    with tempfile.TemporaryDirectory(prefix="samtid-test-", dir=room if roomy else None) as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture(scope="session")
def postgres(infra_kind: str, memory: Path) -> Iterator[str]:
    """The superuser's URL without a database: `postgresql://postgres@127.0.0.1:5432`."""
    with infra.postgres_server(infra_kind, memory / "postgres") as url:
        yield url


@pytest.fixture(scope="session")
def nats_keys(folder: Path) -> Path:
    """The keys of NATS's users, the same on all its servers."""
    installation.make_keys(folder / "keys")
    return folder / "keys"


@pytest.fixture
def nats_server(infra_kind: str, memory: Path, nats_keys: Path) -> Iterator[infra.NatsServer]:
    """A NATS server of this test's own, empty; the test may kill and start it.

    Services are in their accounts. A test that connects without a seed may do everything where the streams are, and
    asks and answers nothing.
    """
    storage = memory / f"nats-{uuid4().hex}"
    with infra.nats_server(infra_kind, storage, nats_keys) as server:
        yield server
    shutil.rmtree(storage, ignore_errors=True)


@pytest.fixture
async def streams(nats_server: infra.NatsServer) -> AsyncIterator[Client]:
    """A connection that may do everything where the streams are."""
    client = await nats.connect(nats_server.url)
    yield client
    await client.close()


Databases = Callable[..., Awaitable[str]]
# The URL of the same database as another role: `as_role(url, "booking_owner")`; without a role as the superuser, who
# sees what the service does not.
AsRole = Callable[..., str]
# Of every role that logs in: the servers of tests are reached from this machine alone.
PASSWORD = "of-tests"


@pytest.fixture(scope="session")
def as_role(postgres: str) -> AsRole:
    def change(database_url: str, role: str | None = None) -> str:
        url = make_url(f"{postgres}/{make_url(database_url).database}")
        if role:
            url = url.set(username=role, password=PASSWORD)
        return url.render_as_string(hide_password=False)

    return change


def as_public(database_url: str) -> str:
    """The URL of booking's database, wherever it is reached, as the role of what is open to all."""
    return make_url(database_url).set(username=PUBLIC, password=PASSWORD).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
async def admin(postgres: str) -> AsyncIterator[asyncpg.Connection]:
    """The superuser's connection, which makes and drops databases, on a server that has an installation's roles."""
    connection = await until(lambda: _connect(f"{postgres}/postgres"))
    await installation.make_roles(connection, dict.fromkeys(installation.logins(), PASSWORD))
    yield connection
    await connection.close()


@pytest.fixture
async def new_database(lasting_database: Databases, admin: asyncpg.Connection) -> AsyncIterator[Databases]:
    """`await new_database("booking")`: a new, empty database, made by the service's real migrations as its owner.

    Or a copy of the one that `like` is the URL of, to which nobody may be connected.

    The URL is of the role that serves: it owns nothing, and sees what policies show it. It is dropped after the test.
    """
    made: list[str] = []

    async def make(service: str, like: str | None = None) -> str:
        made.append(await lasting_database(service, like))
        return made[-1]

    yield make
    for url in made:
        await admin.execute(f"drop database {url.rsplit('/', 1)[1]} with (force)")


@pytest.fixture(scope="session")
def lasting_database(postgres: str, as_role: AsRole, admin: asyncpg.Connection) -> Databases:
    """As `new_database`, but it lasts until the end of the run: for what several tests share."""
    templates: dict[str, str] = {}
    lock = asyncio.Lock()

    async def make(service: str, like: str | None = None) -> str:
        async with lock:
            if service not in templates:
                template = f"template_{service}"
                await installation.make_database(admin, service, template)
                as_owner = as_role(f"{postgres}/{template}", roles.owner(service))
                await asyncio.to_thread(migrations.upgrade, service, as_owner)
                templates[service] = template
            name = f"{service}_{uuid4().hex[:12]}"
            template = make_url(like).database if like else templates[service]
            # To copy files is faster than to log every page where nothing waits for a disk.
            await admin.execute(
                f"create database {name} owner {roles.owner(service)} template {template} strategy file_copy"
            )
            return as_role(f"{postgres}/{name}", service)

    return make


async def _connect(url: str) -> asyncpg.Connection | None:
    """A connection, or None while the server is still starting."""
    try:
        return await asyncpg.connect(url)
    except (OSError, asyncpg.CannotConnectNowError):
        return None


@pytest.fixture(scope="session")
async def vault_url(lasting_database: Databases) -> str:
    """The store of families' keys, one for all: whoever starts booking anew on its database finds its keys."""
    return await lasting_database(roles.VAULT)


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    """When the tests of booking begin."""
    return Clock(register.NOW)


@pytest.fixture(scope="session")
def secret_file(folder: Path) -> Path:
    """What booking makes its manage links with."""
    path = folder / "manage-secret"
    path.write_text("a secret that only this test run knows")
    return path


@dataclass
class Running:
    """A service that runs in this process, with its own database, and a client that talks HTTP to it.

    `admin` is the superuser's engine, for tests that look at what is stored, or change it; `admin_url` is its URL.
    """

    app: FastAPI
    http: httpx.AsyncClient
    database_url: str
    admin_url: str
    admin: AsyncEngine

    @property
    def runtime(self) -> Any:
        return self.app.state.runtime

    async def nats(self) -> Client:
        """The service's own connection to NATS, once it is there."""

        async def connected() -> Client | None:
            client: Client = self.runtime.client
            return client if client.is_connected else None

        found: Client = await until(connected)
        return found


Run = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
async def run(
    nats_server: infra.NatsServer, new_database: Databases, as_role: AsRole, folder: Path, vault_url: str
) -> Run:
    """`async with run("booking", clock=...) as booking:` starts a service on real PostgreSQL and real NATS.

    Keyword arguments: `clock` (the time that the service believes in), `database_url` (one that exists already), and
    any setting of the service.
    """
    client = await nats.connect(nats_server.url)
    reads = [r for service in SERVICES for r in getattr(import_module(f"{service}.app"), "READS", ())]
    await messaging.provision(client, reads)
    await client.close()

    @asynccontextmanager
    async def start(
        service: str, *, clock: Any = None, database_url: str | None = None, **settings: Any
    ) -> AsyncIterator[Running]:
        database_url = database_url or await new_database(service)
        # All requests of a test come from one address, and most tests make more of them than one reader does.
        bounds = (
            "reads_per_minute",
            "writes_per_minute",
            "guesses_per_minute",
            "bookings_per_hour",
            "bookings_ahead",
            "unproved_bookings",
            "codes_per_hour",
        )
        free = dict.fromkeys(bounds, 1_000_000)
        seed = installation.seed_file(nats_server.keys, service)
        settings = {
            "environment": "test",
            "public_url": "http://samtid.test",
            "nats_seed_file": seed,
            **free,
            **settings,
        }
        made_of = import_module(f"{service}.settings").Settings
        if "session_key_file" in made_of.model_fields:
            settings = {"session_key_file": folder / "session.key", **settings}
        if "vault_url" in made_of.model_fields:
            settings = {"vault_url": vault_url, "master_key_file": folder / "master.key", **settings}
        if "public_database_url" in made_of.model_fields:
            settings = {"public_database_url": as_public(database_url), **settings}
        made = made_of(database_url=database_url, **{"nats_url": nats_server.url, **settings})
        app = import_module(f"{service}.app").create_app(made, **({"clock": clock} if clock else {}))
        admin = database.engine(as_role(database_url), 3)
        try:
            if clock and service == "booking":
                await reads_at(admin, clock())
            async with app.router.lifespan_context(app):
                transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
                async with httpx.AsyncClient(transport=transport, base_url="http://samtid.test") as http:
                    yield Running(app, http, database_url, as_role(database_url), admin)
        finally:
            await admin.dispose()

    return start


Knows = Callable[[Sequence[Entity]], Awaitable[str]]


@pytest.fixture(scope="session")
def known_registers() -> dict[str, str]:
    """Databases of booking, each with a register that it has read, by what that holds."""
    return {}


@pytest.fixture
def knows(
    run: Run,
    nats_server: infra.NatsServer,
    lasting_database: Databases,
    new_database: Databases,
    known_registers: dict[str, str],
    secret_file: Path,
) -> Knows:
    """`await knows(entities)`: a new database of booking's, which has read these as directory published them.

    They are read once, and copied from then on; the stream of a test that finds them read is empty.
    """

    async def know(entities: Sequence[Entity]) -> str:
        key = "\n".join(f"{type(entity).__name__} {entity.model_dump_json()}" for entity in entities)
        if key not in known_registers:
            like = await lasting_database("booking")
            await register.publish(nats_server.url, entities)
            async with run(
                "booking", clock=Clock(register.NOW), manage_secret_file=secret_file, database_url=like
            ) as first:

                async def ready() -> bool:
                    return (await first.http.get("/booking/readyz")).is_success

                await until(ready)
                # What the calendar's job would change, it has changed.
                async with database.transaction(first.runtime.engine, role=SWEEP) as connection:
                    await sharing.carry_over(connection, register.NOW)
            known_registers[key] = like
        return await new_database("booking", known_registers[key])

    return know


async def until(condition: Callable[[], Awaitable[Any]], seconds: float = 60) -> Any:
    """Wait until `condition` is true and return what it gave; fail after `seconds`, which a busy machine may need."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        if result := await condition():
            return result
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not true within {seconds} s: {condition}")
        await asyncio.sleep(0.02)


_spans = InMemorySpanExporter()


@pytest.fixture(scope="session", autouse=True)
def _telemetry() -> None:
    from kit import telemetry

    telemetry.start("samtid-test", [SimpleSpanProcessor(_spans)])


@pytest.fixture
def spans() -> InMemorySpanExporter:
    """All spans that were ended since the test began: `spans.get_finished_spans()`."""
    _spans.clear()
    return _spans


@pytest.fixture
def measured() -> Iterator[InMemoryMetricReader]:
    """All metrics of this process since the test began."""
    for gauge in vars(kit.metrics).values():
        if isinstance(gauge, kit.metrics.Gauge):
            gauge._known.clear()  # what services of other tests told
    reader = InMemoryMetricReader()
    provider: Any = metrics.get_meter_provider()
    provider.add_metric_reader(reader)
    yield reader
    provider.remove_metric_reader(reader)
