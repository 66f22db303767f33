"""The servers that tests run on: containers, or the same servers from wheels."""

import asyncio
import gc
import os
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import pytest
from nats.aio.client import Client
from sqlalchemy import make_url

from deploy import embedded, installation, permissions
from kit import messaging
from kit.messaging import Reads

POSTGRES_IMAGE = "postgres:18"
NATS_IMAGE = "nats:2.15"
KEY = pytest.StashKey[tuple[str, str]]()
# Tests commit often and throw the database away: what a power cut would lose does not matter to them. The tests that
# kill servers say so by killing processes, which loses nothing either way.
POSTGRES_OPTIONS = (
    "fsync=off",
    "full_page_writes=off",
    "max_wal_size=256MB",
    "max_connections=300",
    "deadlock_timeout=200ms",
    "shared_buffers=128MB",
)


def choose() -> tuple[str, str]:
    """`docker` or `embedded`, and why. Raises UsageError where docker is asked for and cannot be had."""
    wanted = os.environ.get("SAMTID_TEST_INFRA", "auto")
    if wanted not in ("auto", "docker", "embedded"):
        raise pytest.UsageError(f"SAMTID_TEST_INFRA={wanted}: say auto, docker or embedded")
    if wanted == "embedded":
        return "embedded", "SAMTID_TEST_INFRA=embedded"
    import docker

    try:
        client = docker.from_env(timeout=3)
        client.ping()
    except docker.errors.DockerException as error:
        _drop_sockets(error)
        if wanted == "docker":
            raise pytest.UsageError(f"SAMTID_TEST_INFRA=docker, but no engine: {type(error).__name__}") from error
        return "embedded", "no Docker engine"
    try:
        missing = [image for image in (POSTGRES_IMAGE, NATS_IMAGE) if not client.images.list(name=image)]
        version = client.version()["Version"]
    finally:
        client.close()
    if missing and wanted == "auto":
        return "embedded", f"a Docker engine, but not the images {', '.join(missing)}"
    return "docker", f"engine {version}, {POSTGRES_IMAGE}, {NATS_IMAGE}"


def _drop_sockets(error: BaseException) -> None:
    """Collect now what a refused connection to the engine leaves behind.

    docker-py does not close the socket on which connecting failed. Collected later, its ResourceWarning would fail
    whichever test happens to run at that moment.
    """
    error.__traceback__ = error.__context__ = error.__cause__ = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


class NatsServer(Protocol):
    """A NATS server with an installation's accounts that a test may kill and start again on the same port and storage.

    `keys` holds the seeds of its users; whoever comes without one is the tester.
    """

    url: str
    keys: Path

    def kill(self) -> None: ...
    def start(self) -> None: ...


# Who may do everything in the account of the streams, by password.
TESTER = "tester"
LET_IN = f"no_auth_user: {TESTER}\n"


@cache
def accounts(keys: Path) -> str:
    """An installation's accounts, and the tester; the same for each of a run's many servers."""
    users = "jetstream: enabled\n    users: ["
    made = permissions.accounts(installation.public_keys(keys))
    assert users in made
    return made.replace(users, f"{users}{{ user: {TESTER}, password: {TESTER} }}, ")


async def connect(server: NatsServer, user: str) -> Client:
    """The connection of a service, in its own account."""
    return await messaging.connect(server.url, installation.seed_file(server.keys, user).read_text(), user)


class EmbeddedNats:
    def __init__(self, folder: Path, port: int, keys: Path) -> None:
        self.server = embedded.nats(folder, port, accounts(keys) + LET_IN)
        self.url = f"nats://127.0.0.1:{self.server.port}"
        self.keys = keys

    def kill(self) -> None:
        self.server.kill()

    def start(self) -> None:
        self.server.start()


class DockerNats:
    def __init__(self, container: Any, url: str, keys: Path) -> None:
        self.container = container
        self.url = url
        self.keys = keys

    def kill(self) -> None:
        self.container.get_wrapped_container().kill()

    def start(self) -> None:
        self.container.get_wrapped_container().start()
        _until_answers(int(self.url.rsplit(":", 1)[1]))


def _until_answers(port: int) -> None:
    import socket

    deadline = time.monotonic() + 20
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as probe:
                if probe.recv(4) == b"INFO":
                    return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing answers on port {port}")
        time.sleep(0.05)


def _until_ready(status: Path) -> None:
    """Wait until PostgreSQL, whose port answers a moment before that, says that it takes connections."""
    deadline = time.monotonic() + 20
    while status.read_text().splitlines()[-1].strip() != "ready":
        if time.monotonic() > deadline:
            raise TimeoutError(f"not ready: {status}")
        time.sleep(0.02)


@contextmanager
def nats_server(kind: str, folder: Path, keys: Path) -> Iterator[NatsServer]:
    """One NATS server of its own."""
    if kind == "embedded":
        with embedded.held_port() as port:
            made = EmbeddedNats(folder, port, keys)
            made.start()
            try:
                yield made
            finally:
                # Not in good order, for which it takes its time: nobody needs its storage any more.
                made.server.kill()
        return
    from testcontainers.community.nats import NatsContainer

    port = embedded.free_port()
    folder.mkdir(parents=True)
    (folder / "nats.conf").write_text(f'jetstream {{ store_dir: "/data" }}\n{accounts(keys)}{LET_IN}')
    made = NatsContainer(NATS_IMAGE).with_bind_ports(4222, port).with_command("--config /etc/nats/samtid/nats.conf")
    with made.with_volume_mapping(str(folder), "/etc/nats/samtid", "ro") as container:
        yield DockerNats(container, f"nats://127.0.0.1:{port}", keys)


async def pending(client: Client, reads: Reads) -> int:
    """How many messages this reader has yet to handle. Raises NotFoundError where its consumer is gone."""
    info = await client.jetstream().consumer_info(reads.stream, reads.durable)
    return (info.num_pending or 0) + (info.num_ack_pending or 0)


@contextmanager
def postgres_server(kind: str, folder: Path) -> Iterator[str]:
    """One PostgreSQL server; the superuser's URL, without a database."""
    if kind == "embedded":
        with embedded.held_port() as port:
            server = embedded.postgres(folder, port, POSTGRES_OPTIONS)
            server.start()
            try:
                _until_ready(folder / "data" / "postmaster.pid")
                yield f"postgresql://postgres@127.0.0.1:{server.port}"
            finally:
                server.stop()
        return
    from testcontainers.community.postgres import PostgresContainer

    command = ["postgres", *(part for option in POSTGRES_OPTIONS for part in ("-c", option))]
    with PostgresContainer(POSTGRES_IMAGE, driver=None).with_command(command) as container:
        yield container.get_connection_url(host="127.0.0.1").rsplit("/", 1)[0]


class Wire:
    """The way to a server, as a port of its own that a test can freeze: what is sent meanwhile arrives later."""

    def __init__(self, url: str) -> None:
        self._to = make_url(url)
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._clients: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return self._to.set(host="127.0.0.1", port=self._port).render_as_string(hide_password=False)

    async def open(self) -> None:
        """Take connections, again on the same port."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """End all connections, and take no new ones."""
        if self._server is not None:
            self._server.close()
        self.cut()

    def freeze(self) -> None:
        """Let nothing through; connections stay, and new ones are taken."""
        self._open.clear()

    def thaw(self) -> None:
        self._open.set()

    def say(self, last_words: bytes) -> None:
        """Tell all clients something, and end their connections when it has left."""
        for writer in self._clients:
            writer.write(last_words)
            writer.close()

    def cut(self) -> None:
        """End all connections."""
        for writer in self._writers:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._to.host, self._to.port)
        self._writers |= {writer, back}
        self._clients.add(writer)
        with suppress(OSError):
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        self._clients.discard(writer)
        for end in (writer, back):
            self._writers.discard(end)
            end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._open.wait()
            writer.write(data)
            await writer.drain()
        await self._open.wait()
        writer.close()


@asynccontextmanager
async def wire(url: str) -> AsyncIterator[Wire]:
    """A way to the PostgreSQL server of a URL that the test can freeze."""
    made = Wire(url)
    await made.open()
    try:
        yield made
    finally:
        made.thaw()
        made.refuse()
