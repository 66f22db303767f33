"""`samtid demo`: the whole system on one machine, from nothing, with its data in one state folder.

Real PostgreSQL and real NATS run as child processes; the four services run in this process behind one port.
"""

import asyncio
import fcntl
import json
import logging
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from booking.roles import PUBLIC
from deploy import columns, embedded, installation, permissions
from deploy.services import DATABASES, SERVICES, STAFFED
from kit import migrations, outbox, roles, telemetry
from kit.app import utc_now
from kit.server import config as server_config

if TYPE_CHECKING:
    from deploy.year import Progress

log = logging.getLogger(__name__)

DEMO_DATA = Path(__file__).parent / "demo"
# The agreements that a year of families is made for.
YEAR_DATA = DEMO_DATA / "mellersta-skane.yaml"
READY_SECONDS = 60
STOP_SECONDS = 8
PROBE_SECONDS = 0.2
MARKER = "state.json"
LOCK = "lock"
YEAR = "year.json"
LOG = "samtid.log"
# Small, because it is one machine's demo; fsync stays on, because what was accepted is never lost.
POSTGRES_OPTIONS = ("shared_buffers=32MB", "max_connections=60", "max_wal_size=256MB")
POOL = 6


class DemoError(RuntimeError):
    """The demo cannot start or go on; the message is one sentence for the person at the terminal."""


@dataclass(frozen=True)
class State:
    """A state folder that this process holds alone, and the ports that its servers use."""

    folder: Path
    postgres_port: int
    nats_port: int

    @property
    def keys(self) -> Path:
        """Where keys and passwords lie."""
        return self.folder / "keys"

    def database_url(self, service: str, role: str | None = None) -> str:
        """The URL of a service's database, with the password of the role that serves, or of another."""
        role = role or service
        secret = installation.password(self.keys, role)
        return f"postgresql://{role}:{secret}@127.0.0.1:{self.postgres_port}/{service}"

    @property
    def nats_url(self) -> str:
        """Where NATS answers."""
        return f"nats://127.0.0.1:{self.nats_port}"


@contextmanager
def open_state(folder: Path, *, fresh: bool) -> Iterator[State]:
    """Hold a state folder until the end of the block, made or emptied before. Raises DemoError."""
    folder = folder.absolute()
    if folder.exists() and not folder.is_dir():
        raise DemoError(f"{folder} is a file, not a folder: choose another with --state.")
    try:
        strange = folder.exists() and not (folder / MARKER).exists() and {p.name for p in folder.iterdir()} - {LOCK}
        if strange:
            raise DemoError(f"{folder} is not empty and not a state folder of Samtid: choose another with --state.")
        folder.mkdir(parents=True, exist_ok=True)
        # PostgreSQL runs as another user where root starts it, and must be able to pass through.
        folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DemoError(f"The state folder {folder} cannot be used: {error.strerror} ({error.filename}).") from error
    try:
        _take(lock, folder)
        with ExitStack() as ports:
            yield _settled(folder, ports, fresh=fresh)
    finally:
        os.close(lock)


def _take(lock: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(lock, 20, 0).decode().strip()
        raise DemoError(
            f"A demo (process {holder}) uses {folder} already: stop it or choose another folder."
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)


def _settled(folder: Path, stack: ExitStack, *, fresh: bool) -> State:
    """The ports of before, if they are free, else others, kept for the next start; held until the stack is closed."""
    marker = folder / MARKER
    kept: dict[str, int] = {}
    if fresh:
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name not in (LOCK, MARKER):
                path.unlink()
    elif marker.exists():
        try:
            kept = {name: int(port) for name, port in json.loads(marker.read_text()).items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise DemoError(f"{marker} is damaged: begin anew with --fresh.") from error
    ports = {name: stack.enter_context(embedded.held_port(kept.get(name))) for name in ("postgres_port", "nats_port")}
    beside = marker.with_suffix(".new")
    beside.write_text(json.dumps(ports))
    beside.rename(marker)
    return State(folder, **ports)


def environment(folder: Path, role: str) -> dict[str, str]:
    """The settings with which commands reach a demo's servers: as a role of a database, and as NATS's operator.

    Raises DemoError where no demo has been.
    """
    folder = folder.absolute()
    try:
        state = State(folder, **json.loads((folder / MARKER).read_text()))
        return {
            "DATABASE_URL": state.database_url(role.removesuffix("_owner"), role),
            "NATS_URL": state.nats_url,
            "NATS_SEED_FILE": str(installation.seed_file(state.keys, permissions.OPERATOR)),
            "VAULT_URL": state.database_url(roles.VAULT),
            "MASTER_KEY_FILE": str(installation.master_key_file(state.keys)),
        }
    except (OSError, ValueError, TypeError, installation.InstallationError) as error:
        raise DemoError(f"No demo has been in {folder}: start one with `samtid demo`, or say --state.") from error


def listen(port: int) -> socket.socket:
    """The socket that parents' browsers reach. Raises DemoError where the port is taken or not ours to take."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind(("127.0.0.1", port))
        made.listen()
    except PermissionError as error:
        made.close()
        raise DemoError(f"Port {port} needs more rights than this user has: choose another with --port.") from error
    except OSError as error:
        made.close()
        raise DemoError(f"Port {port} is taken: stop what uses it, or choose another with --port.") from error
    return made


class Front:
    """The one port: which application answers which path. The proxy of the containers routes in the same way."""

    def __init__(self, by_prefix: Mapping[str, ASGIApp], otherwise: ASGIApp) -> None:
        self.by_prefix = by_prefix
        self.otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path.startswith("/en/"):
            path = path[3:]
        app = next((app for prefix, app in self.by_prefix.items() if path.startswith(prefix)), self.otherwise)
        await app(scope, receive, send)


class _Http(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the demo, which has more to end than its HTTP server."""
        yield


class Demo:
    """One run: what is started is ended in the reverse order, whatever happens in between."""

    def __init__(self, state: State, listener: socket.socket, began: float, *, year: bool) -> None:
        self.state = state
        self.year = year
        self.listener = listener
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.began = began
        self.ready = False
        self.servers: list[embedded.Server] = []

    def say(self, line: str) -> None:
        """One line of progress."""
        print(f"[{time.monotonic() - self.began:4.1f} s] {line}", flush=True)

    async def run(self) -> None:
        """Start, serve until SIGINT or SIGTERM, end everything. Raises DemoError where a part fails."""
        loop = asyncio.get_running_loop()
        asked = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, asked.set)
        work = asyncio.create_task(self._work())
        guard = asyncio.create_task(self._guard())
        stop = asyncio.create_task(asked.wait())
        done, pending = await asyncio.wait({work, guard, stop}, return_when=asyncio.FIRST_COMPLETED)
        if stop in done or self.ready:
            print("\nSamtid is stopping …", flush=True)
        for task in pending:
            task.cancel()
        results = await asyncio.gather(guard, work, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
                raise result
        if not self.ready:
            raise DemoError("Samtid was stopped before it was ready.")

    async def _guard(self) -> None:
        """End the demo when one of its servers dies."""
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            for server in self.servers:
                status = server.process.poll() if server.process else None
                if status is not None:
                    how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
                    raise DemoError(f"{server.name} {how}, and Samtid ended with it: see {server.log}.")

    async def _work(self) -> None:
        year = self._year()
        async with AsyncExitStack() as stack:
            await self._start_servers(stack)
            await self._prepare()
            if year:
                await self._make(year)
            apps = await self._start_services(stack)
            await self._load(apps["directory"])
            await self._until_ready()
            await self._watch(stack, apps)
            self.ready = True
            self.say("ready")
            print(
                f"\nSamtid is ready: {self.url}\n"
                f"  for staff            {self.url}/logga-in\n"
                f"  messages to parents  {self.url}/demo/messages\n"
                f"  traces               {self.url}/demo/traces   or: samtid trace REFERENCE --url {self.url}\n"
                f"  logs                 {self.state.folder / LOG}\n"
                "Ctrl-C ends it; the next start finds its data.",
                flush=True,
            )
            await asyncio.Event().wait()

    def _year(self) -> "Progress | None":
        """How far the year of families is that is wanted, or was begun; None if there is none to make."""
        from booking.sharing.rules import today  # noqa: PLC0415 - few demos have a year
        from deploy.year import Progress  # noqa: PLC0415 - as above

        marker = self.state.folder / YEAR
        if not marker.exists():
            if not self.year:
                return None
            if (self.state.folder / "postgres").exists():
                raise DemoError(
                    f"{self.state.folder} holds a demo already, and a year goes before it: "
                    "add --fresh, or choose another folder with --state."
                )
        progress = Progress.of(marker, today(utc_now()))
        progress.keep()
        return None if progress.over else progress

    async def _make(self, progress: "Progress") -> None:
        from booking.bookings.links import Links  # noqa: PLC0415 - as above
        from deploy.year import Year  # noqa: PLC0415 - as above
        from kit import database  # noqa: PLC0415 - as above
        from kit.vault.sealing import Masters  # noqa: PLC0415 - as above
        from kit.vault.store import Vault  # noqa: PLC0415 - as above

        state = self.state
        patient = partial(database.engine, pool=POOL, seconds=database.COMMAND_LINE_SECONDS)
        engine, public = patient(state.database_url("booking")), patient(state.database_url("booking", PUBLIC))
        masters = Masters(installation.master_key_file(state.keys).read_text().split())
        vault = Vault.at(state.database_url(roles.VAULT), masters)
        links = Links(installation.manage_secret_file(state.keys).read_bytes().strip(), self.url)
        self.say(
            f"making a year of families, from {progress.done or progress.first}; Ctrl-C, and the next start goes on"
        )
        try:
            await Year(engine, public, vault, links, progress, self.say).make([YEAR_DATA], utc_now())
        finally:
            await vault.close()
            await engine.dispose()
            await public.dispose()

    async def _start_servers(self, stack: AsyncExitStack) -> None:
        """Start PostgreSQL and NATS, and read the services' code meanwhile."""
        state = self.state
        new = not (state.folder / "postgres" / "data").exists()
        self.say("making a new PostgreSQL database" if new else f"finding the data in {state.folder}")
        installation.make_keys(state.keys)
        secret = installation.password(state.keys, "postgres")
        postgres, _ = await asyncio.gather(
            asyncio.to_thread(
                embedded.postgres, state.folder / "postgres", state.postgres_port, POSTGRES_OPTIONS, password=secret
            ),
            asyncio.to_thread(_import_services),
        )
        config = permissions.accounts(installation.public_keys(state.keys))
        nats = embedded.nats(state.folder / "nats", state.nats_port, config)
        permissions.move_streams(state.folder / "nats" / "jetstream")
        self.say(f"starting PostgreSQL on port {postgres.port} and NATS on port {nats.port}")
        for server in (postgres, nats):
            server.dies_with_thread = True
            stack.callback(server.stop)
            server.launch()
        for server in (postgres, nats):
            await asyncio.to_thread(server.wait)
        self.servers = [postgres, nats]
        # Once the demo itself ends its servers, their end is no news; whatever made it do so is.
        stack.callback(self.servers.clear)

    async def _prepare(self) -> None:
        state = self.state
        self.say("making roles, databases, streams and consumers")
        await installation.make_databases("127.0.0.1", state.postgres_port, installation.passwords(state.keys))
        seed = installation.seed_file(state.keys, permissions.OPERATOR).read_text().strip()
        await installation.provision(state.nats_url, seed)
        self.say(f"migrating the databases of {', '.join(DATABASES)}")
        for service in DATABASES:
            await asyncio.to_thread(migrations.upgrade, service, state.database_url(service, roles.owner(service)))

    async def _start_services(self, stack: AsyncExitStack) -> dict[str, FastAPI]:
        from deploy.catcher import create_catcher  # noqa: PLC0415 - read with the services, while servers start
        from deploy.traces import Store, create_traces  # noqa: PLC0415 - as above

        catcher = create_catcher(self.state.folder / "messages.jsonl")
        await catcher.start()
        stack.push_async_callback(catcher.stop)
        store = Store(self.state.folder / "traces.jsonl")
        stack.callback(telemetry.start("samtid-demo", [store]).shutdown)
        self.say(f"starting {', '.join(SERVICES)}")
        apps: dict[str, FastAPI] = {}
        for service in SERVICES:
            settings = import_module(f"{service}.settings").Settings(**self._settings(service, catcher.port))
            app = import_module(f"{service}.app").create_app(settings)
            await stack.enter_async_context(_entered(app))
            apps[service] = app
        prefixes = {f"/{service}/": app for service, app in apps.items()}
        prefixes |= dict.fromkeys(("/logga-in", "/logga-ut", "/katalog"), apps["directory"])
        demo: dict[str, ASGIApp] = {"/demo/traces": create_traces(store), "/demo/": catcher.app}
        front = Front({**prefixes, **demo}, otherwise=apps["booking"])
        config = server_config(
            front,
            lifespan="off",
            # There is no proxy in front: whoever sends its headers would speak for others.
            proxy_headers=False,
            timeout_graceful_shutdown=3,
        )
        http = _Http(config)
        serving = asyncio.create_task(http.serve([self.listener]))

        async def end() -> None:
            http.should_exit = True
            await serving

        stack.push_async_callback(end)
        return apps

    async def _watch(self, stack: AsyncExitStack, apps: Mapping[str, FastAPI]) -> None:
        """Have streams and consumers that are lost made anew, as an operator would, and filled from the databases."""
        seed = installation.seed_file(self.state.keys, permissions.OPERATOR).read_text().strip()

        async def refill() -> None:
            for app in apps.values():
                await outbox.republish_all(app.state.runtime.engine, app.state.runtime.service)

        work = asyncio.create_task(installation.keep_provisioned(self.state.nats_url, seed, refill))

        async def end() -> None:
            while not work.done():
                # Again and again: one may lose a cancellation that comes together with what it waited for.
                work.cancel()
                await asyncio.wait({work}, timeout=1)

        stack.push_async_callback(end)

    def _settings(self, service: str, smtp_port: int) -> dict[str, Any]:
        state = self.state
        made: dict[str, Any] = {
            "environment": "demo",
            "database_url": state.database_url(service),
            "database_pool": POOL,
            "nats_url": state.nats_url,
            "nats_seed_file": installation.seed_file(state.keys, service),
            "public_url": self.url,
            # Enough for a person and for programs that try the demo, all from one address.
            "reads_per_minute": 1_000_000,
            "writes_per_minute": 100_000,
            "bookings_per_hour": 100_000,
        }
        if service in STAFFED:
            made["session_key_file"] = installation.session_key_file(state.keys, service)
        if service == "booking":
            made |= {
                "manage_secret_file": installation.manage_secret_file(state.keys),
                "master_key_file": installation.master_key_file(state.keys),
                # Of a server of its own in real use, backed up apart; the demo has one server for all.
                "vault_url": state.database_url(roles.VAULT),
                "guesses_per_minute": 10_000,
                "public_database_url": state.database_url(service, PUBLIC),
                "public_database_pool": POOL,
            }
        if service == "notification":
            made |= {
                "smtp_host": "127.0.0.1",
                "smtp_port": smtp_port,
                "smtp_tls": "none",
                "mail_from": "Samtid <samtid@example.se>",
                "sms_url": f"{self.url}/demo/sms",
            }
        return made

    async def _load(self, directory: FastAPI) -> None:
        from directory import importing  # noqa: PLC0415 - read with the services, while servers start

        files = sorted(DEMO_DATA.glob("*.yaml"))
        runtime = directory.state.runtime
        try:
            # What staff have changed since the first start is theirs.
            report = await importing.import_files(runtime.engine, files, utc_now(), only_empty=True)
        except importing.Rejected as rejected:
            raise DemoError(f"The demo data is refused:\n{rejected}") from rejected
        runtime.relay.wake()
        self.say(f"loaded the demo data: {report}" if report.added else "leaving the register as it was found")

    async def _until_ready(self) -> None:
        async with httpx.AsyncClient(base_url=self.url, timeout=10, trust_env=False) as http:
            for service in SERVICES:
                self.say(f"waiting for {service} to be ready")
                await _until(f"{service} is not ready", partial(_is_ready, http, service))
            self.say("waiting for the first free time that a parent can book")
            await _until("no time is free to book", partial(_has_free_time, http))


async def _until(otherwise: str, condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until the condition holds. Raises DemoError with `otherwise` after READY_SECONDS."""
    deadline = time.monotonic() + READY_SECONDS
    while not await condition():
        if time.monotonic() > deadline:
            raise DemoError(f"After {READY_SECONDS} s {otherwise}: see {LOG} in the state folder.")
        await asyncio.sleep(PROBE_SECONDS)


async def _is_ready(http: httpx.AsyncClient, service: str) -> bool:
    try:
        return (await http.get(f"/{service}/readyz")).is_success
    except httpx.TimeoutException:
        # A machine that is busy with other things; READY_SECONDS says how long that is waited for.
        return False


async def _has_free_time(http: httpx.AsyncClient) -> bool:
    """Whether some offering that parents book by time has a free start."""
    today = utc_now().date()
    for offering in (await http.get("/directory/v1/offerings")).raise_for_status().json()["items"]:
        if offering["kind"] != "conversation" or not offering["self_booking"] or offering["ended"]:
            continue
        query = {
            "offering": offering["id"],
            "municipality": offering["municipalities"][0],
            "from": today.isoformat(),
            "to": (today + timedelta(days=offering["horizon_days"])).isoformat(),
            "limit": "1",
        }
        found = await http.get("/booking/v1/slots", params=query)
        if found.is_success and found.json()["items"]:
            return True
    return False


@asynccontextmanager
async def _entered(app: FastAPI) -> AsyncIterator[None]:
    """The lifespan of a service; its end waits no longer than STOP_SECONDS for servers that may be gone."""
    lifespan = app.router.lifespan_context(app)
    await lifespan.__aenter__()
    try:
        yield
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await lifespan.__aexit__(None, None, None)


def _import_services() -> None:
    """Read all code that will run: it takes as long as PostgreSQL takes to make its first files."""
    modules: Sequence[str] = (
        *(f"{service}.{part}" for service in SERVICES for part in ("app", "settings")),
        "directory.importing",
        "deploy.catcher",
        "deploy.traces",
    )
    for module in modules:
        import_module(module)


def main(port: int, folder: Path, *, fresh: bool, year: bool = False, began: float) -> int:
    """Run the demo; the exit status: 0 after Ctrl-C or SIGTERM, 1 after a failure, told in one sentence.

    `year` asks for a year of families that went before. `began` is the instant, of the monotonic clock, from which the
    lines of progress count.
    """
    try:
        listener = listen(port)
        with listener, open_state(folder, fresh=fresh) as state:
            # Held open for as long as this process lives: what goes wrong at the very end is written too.
            (state.folder / LOG).touch(mode=0o600)
            telemetry.start_logging(stream=(state.folder / LOG).open("a", buffering=1))
            factory = uvicorn.Config("", log_config=None).get_loop_factory()
            with asyncio.Runner(loop_factory=factory) as runner:
                runner.run(Demo(state, listener, began, year=year).run())
    except (DemoError, embedded.EmbeddedError, installation.InstallationError) as error:
        print(f"samtid demo: {error}", file=sys.stderr)
        return 1
    except Exception as error:  # whatever it was: one sentence here, the frames in the log
        if columns.nobody_reads(error):
            raise
        log.exception("the demo failed")
        print(f"samtid demo: {type(error).__name__}: see {folder / LOG}.", file=sys.stderr)
        return 1
    print("Samtid has stopped.", flush=True)
    return 0
