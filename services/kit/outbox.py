"""The outbox: an event is a row in the transaction that it tells of; only the relay talks to the broker.

Published facts are kept for 30 days and state for ever, so that JetStream's storage can be lost and filled again.

Rows of one stream are published in the order in which they were written, and wait where the stream is lost, while those
of the other streams go on. There is one exception: a row that NATS refuses is put aside and tried again each minute,
and those behind it go on. No reader stands on the order of arrival, for versions say what is newer; and a state that
was put aside is not published any more once a later one of the same entity was.
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
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit import roles
from kit.database import Connection, driver, transaction
from kit.events import CONTENT_TYPE, EventData, EventType
from kit.messaging import Link

log = logging.getLogger(__name__)

BATCH = 500
POLL_SECONDS = 0.25
ACK_SECONDS = 5
KEEP_DAYS = 30
# What NATS refuses for itself (too large, not permitted) is tried again so often.
RETRY_REFUSED_SECONDS = 60
# A stream that is lost is looked for so often.
LOST_SECONDS = 1
# One relay per database publishes, so that the events of one aggregate keep their order; the others stand by.
RELAY_LOCK = 7_269_841
# The lead is a lock of a session that PostgreSQL ends when it was silent for so long: a relay that stands still loses
# it. One that goes on again notices before it publishes, for it speaks to PostgreSQL at least twice in that time. What
# it had handed to NATS just before was published by the next one too, and NATS drops it as a duplicate (5 minutes); a
# batch that was not finished is thrown away by NATS after 10 seconds.
LEASE_SECONDS = 10
LEASE = f"set idle_session_timeout = '{LEASE_SECONDS}s'; set tcp_user_timeout = '{LEASE_SECONDS}s'"
NO_LEASE = "reset idle_session_timeout; reset tcp_user_timeout"
# JetStream's own failures (no space, no quorum) have codes from here on and pass; below, it is the message's fault.
SERVER_FAULT = 500
# Batches are refused whole: where an earlier run published some of it and died before it could mark them, and while
# others have too many of them open.
USUAL = (10201, 10176, 10210)
# For the headers that a relay adds to a row's own.
HEADERS_BYTES = 256

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
CLAIM = """
select id, event_id, subject, payload, headers from outbox
where published_at is null and id <> all($2::bigint[]) and split_part(subject, '.', 1) <> all($3::text[])
order by id limit $1
"""
PUBLISHED = "update outbox set published_at = clock_timestamp() where id = any($1::bigint[])"
# After `republish` there may be as many as there are rows; whether it is 100 000 or more changes nothing.
WAITING = """
select (select count(*) from (select from outbox where published_at is null limit 100000) as counted) as number,
    coalesce((select extract(epoch from clock_timestamp() - created_at) from outbox
              where published_at is null order by id limit 1), 0)::float8 as age
"""
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


def row(event: EventType, *, entity_id: str, data: EventData, now: datetime, epoch: datetime | None = None) -> Row:
    """The row for one event, with the epoch of a state.

    Opens the producer span, whose context every reader's span will descend from.
    """
    event_id = uuid4()
    carrier = {"content-type": CONTENT_TYPE}
    with _tracer(event.service).start_as_current_span(f"create {event.name}", kind=SpanKind.PRODUCER):
        propagate.inject(carrier)
    payload = event.encode(event_id=event_id, entity_id=entity_id, data=data, now=now, epoch=epoch)
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


async def waiting(connection: Connection) -> tuple[int, float]:
    """How many events wait to be published (100 000 at most), and how old the oldest is, in seconds."""
    row = await connection.fetchrow(WAITING)
    return row["number"], row["age"]


async def republish(connection: Connection) -> int:
    """Have the relay publish all that is kept once more, with the same ids; how many rows that is.

    For when JetStream's storage is lost. Readers drop what they have seen already.
    """
    status = await connection.execute("update outbox set published_at = null where published_at is not null")
    return int(status.split()[-1])


async def republish_all(engine: AsyncEngine, service: str) -> int:
    """The same for the whole outbox of a service, as its relay."""
    async with transaction(engine, role=roles.relay(service)) as connection:
        return await republish(connection)


class Relay:
    """Publishes outbox rows to JetStream, in order, at least once; readers drop what they have seen."""

    def __init__(self, service: str, engine: AsyncEngine, link: Link) -> None:
        self.service = service
        self.engine = engine
        self.link = link
        self._wake = asyncio.Event()
        self._led_at = -float("inf")
        # The rows that were put aside, with their subjects, and when they are tried again.
        self._refused: dict[int, str] = {}
        self._again_at = 0.0
        # The streams that are lost, by the first word of their subjects, and when they are looked for again.
        self._lost: dict[str, float] = {}
        # Why nothing was published lately, which is said once.
        self._paused = ""

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
                SQLAlchemyError,
                nats.errors.Error,
                TimeoutError,
            ) as error:
                if (reason := type(error).__name__) != self._paused:
                    log.warning("relay of %s pauses: %s", self.service, reason)
                    self._paused = reason
                await asyncio.sleep(POLL_SECONDS)

    async def _run_as_leader(self) -> None:
        async with driver(self.engine, role=roles.relay(self.service)) as connection:
            while not await connection.fetchval("select pg_try_advisory_lock($1)", RELAY_LOCK):
                await asyncio.sleep(1)
            try:
                # A mark that is lost in a crash means that its event is published again, and readers drop it: so the
                # relay need not make bookings wait for one more write to disk.
                await connection.execute(f"set synchronous_commit = off; {LEASE}")
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
                    await connection.execute(f"reset synchronous_commit; {NO_LEASE}")
                    await connection.execute("select pg_advisory_unlock($1)", RELAY_LOCK)

    async def publish_batch(self, connection: Connection) -> int:
        """Publish up to one batch and mark it; how many rows that were. A crash in between publishes them again."""
        if time.monotonic() > self._again_at:
            self._again_at = time.monotonic() + RETRY_REFUSED_SECONDS
            self._refused.clear()
        lost = [kind for kind, again_at in self._lost.items() if time.monotonic() < again_at]
        rows = await connection.fetch(CLAIM, BATCH, list(self._refused), lost)
        if rows:
            started = time.time_ns()
            if not self.link.client.is_connected:
                raise nats.errors.ConnectionClosedError
            for kind, group in groupby(sorted(rows, key=_kind), key=_kind):
                await self._publish_kind(connection, kind, list(group))
            done = [r for r in rows if r["id"] not in self._refused and _kind(r) not in self._lost]
            await connection.execute(PUBLISHED, [r["id"] for r in done] + self._superseded(done))
            self._paused = ""
            self._trace(done, started)
        return len(rows)

    async def _keep_lead(self, connection: Connection) -> None:
        """Return only to whoever leads still; raises as any statement does whose session PostgreSQL has ended."""
        while time.monotonic() > self._led_at + LEASE_SECONDS / 2:
            led_at = time.monotonic()
            await connection.execute("select 1")
            self._led_at = led_at

    async def _publish_kind(self, connection: Connection, kind: str, rows: list[asyncpg.Record]) -> None:
        """Publish rows of one stream, or have them wait where nobody takes them: the stream is lost."""
        try:
            await self._publish(connection, rows)
        except (nats.errors.NoRespondersError, nats.js.errors.NoStreamResponseError):
            if kind not in self._lost:
                log.error(  # noqa: TRY400 - all is said
                    "relay of %s: no stream takes %s.>, which waits; run `samtid provision`", self.service, kind
                )
            self._lost[kind] = time.monotonic() + LOST_SECONDS
        else:
            self._lost.pop(kind, None)

    async def _publish(self, connection: Connection, rows: list[asyncpg.Record]) -> None:
        """Publish rows of one stream: as an atomic batch, which is 20 times as fast, or else one by one."""
        fit = [r for r in rows if self._fits(r)]
        if len(fit) > 1:
            await self._keep_lead(connection)
            error = await self._publish_at_once(fit)
            if error is None:
                return
            if error not in USUAL:
                log.warning("relay of %s: no batch (%s), one by one", self.service, error)
        for r in fit:
            await self._keep_lead(connection)
            await self._publish_one(r)

    async def _publish_at_once(self, rows: list[asyncpg.Record]) -> int | str | None:
        """What NATS had against the batch: its code, or silence; None where all of it is published."""
        client, batch = self.link.client, uuid4().hex
        for number, r in enumerate(rows[:-1], 1):
            headers = {**_headers(r), "Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number)}
            await client.publish(r["subject"], r["payload"], headers=headers)
        last = rows[-1]
        headers = {**_headers(last), "Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(len(rows))}
        headers["Nats-Batch-Commit"] = "1"
        try:
            reply = await client.request(last["subject"], last["payload"], timeout=ACK_SECONDS, headers=headers)
        except TimeoutError:
            return "no answer"
        error: dict[str, Any] | None = json.loads(reply.data).get("error")
        return error.get("err_code", "no code") if error else None

    async def _publish_one(self, r: asyncpg.Record) -> None:
        """Publish one row, or put it aside where NATS takes others and not this one."""
        try:
            await self.link.client.jetstream().publish(
                r["subject"], r["payload"], timeout=ACK_SECONDS, headers=_headers(r)
            )
        except nats.js.errors.APIError as error:
            if (error.code or SERVER_FAULT) >= SERVER_FAULT:
                raise
            self._put_aside(r, str(error.err_code))
        except nats.errors.TimeoutError:
            # Nobody answers to what is not permitted. Where the server is away, it does not answer to this either.
            await self.link.client.flush(ACK_SECONDS)
            self._put_aside(r, "no answer")

    def _fits(self, r: asyncpg.Record) -> bool:
        """Whether NATS takes a message of this size; if not, it would end the connection of whoever sent it."""
        room = self.link.client.max_payload - len(r["payload"]) - HEADERS_BYTES
        if fits := room >= sum(len(k) + len(str(v)) + 4 for k, v in r["headers"].items()):
            return fits
        self._put_aside(r, "too large")
        return False

    def _put_aside(self, r: asyncpg.Record, why: str) -> None:
        self._refused[r["id"]] = r["subject"]
        log.error(
            "event %s of %s is refused by NATS (%s): it waits while others go on, and is tried again in %d s",
            r["event_id"],
            ".".join(r["subject"].split(".")[:3]),
            why,
            RETRY_REFUSED_SECONDS,
        )

    def _superseded(self, done: Sequence[asyncpg.Record]) -> list[int]:
        """The states put aside of which a later one was published: they would overwrite it as the stream's last."""
        last = {r["subject"]: r["id"] for r in done if r["subject"].startswith("state.")}
        return [number for number, subject in self._refused.items() if number < last.get(subject, 0)]

    def _trace(self, rows: Sequence[asyncpg.Record], started: int) -> None:
        """One span per row beside its reader's, so that a trace shows how long an event waited to be published."""
        finished = time.time_ns()
        relay = _tracer(self.service)
        for r in rows:
            context = propagate.extract(r["headers"])
            name = ".".join(r["subject"].split(".")[:3])
            span = relay.start_span(f"relay {name}", context=context, kind=SpanKind.PRODUCER, start_time=started)
            span.end(finished)


def _kind(r: asyncpg.Record) -> str:
    """The first word of a row's subject, which says to which stream it goes."""
    kind: str = r["subject"].split(".", 1)[0]
    return kind


def _headers(r: asyncpg.Record) -> dict[str, Any]:
    return {**r["headers"], "Nats-Msg-Id": r["event_id"].hex}
