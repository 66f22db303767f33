"""NATS JetStream: the streams, what a service reads from them, and what happens when a handler fails."""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import nats
import nats.errors
import nats.js.errors
from faststream import AckPolicy, BaseMiddleware, StreamMessage
from faststream.exceptions import AckMessage, NackMessage, RejectMessage
from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import AckPolicy as ConsumerAck
from nats.js.api import ConsumerConfig, DeliverPolicy, StorageType, StreamConfig
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import ValidationError
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit import database, roles
from kit import inbox as inbox_table
from kit.events import CloudEvent, Read

log = logging.getLogger(__name__)

BACKOFF_SECONDS = (0.5, 2, 10, 30, 120, 600)
MAX_DELIVERIES = 12
WORKERS = 8
ACK_WAIT_SECONDS = 10
WATCH_SECONDS = 10

STREAMS = (
    StreamConfig(
        name="EVENTS",
        subjects=["events.>"],
        max_age=timedelta(days=90).total_seconds(),
        storage=StorageType.FILE,
        duplicate_window=timedelta(minutes=5).total_seconds(),
        allow_atomic=True,
    ),
    StreamConfig(
        name="STATE",
        subjects=["state.>"],
        max_msgs_per_subject=1,
        storage=StorageType.FILE,
        duplicate_window=timedelta(minutes=5).total_seconds(),
        allow_atomic=True,
    ),
    StreamConfig(
        name="DEAD",
        subjects=["dead.>"],
        max_age=timedelta(days=90).total_seconds(),
        storage=StorageType.FILE,
    ),
    # What JetStream itself gave up on: the worker died at its last try and could not write a dead letter.
    StreamConfig(
        name="ADVISORIES",
        subjects=[
            "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>",
            "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>",
        ],
        max_age=timedelta(days=90).total_seconds(),
        storage=StorageType.FILE,
    ),
)


@dataclass(frozen=True)
class Handler:
    """What is done with one type of event: `handle(connection, event, now)`.

    Runs in a transaction that already remembers the event's id, as the service's reader (`kit.roles`); `now` is the
    present instant, in UTC.
    """

    data: type[Read]
    handle: Callable[[AsyncConnection, CloudEvent[Any], datetime], Awaitable[None]]


@dataclass(frozen=True)
class Reads:
    """What a service reads from one stream, through one durable consumer. Types not named here are passed over.

    With a `pause` (seconds) it is read one message at a time with that rest after each: what nobody waits for leaves
    the processor to those who wait.
    """

    service: str
    stream: str
    subjects: str
    handlers: Mapping[str, Handler]
    pause: float = 0.0

    @property
    def workers(self) -> int:
        """How many messages are handled at a time."""
        return 1 if self.pause else WORKERS

    @property
    def durable(self) -> str:
        """The consumer's name: `booking-state-directory`."""
        return "-".join([self.service, *(t for t in self.subjects.split(".") if t not in ("*", ">"))])

    @property
    def config(self) -> ConsumerConfig:
        """The consumer as it is provisioned: from the first message that the stream holds."""
        return ConsumerConfig(
            name=self.durable,
            durable_name=self.durable,
            filter_subject=self.subjects,
            ack_policy=ConsumerAck.EXPLICIT,
            deliver_policy=DeliverPolicy.ALL,
            ack_wait=ACK_WAIT_SECONDS,
            max_deliver=MAX_DELIVERIES + 1,
            max_ack_pending=WORKERS * 2,
        )


async def provision(client: Client, reads: Sequence[Reads]) -> None:
    """Create or update the streams and the consumers. Repeatable; loses nothing."""
    manager = client.jetstream()
    for stream in STREAMS:
        try:
            await manager.update_stream(stream)
        except nats.js.errors.NotFoundError:
            await manager.add_stream(stream)
    for read in reads:
        await manager.add_consumer(read.stream, read.config)


def inbox_prefix(service: str) -> str:
    """Replies to a service arrive here, where no other service may listen."""
    return f"_INBOX_{service}"


async def connect(url: str, seed: str | None, service: str) -> Client:
    """A connection that never gives up reconnecting; errors are logged, not raised."""

    async def note(error: Exception) -> None:
        log.warning("nats: %s", type(error).__name__)

    return await nats.connect(
        url,
        name=service,
        nkeys_seed_str=seed,
        inbox_prefix=inbox_prefix(service).encode(),
        max_reconnect_attempts=-1,
        reconnect_time_wait=1,
        error_cb=note,
    )


class Delivery(BaseMiddleware):
    """Around each message: the reader's span, growing delays between tries, and the dead letter after the last."""

    async def consume_scope(self, call_next: Callable[[Any], Awaitable[Any]], msg: StreamMessage[Any]) -> Any:
        service: str = self.context.get("service")
        raw = msg.raw_message
        where = ".".join(raw.subject.split(".")[:3])
        parent = propagate.extract({k.lower(): v for k, v in (msg.headers or {}).items()})
        tracer = trace.get_tracer(service)
        with tracer.start_as_current_span(
            f"process {where}",
            context=parent,
            kind=SpanKind.CONSUMER,
            attributes={"messaging.system": "nats", "messaging.destination.name": where},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                return await call_next(msg)
            except (AckMessage, NackMessage, RejectMessage):
                raise
            except Exception as error:
                span.set_status(StatusCode.ERROR, type(error).__name__)
                if not raw.reply.startswith("$JS.ACK"):
                    raise  # a question, not a stream's message: no answer means that the asker tries again
                metadata = raw.metadata
                tries = metadata.num_delivered
                poison = isinstance(error, ValidationError)
                if not poison and tries < MAX_DELIVERIES:
                    delay = BACKOFF_SECONDS[min(tries, len(BACKOFF_SECONDS)) - 1]
                    log.warning("%s failed (%s), try %d, again in %s s", where, type(error).__name__, tries, delay)
                    raise NackMessage(delay=delay) from error
                log.exception("%s is a dead letter after %d tries", where, tries)
                jetstream: JetStreamContext = self.context.get("jetstream")
                headers = {
                    **(raw.headers or {}),
                    "Samtid-Error": type(error).__name__,
                    "Samtid-Subject": raw.subject,
                    "Samtid-Deliveries": str(tries),
                    "Nats-Msg-Id": f"dead-{metadata.consumer}-{metadata.sequence.stream}",
                }
                for header in ("Nats-Batch-Id", "Nats-Batch-Sequence", "Nats-Batch-Commit"):
                    headers.pop(header, None)
                await jetstream.publish(f"dead.{metadata.consumer}", raw.data, stream="DEAD", headers=headers)
                raise RejectMessage from error


def broker(url: str, seed: str | None, service: str, client: Client) -> NatsBroker:
    """A FastStream broker for one service; `client` is the service's own connection, used for dead letters."""
    made = NatsBroker(
        url,
        name=f"{service} readers",
        nkeys_seed_str=seed,
        inbox_prefix=inbox_prefix(service),
        max_reconnect_attempts=-1,
        reconnect_time_wait=1,
        middlewares=[Delivery],
        logger=None,
        graceful_timeout=10,
    )
    made.context.set_global("service", service)
    made.context.set_global("jetstream", client.jetstream())
    return made


def subscribe(
    broker: NatsBroker,
    reads: Reads,
    engine: AsyncEngine,
    inbox: Table,
    clock: Callable[[], datetime],
    handled: Callable[[], None] = lambda: None,
) -> None:
    """Read one stream: each message is one transaction, opened and committed here, with its event's id in the inbox.

    `handled` is called after each commit.
    """

    @broker.subscriber(
        reads.subjects,
        stream=JStream(reads.stream, declare=False),
        durable=reads.durable,
        pull_sub=PullSub(batch_size=reads.workers, timeout=1),
        max_workers=reads.workers,
        ack_policy=AckPolicy.NACK_ON_ERROR,
        inbox_prefix=f"{inbox_prefix(reads.service)}.".encode(),
    )
    async def receive(message: NatsMessage) -> None:
        await handle(reads, message.body, engine, inbox, clock())
        handled()
        if reads.pause:
            await asyncio.sleep(reads.pause)


class _Typed(Read):
    type: str


async def handle(reads: Reads, body: bytes, engine: AsyncEngine, inbox: Table, now: datetime) -> None:
    """Do what `reads` says with one event, once. Raises ValidationError for an event that cannot be read."""
    handler = reads.handlers.get(_Typed.model_validate_json(body).type)
    if handler is None:
        return
    event = CloudEvent[handler.data].model_validate_json(body)  # type: ignore[name-defined]
    async with database.begin(engine, role=roles.reader(reads.service)) as connection:
        if await inbox_table.first_time(connection, inbox, reads.durable, event.id):
            await handler.handle(connection, event, now)


async def replay(client: Client, reads: Reads) -> None:
    """Make the consumer anew, so that it starts from the first message of the stream: for an empty database."""
    manager = client.jetstream()
    try:
        await manager.delete_consumer(reads.stream, reads.durable)
    except nats.js.errors.NotFoundError:
        log.info("consumer %s did not exist yet", reads.durable)
    await manager.add_consumer(reads.stream, reads.config)


async def pending(client: Client, reads: Reads) -> int:
    """How many messages this service has yet to handle. Raises NotFoundError where the consumer is gone."""
    info = await client.jetstream().consumer_info(reads.stream, reads.durable)
    return (info.num_pending or 0) + (info.num_ack_pending or 0)


async def watch(client: Client, reads: Sequence[Reads]) -> None:
    """End the process when a consumer of ours is gone: its subscriber is dead and would not say so."""
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        for read in reads:
            try:
                await pending(client, read)
            except nats.js.errors.NotFoundError:
                log.critical("consumer %s is gone; run `samtid provision` and start again", read.durable)
                os.kill(os.getpid(), signal.SIGTERM)
                return
            except (nats.errors.Error, TimeoutError):
                log.warning("cannot ask for consumer %s: NATS does not answer", read.durable)
