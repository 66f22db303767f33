"""The outbox: an event is a row in the transaction that it tells of; only the relay talks to the broker.

Published facts are kept for 30 days and state for ever, so that JetStream's storage can be lost and filled again.
"""

import asyncio
import json
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import nats.errors
import nats.js.errors
from nats.aio.client import Client
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    insert,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit import roles
from kit.database import Connection, driver
from kit.events import CONTENT_TYPE, EventData, EventType

log = logging.getLogger(__name__)

BATCH = 500
POLL_SECONDS = 0.25
ACK_SECONDS = 5
KEEP_DAYS = 30
# One relay per database publishes, so that the events of one aggregate keep their order; the others stand by.
RELAY_LOCK = 7_269_841
DUPLICATE_IN_BATCH = 10201

DDL_V1 = """
create table outbox (
    id bigint generated always as identity primary key,
    event_id uuid not null,
    subject text not null,
    payload bytea not null,
    headers jsonb not null,
    created_at timestamptz not null default clock_timestamp(),
    published_at timestamptz
);
create index outbox_unpublished on outbox (id) where published_at is null;
create index outbox_published on outbox (published_at) where published_at is not null;
"""

INSERT = "insert into outbox (event_id, subject, payload, headers) values ($1, $2, $3, $4)"
CLAIM = "select id, event_id, subject, payload, headers from outbox where published_at is null order by id limit $1"
PUBLISHED = "update outbox set published_at = clock_timestamp() where id = any($1::bigint[])"
# The last state of an entity may be years old and must be there to publish again; facts are kept for a while.
PURGE = "delete from outbox where published_at < $1 and subject like 'events.%'"


def grants(service: str, *writers: str) -> str:
    """SQL that lets the relay publish, and `writers` add events that they cannot read again."""
    sql = f"grant select, update, delete on outbox to {roles.relay(service)};\n"
    return sql + (f"grant insert on outbox to {', '.join(writers)};\n" if writers else "")


def table(metadata: MetaData) -> Table:
    """The outbox table of a service."""
    made = Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("event_id", Uuid, nullable=False),
        Column("subject", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("headers", JSONB, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
        Column("published_at", DateTime(timezone=True)),
    )
    Index("outbox_unpublished", made.c.id, postgresql_where=made.c.published_at.is_(None))
    Index("outbox_published", made.c.published_at, postgresql_where=made.c.published_at.is_not(None))
    return made


@dataclass(frozen=True)
class Row:
    """One event, ready to be written. `headers` is JSON and carries the trace of whoever caused it."""

    event_id: UUID
    subject: str
    payload: bytes
    headers: str


@lru_cache
def _tracer(service: str) -> trace.Tracer:
    return trace.get_tracer(service)


def row(event: EventType, *, entity_id: str, data: EventData, now: datetime) -> Row:
    """The row for one event. Opens the producer span, whose context every reader's span will descend from."""
    event_id = uuid4()
    carrier = {"content-type": CONTENT_TYPE}
    with _tracer(event.service).start_as_current_span(f"create {event.name}", kind=SpanKind.PRODUCER):
        propagate.inject(carrier)
    payload = event.encode(event_id=event_id, entity_id=entity_id, data=data, now=now)
    return Row(event_id, event.subject(entity_id), payload, json.dumps(carrier))


async def add(connection: AsyncConnection, outbox: Table, rows: Sequence[Row]) -> None:
    """Write events in the caller's transaction."""
    if rows:
        await connection.execute(
            insert(outbox).inline(),
            [
                {
                    "event_id": r.event_id,
                    "subject": r.subject,
                    "payload": r.payload,
                    "headers": json.loads(r.headers),
                }
                for r in rows
            ],
        )


async def write(connection: Connection, event: Row) -> None:
    """Write one event in the transaction of the driver's connection."""
    await connection.execute(INSERT, event.event_id, event.subject, event.payload, event.headers)


async def purge(connection: Connection, now: datetime) -> None:
    """Drop published facts that are older than `KEEP_DAYS`."""
    await connection.execute(PURGE, now - timedelta(days=KEEP_DAYS))


async def republish(connection: Connection) -> int:
    """Have the relay publish all that is kept once more, with the same ids; how many rows that is.

    For when JetStream's storage is lost. Readers drop what they have seen already.
    """
    status = await connection.execute("update outbox set published_at = null where published_at is not null")
    return int(status.split()[-1])


class Relay:
    """Publishes outbox rows to JetStream, in order, at least once; readers drop what they have seen."""

    def __init__(self, service: str, engine: AsyncEngine, client: Client) -> None:
        self.service = service
        self.engine = engine
        self.client = client
        self.jetstream = client.jetstream()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Tell the relay that something was committed, so that it need not wait for its next poll."""
        self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled. Every failure is retried for ever: the rows are safe in the database."""
        while True:
            try:
                await self._run_as_leader()
            except (
                OSError,
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
                nats.errors.Error,
                TimeoutError,
            ) as error:
                log.warning("relay of %s pauses: %s", self.service, type(error).__name__)
                self.jetstream = self.client.jetstream()
                await asyncio.sleep(POLL_SECONDS)

    async def _run_as_leader(self) -> None:
        async with driver(self.engine, role=roles.relay(self.service)) as connection:
            while not await connection.fetchval("select pg_try_advisory_lock($1)", RELAY_LOCK):
                await asyncio.sleep(1)
            try:
                # A mark that is lost in a crash means that its event is published again, and readers drop it: so the
                # relay need not make bookings wait for one more write to disk.
                await connection.execute("set synchronous_commit = off")
                while True:
                    self._wake.clear()
                    if await self.publish_batch(connection):
                        continue
                    # Not wait_for: Python 3.11's loses a cancellation that comes together with what it waits for.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(POLL_SECONDS):
                            await self._wake.wait()
            finally:
                if not connection.is_closed():
                    await connection.execute("reset synchronous_commit")
                    await connection.execute("select pg_advisory_unlock($1)", RELAY_LOCK)

    async def publish_batch(self, connection: Connection) -> int:
        """Publish up to one batch and mark it; how many rows that were. A crash in between publishes them again."""
        rows = await connection.fetch(CLAIM, BATCH)
        if rows:
            started = time.time_ns()
            for _, group in groupby(rows, key=lambda r: r["subject"].split(".", 1)[0]):
                await self._publish(list(group))
            await connection.execute(PUBLISHED, [r["id"] for r in rows])
            self._trace(rows, started)
        return len(rows)

    async def _publish(self, rows: list[asyncpg.Record]) -> None:
        """Publish rows of one stream: one by itself, more as an atomic batch, which is 20 times as fast."""
        if len(rows) == 1:
            await self._publish_each(rows)
            return
        batch = uuid4().hex
        for number, r in enumerate(rows, 1):
            headers = {**_headers(r), "Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number)}
            if number < len(rows):
                await self.client.publish(r["subject"], r["payload"], headers=headers)
                continue
            headers["Nats-Batch-Commit"] = "1"
            reply = await self.client.request(r["subject"], r["payload"], timeout=ACK_SECONDS, headers=headers)
            error = json.loads(reply.data).get("error")
        if error and error.get("err_code") != DUPLICATE_IN_BATCH:
            raise nats.js.errors.APIError.from_error(error)
        if error:  # an earlier run published some of these and died before it could mark them
            await self._publish_each(rows)

    async def _publish_each(self, rows: list[asyncpg.Record]) -> None:
        for r in rows:
            await self.jetstream.publish(r["subject"], r["payload"], timeout=ACK_SECONDS, headers=_headers(r))

    def _trace(self, rows: Sequence[asyncpg.Record], started: int) -> None:
        """One span per row beside its reader's, so that a trace shows how long an event waited to be published."""
        finished = time.time_ns()
        relay = _tracer(self.service)
        for r in rows:
            context = propagate.extract(r["headers"])
            name = ".".join(r["subject"].split(".")[:3])
            span = relay.start_span(f"relay {name}", context=context, kind=SpanKind.PRODUCER, start_time=started)
            span.end(finished)


def _headers(r: asyncpg.Record) -> dict[str, Any]:
    return {**r["headers"], "Nats-Msg-Id": r["event_id"].hex}
