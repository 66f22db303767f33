"""Hundreds of bookings while NATS is killed twice and notification once: each is told once, in its request's trace."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from deploy import embedded, installation
from deploy.catcher import create_catcher
from kit.app import utc_now
from tests import infra
from tests.booking import register
from tests.booking.conftest import ready
from tests.booking.test_journey import request_for
from tests.conftest import AsRole, Databases, Run, Running, until

# When servers are killed follows from the share that is booked, so that these meet all faults; `make chaos` books a
# thousand, and with LONG=1 ten thousand.
BOOKINGS = int(os.environ.get("SAMTID_CHAOS_BOOKINGS", "200"))
ADVISORS = BOOKINGS // 200 + 1
CLIENTS = 8
# What notification may have had in its hands when it was killed: told twice, at the worst, with the same Message-ID.
WORKERS = 6


class Notification:
    """The notification service as a process of its own, which can be killed and started again."""

    def __init__(self, environment: dict[str, str], port: int, log: Path) -> None:
        self.environment = environment
        self.port = port
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "kit", "serve", "notification", "--port", str(self.port)],
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def end(self, how: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(20)

    async def is_ready(self) -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False) as http:
                url = f"http://127.0.0.1:{self.port}/notification/readyz"
                return (await http.get(url)).status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def trace_collector() -> Iterator[tuple[str, dict[str, str]]]:
    """A collector's address, and what it saw: the trace of each booking's confirmation by the booking's id."""
    seen: dict[str, str] = {}

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path.endswith("/traces"):
                request = ExportTraceServiceRequest.FromString(body)
                for resource in request.resource_spans:
                    for scope in resource.scope_spans:
                        for span in scope.spans:
                            if span.name == "send confirmation":
                                attributes = {a.key: a.value.string_value for a in span.attributes}
                                seen[attributes["samtid.booking_id"]] = span.trace_id.hex()
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def book(booking: Running, slots: list[dict[str, Any]], references: set[str]) -> None:
    """Book until there is nothing left to book, each request in a trace of its own."""
    while slots:
        slot = slots.pop()
        number = len(slots)
        contact = {"name": "Kim", "email": f"parent-{number}@example.org", "language": "sv"}
        answer = await booking.http.post(
            "/booking/v1/bookings",
            json=request_for(slot, contact=contact),
            headers={"Idempotency-Key": str(number)},
        )
        assert answer.status_code == 201, answer.text
        references.add(answer.json()["reference"])


@pytest.mark.chaos
async def test_every_booking_is_told_once_in_the_trace_of_its_request(
    run: Run,
    new_database: Databases,
    as_role: AsRole,
    nats_server: infra.NatsServer,
    secret_file: Path,
    tmp_path: Path,
) -> None:
    names = [f"advisor-{n}" for n in range(1, ADVISORS + 1)]
    await register.publish(
        nats_server.url,
        [
            *register.MUNICIPALITIES,
            register.UNIT,
            register.CENTRE,
            register.OFFERING.model_copy(update={"advisors": names}),
            *(register.advisor(n) for n in range(1, ADVISORS + 1)),
            # All of their time: nothing here is about shares.
            register.pool(*names).model_copy(update={"shares": {"1266": 100}}),
            *(register.schedule(name) for name in names),
        ],
    )
    catcher = create_catcher(None)
    catcher.messages = deque(maxlen=BOOKINGS * 3)
    await catcher.start()
    database_url = await new_database("notification")
    admin_url = as_role(database_url)
    references: set[str] = set()
    with trace_collector() as (collector, spans):
        notification = Notification(
            {
                **os.environ,
                "ENVIRONMENT": "test",
                "DATABASE_URL": database_url,
                "NATS_URL": nats_server.url,
                "NATS_SEED_FILE": str(installation.seed_file(nats_server.keys, "notification")),
                "SMTP_HOST": "127.0.0.1",
                "SMTP_PORT": str(catcher.port),
                "SMTP_TLS": "none",
                "MAIL_FROM": "Samtid <samtid@example.org>",
                "SMS_URL": "http://127.0.0.1:9",
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
                "OTEL_BSP_SCHEDULE_DELAY": "200",
            },
            embedded.free_port(),
            tmp_path / "notification.log",
        )
        notification.start()
        try:
            await until(notification.is_ready)
            async with run("booking", clock=utc_now, manage_secret_file=secret_file) as booking:
                await until(lambda: ready(booking))
                page = {"offering": "foraldrasamtal", "municipality": "1266", "limit": 500}
                slots = [
                    slot
                    for offset in range(0, BOOKINGS, 500)
                    for slot in (await booking.http.get("/booking/v1/slots", params={**page, "offset": offset})).json()[
                        "items"
                    ]
                ][:BOOKINGS]
                assert len(slots) == BOOKINGS

                async def killer() -> None:
                    """Kill when so many are booked, not after so many seconds: the same story on any machine."""
                    for left in (0.8, 0.4):
                        await until(lambda left=left: _at_most(slots, left), BOOKINGS)
                        nats_server.kill()
                        await asyncio.to_thread(nats_server.start)
                        if left == 0.8:
                            await until(lambda: _at_most(slots, 0.6), BOOKINGS)
                            notification.end(signal.SIGKILL)
                            notification.start()

                await asyncio.gather(killer(), *[book(booking, slots, references) for _ in range(CLIENTS)])
                assert len(references) == BOOKINGS
                ids = await _ids(booking.admin_url)
                await until(lambda: _all_sent(admin_url), BOOKINGS)
                told = Counter((caught.reference, caught.key) for caught in catcher.messages)
                assert {reference for reference, _ in told} == references
                # One message each; whoever got it twice got the very same one, in notification's last moment.
                assert len(told) == BOOKINGS
                assert sum(count - 1 for count in told.values()) <= WORKERS
                stored = await _stored_traces(admin_url)
                traces = await _published_traces(booking.admin_url)
                assert traces.keys() == {str(ids[reference]) for reference in references}
                assert len(set(traces.values())) == BOOKINGS
                assert stored == traces
                # What the killed process had not yet exported is lost; all that was exported is in the right trace.
                await until(lambda: _at_least(spans, BOOKINGS * 9 // 10))
                assert all(stored[booking_id] == trace_id for booking_id, trace_id in spans.items())
        finally:
            notification.end(signal.SIGTERM)
            await catcher.stop()


async def _at_most(slots: list[dict[str, Any]], share: float) -> bool:
    return len(slots) <= BOOKINGS * share


async def _at_least(spans: dict[str, str], count: int) -> bool:
    return len(spans) >= count


async def _ids(database_url: str) -> dict[str, Any]:
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch("select reference, id from booking")
    await connection.close()
    return {row["reference"]: row["id"] for row in rows}


async def _all_sent(database_url: str) -> bool:
    connection = await asyncpg.connect(database_url)
    sent = await connection.fetchval("select count(*) from message where kind = 'confirmation' and status = 'sent'")
    await connection.close()
    return bool(sent == BOOKINGS)


async def _published_traces(database_url: str) -> dict[str, str]:
    """The trace of the request that made each booking, as its event has it."""
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        "select convert_from(payload, 'UTF8')::jsonb->'data'->>'booking' as booking, headers->>'traceparent' as parent"
        " from outbox where subject = 'events.booking.confirmed'"
    )
    await connection.close()
    return {row["booking"]: row["parent"].split("-")[1] for row in rows}


async def _stored_traces(database_url: str) -> dict[str, str]:
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        "select booking::text, trace->>'traceparent' as parent from message where kind = 'confirmation'"
    )
    await connection.close()
    return {row["booking"]: row["parent"].split("-")[1] for row in rows}
