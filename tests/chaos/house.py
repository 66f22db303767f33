"""The whole system as processes on servers of their own, each of which can be killed, frozen or emptied."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import nats
from nats.aio.client import Client

from booking.roles import PUBLIC
from deploy import embedded, installation, permissions
from deploy.services import SERVICES
from directory.importing import import_files
from kit import database, messaging, migrations, outbox, roles
from kit.app import utc_now
from tests import infra
from tests.chaos.outside import Outside

MAIN = tuple(SERVICES)
OPTIONS = ("max_connections=200", "shared_buffers=64MB")
ADVISORS = 6
TOWNS = {"1266": "horby", "1267": "hoor", "1285": "eslov"}
OFFERING = "foraldrasamtal"


@dataclass
class Process:
    """One replica of a service."""

    name: str
    service: str
    port: int
    environment: dict[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "kit", "serve", self.service, "--port", str(self.port)],
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None, "started before"
        self.process.send_signal(number)

    def end(self, number: signal.Signals) -> int:
        self.send(number)
        assert self.process is not None, "started before"
        return self.process.wait(30)

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    async def ready(self) -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=2) as http:
                return (await http.get(f"http://127.0.0.1:{self.port}/{self.service}/readyz")).status_code == 200
        except httpx.HTTPError:
            return False


def freeze(server: embedded.Server) -> None:
    """Stop a server with all its processes, as a hypervisor that pauses the machine does."""
    for pid in _family(server):
        os.kill(pid, signal.SIGSTOP)


def thaw(server: embedded.Server) -> None:
    for pid in _family(server):
        os.kill(pid, signal.SIGCONT)


def _family(server: embedded.Server) -> list[int]:
    """The server's process and its children, each of which PostgreSQL puts into a session of its own."""
    assert server.process is not None, "started before"
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


@dataclass
class House:
    folder: Path
    outside: Outside
    postgres: embedded.Server = field(init=False)
    vault: embedded.Server = field(init=False)
    nats: embedded.Server = field(init=False)
    processes: dict[str, Process] = field(default_factory=dict)

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    def url(self, service: str, role: str | None = None) -> str:
        """The URL of a service's database, as the role that serves it unless said otherwise."""
        role = role or service
        server = self.vault if service == roles.VAULT else self.postgres
        secret = self._passwords(service)["postgres"] if role == "postgres" else installation.password(self.keys, role)
        return f"postgresql://{role}:{secret}@127.0.0.1:{server.port}/{service}"

    def _passwords(self, service: str) -> dict[str, str]:
        databases = (roles.VAULT,) if service == roles.VAULT else MAIN
        made = installation.passwords(self.keys, databases)
        if service == roles.VAULT:
            made["postgres"] = (self.keys / "vault_postgres" / "password").read_text().strip()
        return made

    @property
    def nats_url(self) -> str:
        return f"nats://127.0.0.1:{self.nats.port}"

    def seed(self, user: str) -> str:
        return installation.seed_file(self.keys, user).read_text().strip()

    async def connect(self, user: str) -> Client:
        if user == infra.TESTER:
            return await nats.connect(self.nats_url, user=user, password=user)
        return await nats.connect(
            self.nats_url, nkeys_seed_str=self.seed(user), inbox_prefix=messaging.inbox_prefix(user).encode()
        )

    async def build(self) -> None:
        installation.make_keys(self.keys)
        for name in ("postgres", "vault"):
            secret = self._passwords(roles.VAULT if name == "vault" else "booking")["postgres"]
            server = embedded.postgres(self.folder / name, embedded.free_port(), OPTIONS, password=secret)
            setattr(self, name, server)
            server.start()
        self.nats = embedded.nats(self.folder / "nats", embedded.free_port(), infra.accounts(self.keys))
        self.nats.start()
        await installation.make_databases("127.0.0.1", self.postgres.port, self._passwords("booking"), MAIN)
        vault = self._passwords(roles.VAULT)
        await installation.make_databases("127.0.0.1", self.vault.port, vault, (roles.VAULT,))
        for service in (*MAIN, roles.VAULT):
            await asyncio.to_thread(migrations.upgrade, service, self.url(service, roles.owner(service)))
        await self.provision()
        for name, service in (
            ("booking-1", "booking"),
            ("booking-2", "booking"),
            ("notification-1", "notification"),
            ("notification-2", "notification"),
            ("directory", "directory"),
        ):
            log = self.folder / f"{name}.log"
            self.processes[name] = Process(name, service, embedded.free_port(), self._environment(service), log)
            self.processes[name].start()
        await self.load(REGISTER)

    def _environment(self, service: str) -> dict[str, str]:
        made = {
            **os.environ,
            "ENVIRONMENT": "test",
            "DATABASE_URL": self.url(service),
            "NATS_URL": self.nats_url,
            "NATS_SEED_FILE": str(installation.seed_file(self.keys, service)),
            "PUBLIC_URL": "http://samtid.test",
            "READS_PER_MINUTE": "1000000",
            "WRITES_PER_MINUTE": "1000000",
            "GUESSES_PER_MINUTE": "1000000",
            "BOOKINGS_PER_HOUR": "1000000",
            # Of all that have a number it is the same one.
            "BOOKINGS_AHEAD": "1000000",
            "UNPROVED_BOOKINGS": "1000000",
        }
        if service in ("booking", "directory"):
            made["SESSION_KEY_FILE"] = str(installation.session_key_file(self.keys, service))
        if service == "booking":
            made |= {
                "MANAGE_SECRET_FILE": str(installation.manage_secret_file(self.keys)),
                "MASTER_KEY_FILE": str(installation.master_key_file(self.keys)),
                "VAULT_URL": self.url(roles.VAULT),
                "PUBLIC_DATABASE_URL": self.url(service, PUBLIC),
            }
        if service == "notification":
            made |= {
                "SMTP_HOST": "127.0.0.1",
                "SMTP_PORT": str(self.outside.smtp_port),
                "SMTP_TLS": "none",
                "MAIL_FROM": "Samtid <samtid@example.org>",
                "SMS_URL": f"http://127.0.0.1:{self.outside.sms_port}",
            }
        return made

    async def provision(self) -> None:
        """What `samtid provision` does."""
        await installation.provision(self.nats_url, self.seed(permissions.OPERATOR))

    async def republish(self) -> None:
        """What `samtid republish` does, for each service that publishes."""
        for service in ("directory", "booking", "notification"):
            engine = database.engine(self.url(service, "postgres"), 1)
            async with database.driver(engine) as connection:
                await outbox.republish(connection)
            await engine.dispose()

    def lose_storage(self) -> None:
        """NATS as after the loss of its disk."""
        self.nats.kill()
        shutil.rmtree(self.folder / "nats" / "jetstream")
        self.nats.start()

    async def load(self, register: str) -> None:
        """Import a register; the running directory's relay finds its events in the outbox."""
        path = self.folder / "register.yaml"
        path.write_text(register)
        engine = database.engine(self.url("directory"), 1)
        try:
            await import_files(engine, [path], utc_now())
        finally:
            await engine.dispose()

    def stop(self) -> None:
        for process in self.processes.values():
            if process.alive:
                process.send(signal.SIGCONT)
                process.end(signal.SIGKILL)
        for server in (self.nats, self.postgres, self.vault):
            if server.process is not None:
                thaw(server)
                server.kill()


def register(leave: str = "") -> str:
    """Six advisors whom three municipalities share, at work every day; `leave` is a date, for all of them."""
    towns = "".join(
        f'  - {{id: "{code}", slug: {slug}, name: {slug.title()}, accent: "#1f5f3f", '
        f'concern_url: "https://www.{slug}.example/", phone: "+46415378000"}}\n'
        for code, slug in TOWNS.items()
    )
    advisors = [f"radgivare-{n}" for n in range(1, ADVISORS + 1)]
    people = "".join(
        f"  - {{id: {a}, name: {a.title()}, profession: foraldraradgivare, unit: familjestod, languages: [sv], "
        "modalities: [video, phone]}\n"
        for a in advisors
    )
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    week = "".join(
        f'      - {{weekday: {d}, start: "06:00", end: "22:00", modalities: [video, phone]}}\n' for d in days
    )
    away = f"    exceptions:\n      - {{kind: leave, first: {leave}, last: {leave}}}\n" if leave else ""
    schedules = "".join(
        f"  - id: {a}-vecka\n    advisor: {a}\n    valid_from: 2026-01-01\n    works_on_holidays: true\n    weekly:\n"
        f"{week}{away}"
        for a in advisors
    )
    return (
        f"municipalities:\n{towns}"
        'units:\n  - {id: familjestod, municipality: "1267", name: Familjestöd, board: Socialnämnden}\n'
        '  - {id: horby-stod, municipality: "1266", name: Stöd, board: Socialnämnden}\n'
        '  - {id: eslov-stod, municipality: "1285", name: Stöd, board: Socialnämnden}\n'
        f"advisors:\n{people}"
        "pools:\n  - id: hoor-horby-eslov\n    name: Höör, Hörby och Eslöv\n"
        f"    advisors: [{', '.join(advisors)}]\n    posts: 6.0\n"
        '    shares: {"1266": 26, "1267": 24, "1285": 50}\n    valid_from: 2026-01-01\n'
        f"schedules:\n{schedules}"
        f"offerings:\n  - id: {OFFERING}\n    name: {{sv: Föräldrasamtal}}\n"
        "    summary: {sv: Prata med en rådgivare.}\n"
        "    kind: conversation\n    regime: universal\n    documentation: anonymous\n    unit: familjestod\n"
        '    units: {"1266": horby-stod, "1285": eslov-stod}\n'
        f'    municipalities: ["1266", "1267", "1285"]\n    advisors: [{", ".join(advisors)}]\n'
        "    duration: 30\n    starts_every: 30\n    modalities: [video, phone]\n"
        "    ages: {first: 0, last: 6, expecting: true}\n    languages: [sv]\n    self_booking: true\n"
    )


REGISTER = register()
