"""Readers: each reads one stream for a service, and what happens when it cannot, or when a handler fails.

A reader that finds no consumer, or no NATS, says so and waits for it; the service goes on without.

- An event that cannot be read is a dead letter at once.
- While the database or the key store is away, the event is tried again without end, in the hands of the same worker.
- Any other failure, also that the database gave the handler up, is tried again later and later, and the event is a dead
  letter after it failed `MAX_TRIES` times in one process: what was handed out and put back has not failed.

A dead letter is the event as it was, on `dead.<consumer>`, with the reason in its headers (`samtid dead`).
"""

import asyncio
import json
import logging
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from itertools import chain, repeat
from uuid import UUID

import nats.errors
from nats.aio.msg import Msg
from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, StatusCode
from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database, ending, messaging, metrics, roles
from kit.messaging import ACK_WAIT_SECONDS, Link, Reads, UnreadableEventError
from kit.outage import is_outage, took_too_long

log = logging.getLogger(__name__)

MAX_TRIES = 12
BACKOFF_SECONDS = (0.5, 2, 10, 30, 120, 600)
# While the database or the key store is away.
OUTAGE_SECONDS = (0.5, 1, 2, 5, 10, 30, 60)
# Whoever dies of a message cannot give it up: one that was given out so often, and never ended, is given up unread.
MAX_DELIVERIES = 50
FETCH_SECONDS = 3
CHECK_SECONDS = 5
DOWN_SECONDS = 1
REQUEST_SECONDS = 2
_TYPE = re.compile(r"se\.samtid(\.[a-z0-9-]{1,40}){1,4}")
# What the publisher's batch said of itself, which is not true of a dead letter.
_OF_BATCHES = ("Nats-Batch-Id", "Nats-Batch-Sequence", "Nats-Batch-Commit")


class NeverEndedError(RuntimeError):
    """Every process that took this message up ended before it was done with it."""


class Reader:
    """One reader of a service in this process. `caught_up` is true once all that the stream held was tried once."""

    def __init__(
        self,
        link: Link,
        reads: Reads,
        engine: AsyncEngine,
        inbox: Table,
        clock: Callable[[], datetime],
        handled: Callable[[], None] = lambda: None,
    ) -> None:
        self.reads = reads
        self.caught_up = False
        self._link = link
        self._engine = engine
        self._inbox = inbox
        self._clock = clock
        self._handled = handled
        self._attributes = {metrics.SERVICE: reads.service, metrics.READER: reads.durable}
        # The workers that have a message in hand, and those of them that wait for the database.
        self._busy: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Task[None]] = set()
        # How often each message failed here, by its sequence.
        self._failures: Counter[int] = Counter()
        self._known: bool | None = None
        self._down: str | None = ""
        self._floor = 0
        self._moved_at = time.monotonic()

    async def run(self) -> None:
        """Read until cancelled; what is being handled then is finished. Where nothing can be read, wait and say so."""
        begun = False
        try:
            while True:
                try:
                    if not begun:
                        await self._begin()
                        begun = True
                    await self._check()
                    await self._read()
                except (nats.errors.Error, OSError) as error:
                    self._say(type(error).__name__)
                await asyncio.sleep(DOWN_SECONDS)
        finally:
            for task in self._waiting:
                task.cancel()
            await ending.finish(set(self._busy))

    async def _begin(self) -> None:
        """Have an empty database hear all that the stream holds; nobody need wait where it knows something."""
        if self._known is None:
            async with database.begin(self._engine, role=roles.reader(self.reads.service)) as connection:
                self._known = self.caught_up = bool(await connection.scalar(text(self.reads.known)))
        if not self._known:
            self._must_be_connected()
            await messaging.replay(self._link.client, self.reads)

    async def _check(self) -> None:
        """Look at the consumer. Raises an error of NATS where it, its stream or NATS is not there."""
        self._must_be_connected()
        manager = self._link.client.jetstream(timeout=REQUEST_SECONDS)
        info = await manager.consumer_info(self.reads.stream, self.reads.durable)
        now = time.monotonic()
        waiting = (info.num_pending or 0) + (info.num_ack_pending or 0)
        floor = (info.ack_floor.stream_seq if info.ack_floor else 0) or 0
        if not waiting or floor != self._floor:
            self._moved_at, self._floor = now, floor
        for sequence in [number for number in self._failures if number <= floor]:
            del self._failures[sequence]
        if not info.num_pending and not self._busy:
            self.caught_up = True
        metrics.reader_pending.set(waiting, self._attributes)
        metrics.reader_oldest.set(now - self._moved_at if waiting else 0, self._attributes)
        self._say(None)

    def _must_be_connected(self) -> None:
        if not self._link.client.is_connected:
            raise nats.errors.ConnectionClosedError

    def _say(self, down: str | None) -> None:
        """Tell whether the reader is down, and why; in the log when that changes."""
        metrics.reader_up.set(0 if down else 1, self._attributes)
        if down == self._down:
            return
        if down:
            log.error(
                "reader %s is down (%s) and waits; where its consumer is lost, run `samtid provision`",
                self.reads.durable,
                down,
            )
        else:
            log.info("reader %s reads", self.reads.durable)
        self._down = down

    async def _read(self) -> None:
        """Have workers read, and look at the consumer now and then. Raises where it is gone, or what ended a worker."""
        end = asyncio.Event()
        workers = [asyncio.create_task(self._work(end)) for _ in range(self.reads.workers)]
        try:
            while True:
                ended, _ = await asyncio.wait(workers, timeout=CHECK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                for worker in ended:
                    worker.result()
                await self._check()
        finally:
            end.set()
            idle = set(workers) - self._busy
            for task in idle:
                task.cancel()
            # All of them have ended with their connection, and one has told.
            await asyncio.gather(*idle, return_exceptions=True)

    async def _work(self, end: asyncio.Event) -> None:
        """Take one message after the other: a worker that waits for the database keeps none from the other readers."""
        me = asyncio.current_task()
        assert me is not None, "run as a task"
        inbox = f"{messaging.inbox_prefix(self.reads.service)}.".encode()
        client = self._link.client
        subscription = await client.jetstream().pull_subscribe_bind(
            self.reads.durable, self.reads.stream, inbox_prefix=inbox
        )
        try:
            while not end.is_set():
                try:
                    (message,) = await subscription.fetch(1, timeout=FETCH_SECONDS)
                except nats.errors.TimeoutError:
                    continue
                except nats.errors.Error:
                    if client.is_closed:
                        raise
                    # Nobody answers, at once: without a rest this would be asked thousands of times a second.
                    await asyncio.sleep(DOWN_SECONDS)
                    continue
                self._busy.add(me)
                try:
                    await self._deliver(message)
                    await asyncio.sleep(self.reads.pause)
                except (nats.errors.Error, OSError) as error:
                    # It was not acknowledged and comes again; what was done is in the inbox.
                    log.warning("reader %s acknowledges in vain: %s", self.reads.durable, type(error).__name__)
                finally:
                    self._busy.discard(me)
                    self.caught_up |= not message.metadata.num_pending and not self._busy
        finally:
            with suppress(nats.errors.Error):
                await subscription.unsubscribe()

    async def _deliver(self, message: Msg) -> None:
        """Handle one message, whatever comes of it: acknowledged, put back, or given up."""
        with span(self.reads.service, message) as made:
            try:
                async with _held(message):
                    await self._handle(message)
            except Exception as error:  # noqa: BLE001 - a handler's, which is logged and tried again or a dead letter
                made.set_status(StatusCode.ERROR, type(error).__name__)
                await self._fail(message, error)
            else:
                await message.ack()
                self._handled()

    async def _handle(self, message: Msg) -> None:
        """Handle a message, and wait as long as it takes for a database or a key store that is away."""
        if message.metadata.num_delivered > MAX_DELIVERIES:
            raise NeverEndedError
        delays = chain(OUTAGE_SECONDS, repeat(OUTAGE_SECONDS[-1]))
        while True:
            try:
                await messaging.handle(self.reads, message.data, self._engine, self._inbox, self._clock())
            except Exception as error:
                if not is_outage(error) or took_too_long(error):
                    raise
                delay = next(delays)
                self._tell_retry(message, error, delay)
            else:
                return
            await self._wait(message, delay)

    async def _wait(self, message: Msg, seconds: float) -> None:
        me = asyncio.current_task()
        assert me is not None, "run as a task"
        self._waiting.add(me)
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            with suppress(nats.errors.Error, OSError):
                await message.nak()
            raise
        finally:
            self._waiting.discard(me)

    async def _fail(self, message: Msg, error: Exception) -> None:
        sequence = message.metadata.sequence.stream
        self._failures[sequence] += 1
        # Of a stream that was made anew the sequences begin anew.
        tries = min(self._failures[sequence], message.metadata.num_delivered)
        if not isinstance(error, UnreadableEventError | NeverEndedError) and tries < MAX_TRIES:
            delay = BACKOFF_SECONDS[min(tries, len(BACKOFF_SECONDS)) - 1]
            self._tell_retry(message, error, delay)
            await message.nak(delay=delay)
            return
        letter = dead_letter(self.reads, message, error)
        log.error(
            "event %s (%s) is a dead letter of reader %s: %s after %d tries, sequence %d of %s",
            letter["Samtid-Event"],
            letter["Samtid-Type"],
            self.reads.durable,
            letter["Samtid-Error"],
            tries,
            message.metadata.sequence.stream,
            self.reads.stream,
            exc_info=error,
        )
        jetstream, subject = self._link.client.jetstream(), f"dead.{self.reads.durable}"
        try:
            await jetstream.publish(subject, message.data, stream="DEAD", headers=letter)
        except nats.errors.MaxPayloadError:
            await jetstream.publish(subject, b"", stream="DEAD", headers=letter)
        metrics.dead_letters.add(1, self._attributes)
        await message.term()

    def _tell_retry(self, message: Msg, error: Exception, delay: float) -> None:
        metrics.reader_retries.add(1, self._attributes)
        event, kind = identity(message.data)
        log.warning(
            "event %s (%s) failed in reader %s (%s), again in %s s",
            event,
            kind,
            self.reads.durable,
            type(error).__name__,
            delay,
        )


def identity(body: bytes) -> tuple[str, str]:
    """Id and type of an event, which may be none: then, and where they are not what they should be, a dash."""
    try:
        event = json.loads(body)
        return str(UUID(event["id"])), _TYPE.fullmatch(event["type"])[0]  # type: ignore[index]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return "-", "-"


def dead_letter(reads: Reads, message: Msg, error: Exception) -> dict[str, str]:
    """The headers of a dead letter: those of the event, and what became of it."""
    event, kind = identity(message.data)
    sequence = message.metadata.sequence.stream
    headers = {k: v for k, v in (message.headers or {}).items() if k not in _OF_BATCHES}
    return {
        **headers,
        "Samtid-Error": type(error).__name__,
        "Samtid-Subject": message.subject,
        "Samtid-Deliveries": str(message.metadata.num_delivered),
        "Samtid-Reader": reads.durable,
        "Samtid-Event": event,
        "Samtid-Type": kind,
        "Samtid-Sequence": str(sequence),
        # The event's id is in it, for what can be guessed could be taken by somebody else before.
        "Nats-Msg-Id": f"dead-{reads.durable}-{sequence}-{event}",
    }


@asynccontextmanager
async def _held(message: Msg) -> AsyncIterator[None]:
    """Keep a message from other readers for as long as it takes, which is as long as this process moves."""

    async def hold() -> None:
        while True:
            await asyncio.sleep(ACK_WAIT_SECONDS / 3)
            with suppress(nats.errors.Error, OSError):
                await message.in_progress()

    task = asyncio.create_task(hold())
    try:
        yield
    finally:
        task.cancel()


@contextmanager
def span(service: str, message: Msg) -> Iterator[Span]:
    """The span of whoever handles a message, in the trace of whoever caused it."""
    where = ".".join(message.subject.split(".")[:3])
    with trace.get_tracer(service).start_as_current_span(
        f"process {where}",
        context=propagate.extract({k.lower(): v for k, v in (message.headers or {}).items()}),
        kind=SpanKind.CONSUMER,
        attributes={"messaging.system": "nats", "messaging.destination.name": where},
        record_exception=False,
        set_status_on_exception=False,
    ) as made:
        yield made
