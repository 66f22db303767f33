"""NATS JetStream: the streams, what a service reads from them, and how one event is handled once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js.api import AckPolicy as ConsumerAck
from nats.js.api import ConsumerConfig, DeliverPolicy, StorageType, StreamConfig
from pydantic import ValidationError
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit import database, roles
from kit import inbox as inbox_table
from kit.events import CloudEvent, Read

log = logging.getLogger(__name__)

WORKERS = 8
# A message whose reader was not heard of for so long is given to another one.
ACK_WAIT_SECONDS = 10
CONNECT_SECONDS = 5
CONNECT_AGAIN_SECONDS = 1
# A server that leaves two in a row unanswered is given up.
PING_SECONDS = 10
# How far the clocks of two services may lie apart.
AHEAD = timedelta(minutes=5)
# Messages that failed wait here for their next try, while others pass them.
ACK_PENDING = 1000

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
        # A relay may have several at once.
        allow_atomic=True,
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
    the processor to those who wait. State is read one message at a time too: its handlers wait for one another, and
    each that waits would keep a connection from the requests. `known` is SQL that says whether the service's database
    holds already what this brings: one that does not is filled from the first message of the stream, and the service is
    not ready before.
    """

    service: str
    stream: str
    subjects: str
    handlers: Mapping[str, Handler]
    pause: float = 0.0
    known: str = "select true"

    @property
    def workers(self) -> int:
        """How many messages are handled at a time."""
        return 1 if self.pause or self.stream == "STATE" else WORKERS

    @property
    def durable(self) -> str:
        """The consumer's name: `booking-state-directory`."""
        return "-".join([self.service, *(t for t in self.subjects.split(".") if t not in ("*", ">"))])

    @property
    def config(self) -> ConsumerConfig:
        """The consumer as it is provisioned: from the first message that the stream holds.

        It delivers without end: who gives up a message, and when, is for `kit.readers` to say.
        """
        return ConsumerConfig(
            name=self.durable,
            durable_name=self.durable,
            filter_subject=self.subjects,
            ack_policy=ConsumerAck.EXPLICIT,
            deliver_policy=DeliverPolicy.ALL,
            ack_wait=ACK_WAIT_SECONDS,
            max_deliver=-1,
            max_ack_pending=ACK_PENDING,
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


@dataclass
class Link:
    """A service's way to NATS: the client of the present connection, or of the last one."""

    client: Client = field(default_factory=Client)


async def connect_once(url: str, seed: str | None, user: str, note: Callable[[Exception], Awaitable[None]]) -> Client:
    """A connection that ends for good when it ends; what is wrong with it then goes to `note`.

    The client's own way to connect again is not used: where the server says why it ends a connection, the client
    closes, and cannot be connected again. Raises an error of NATS or OSError.
    """
    made = Client()
    try:
        await made.connect(
            url,
            name=user,
            nkeys_seed_str=seed,
            inbox_prefix=inbox_prefix(user).encode(),
            allow_reconnect=False,
            # Twice: with 0, nats-py tries for ever within this one call.
            max_reconnect_attempts=1,
            reconnect_time_wait=CONNECT_AGAIN_SECONDS,
            connect_timeout=CONNECT_SECONDS,
            ping_interval=PING_SECONDS,
            error_cb=note,
        )
    except BaseException:
        # Also of a service that ends just now: the client leaves open what it has.
        await close(made)
        raise
    return made


def is_refused(error: Exception) -> bool:
    """Whether NATS answered that the key is not one of its users'."""
    return "authorization" in str(error).lower()


async def connect(url: str, seed: str | None, service: str) -> Client:
    """The same, tried for until it is there; errors are logged, not raised."""
    said = ""

    async def note(error: Exception) -> None:
        # Each try fails in the same way, once a second.
        nonlocal said
        if said != (said := type(error).__name__):
            log.warning("nats: %s", said)

    while True:
        try:
            return await connect_once(url, seed, service, note)
        except (nats.errors.Error, OSError) as error:
            await note(error)
            await asyncio.sleep(CONNECT_AGAIN_SECONDS)


async def close(client: Client) -> None:
    """End a connection, whatever became of it; one that never was, too."""
    try:
        with suppress(nats.errors.Error, OSError, AssertionError):
            await client.close()
    finally:
        # What is told to end meanwhile takes the client for closed already, and so would the next to close it.
        if client._transport:  # noqa: SLF001
            client._transport.close()  # type: ignore[no-untyped-call]  # noqa: SLF001


class UnreadableEventError(ValueError):
    """An event that is no event, or not what its type says: trying again does not help."""


class FutureEpochError(ValueError):
    """A state of an epoch that has not begun by this clock, which may be slow."""


class _Typed(Read):
    type: str


async def handle(reads: Reads, body: bytes, engine: AsyncEngine, inbox: Table, now: datetime) -> None:
    """Do what `reads` says with one event, once.

    Raises UnreadableEventError for an event that cannot be read, and FutureEpochError for one that cannot be yet.
    """
    try:
        handler = reads.handlers.get(_Typed.model_validate_json(body).type)
        if handler is None:
            return
        event = CloudEvent[handler.data].model_validate_json(body)  # type: ignore[name-defined]
    except ValidationError as error:
        # Without its text, which repeats what was sent.
        raise UnreadableEventError(error.title) from None
    if event.epoch and event.epoch > now + AHEAD:
        # Nobody could outdate it for so long.
        raise FutureEpochError
    async with database.begin(engine, role=roles.reader(reads.service), seconds=database.JOB_SECONDS) as connection:
        if await inbox_table.first_time(connection, inbox, reads.durable, event.id):
            await handler.handle(connection, event, now)


async def replay(client: Client, reads: Reads) -> None:
    """Have the consumer start from the first message of the stream: for an empty database.

    Raises NotFoundError where there is no consumer.
    """
    manager = client.jetstream()
    # To reset what is not there is answered by nobody.
    await manager.consumer_info(reads.stream, reads.durable)
    await manager.reset_consumer(reads.stream, reads.durable, 1)
