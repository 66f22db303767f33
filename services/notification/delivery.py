"""The job that sends what is due: claim one message, ask booking whom to tell, send, note how it went, commit.

The claim's transaction stays open while a message is sent. A process that dies in between lets the claim go, and
another sends the message; only where it dies after the server said yes does the family get it twice, with the same
Message-ID, and that is counted.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, get_args

import httpx
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from kit import addresses, database, ending, metrics, outbox
from kit.app import Runtime
from notification import channels, codes, contact, render, rules, tables
from notification.contact import Contact, Protected
from notification.roles import DELIVERY
from notification.rules import Channel, Kind, NotKnown, Refused, TryLater
from notification.settings import Settings
from notification.tables import Message

log = logging.getLogger(__name__)

# So many messages are sent at a time, each holding a connection; some are left for readers, relay and attempts.
WORKERS = 6
CONNECTIONS_FOR_OTHERS = 3
# The claim's transaction waits while booking is asked and a server spoken to, each of which has a shorter time-out.
IDLE_SECONDS = 60
POLL_SECONDS = 1
DEAD_LETTERS = "dead.notification"
# A failure is a warning from this try on, and booking's silence once a message has waited so long.
WARNED_FROM = 3
WARNED_AFTER = timedelta(minutes=5)

_outcomes = metrics.counter(
    "notification",
    "samtid.notification.outcomes",
    description="how attempts to send ended",
    series=[{"kind": kind, "outcome": outcome} for kind in get_args(Kind) for outcome in tables.STATUSES],
)
_repeats = metrics.counter(
    "notification",
    "samtid.notification.repeats",
    description="attempts after one that was begun and never ended: possible duplicates",
    series=[{"kind": kind} for kind in get_args(Kind)],
)


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended. `code` says why it is not `sent`; `again` is when a `pending` message is tried next.

    `refused` is the channel by which the family will never be reached. What is not `counted` spoke to no server.
    """

    status: str
    code: str | None = None
    again: datetime | None = None
    channel: Channel | None = None
    refused: Channel | None = None
    counted: bool = True


async def run(runtime: Runtime, wake: asyncio.Event) -> None:
    """Send what falls due until cancelled; what is under way by then is finished first, some seconds at most."""
    stopping = asyncio.Event()
    count = max(1, min(WORKERS, runtime.settings.database_pool - CONNECTIONS_FOR_OTHERS))
    # A proxy of the environment's is for the way out; in demo and test the provider is on this machine.
    proxied = runtime.settings.environment == "production"
    async with httpx.AsyncClient(trust_env=proxied) as http:
        # One sends nothing but codes, for which somebody waits; the others send codes first.
        senders: list[Sequence[_Send]] = [(codes.send_one, send_one)] * count
        if count > 1:
            senders[0] = (codes.send_one,)
        workers = [asyncio.create_task(_work(runtime, http, wake, stopping, each)) for each in senders]
        try:
            await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            stopping.set()
            wake.set()
            await ending.finish(workers)
            for worker in workers:
                if worker.done() and not worker.cancelled():
                    worker.result()


_Send = Callable[[Runtime, httpx.AsyncClient], Awaitable[bool]]


async def _work(
    runtime: Runtime,
    http: httpx.AsyncClient,
    wake: asyncio.Event,
    stopping: asyncio.Event,
    senders: Sequence[_Send],
) -> None:
    while not stopping.is_set():
        wake.clear()
        try:
            if await _send_first(runtime, http, senders):
                continue
        except (SQLAlchemyError, OSError) as error:
            log.warning("delivery pauses: %s", type(error).__name__)
        if not stopping.is_set():
            with suppress(TimeoutError):
                # As in kit.outbox: not wait_for, which can lose a cancellation.
                async with asyncio.timeout(POLL_SECONDS):
                    await wake.wait()


async def _send_first(runtime: Runtime, http: httpx.AsyncClient, senders: Sequence[_Send]) -> bool:
    for send in senders:
        if await send(runtime, http):
            return True
    return False


async def messages(runtime: Runtime) -> None:
    """Measure how long the message due longest has waited, and how many of a week reached nobody."""
    async with database.begin(runtime.engine, role=DELIVERY) as connection:
        waited, dead = await tables.waiting(connection, runtime.clock())
    metrics.message_oldest_due.set(waited, {metrics.SERVICE: runtime.service})
    metrics.messages_dead.set(dead, {metrics.SERVICE: runtime.service})


async def send_one(runtime: Runtime, http: httpx.AsyncClient) -> bool:
    """One attempt at the message that has been due longest, in one transaction; False where nothing is due."""
    async with database.begin(runtime.engine, role=DELIVERY, idle=IDLE_SECONDS) as connection:
        message = await tables.claim(connection, runtime.clock())
        if message is None:
            return False
        with _span(message) as span:
            outcome = await _attempt(runtime, http, message, span)
            if outcome.status == "dead":
                await outbox.add(connection, tables.outbox_table, [_dead_letter(message, outcome)])
            await _settle(connection, message, outcome, runtime.clock())
            if outcome.status in ("pending", "dead"):
                span.set_status(StatusCode.ERROR, outcome.code)
            _log(message, outcome, runtime.clock())
    _outcomes.add(1, {"kind": message.kind, "outcome": outcome.status})
    runtime.relay.wake()
    return True


def _log(message: Message, outcome: Outcome, now: datetime) -> None:
    level = logging.INFO
    if outcome.status == "dead":
        level = logging.ERROR
    elif outcome.status == "pending":
        late = message.attempts + 1 >= WARNED_FROM if outcome.counted else now - message.due_at > WARNED_AFTER
        level = logging.WARNING if late else logging.INFO
    log.log(
        level,
        "message %s (%s) of booking %s: %s%s, try %d",
        message.id,
        message.kind,
        message.booking,
        outcome.status,
        f", {outcome.code}" if outcome.code else "",
        message.attempts + 1,
    )


@contextmanager
def _span(message: Message) -> Iterator[Span]:
    """The span of an attempt, in the trace of the request that caused it; a reminder, days later, is only linked."""
    cause = propagate.extract(message.trace)
    link = Link(trace.get_current_span(cause).get_span_context())
    reminder = message.kind in rules.REMINDERS
    with trace.get_tracer("notification").start_as_current_span(
        f"send {message.kind}",
        context=Context() if reminder else cause,
        kind=SpanKind.CLIENT,
        links=[link] if reminder else None,
        attributes={"samtid.booking_id": str(message.booking), "samtid.kind": message.kind},
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        yield span


async def _attempt(runtime: Runtime, http: httpx.AsyncClient, message: Message, span: Span) -> Outcome:
    try:
        return await _send(runtime, http, message, span)
    except NotKnown as error:
        return Outcome("pending", error.code, runtime.clock() + rules.ASK_AGAIN, counted=False)
    except TryLater as error:
        return _later(message, error.code, runtime.clock())
    except Exception as error:
        # A fault of ours: the message waits like any other that failed, and does not hold up those behind it.
        log.exception("message %s cannot be sent", message.id)
        return _later(message, type(error).__name__, runtime.clock())


def _later(message: Message, code: str, now: datetime, channel: Channel | None = None) -> Outcome:
    again = rules.retry_at(message.attempts + 1, message.due_at, now)
    return Outcome("pending", code, again, channel) if again else Outcome("dead", code, channel=channel)


async def _send(runtime: Runtime, http: httpx.AsyncClient, message: Message, span: Span) -> Outcome:
    family = await contact.ask(runtime.client, message.booking)
    now = runtime.clock()
    if unsent := _unsent(message, family, now):
        return unsent
    assert family is not None, "what is erased is not sent"
    ways = [way for way in _channels(runtime.settings, family) if way != message.refused]
    if not ways:
        return Outcome("dead", "no_mailable_address" if family.email else "no_sms_to_number")
    channel = rules.way(ways, message.attempts)
    span.set_attribute("samtid.channel", channel)
    try:
        await _send_by(channel, runtime, http, message, family, now)
    except Refused as error:
        # The other way is tried at once, and that one alone from then on.
        other = len(ways) > 1
        return Outcome("pending" if other else "dead", error.code, now if other else None, channel, refused=channel)
    except TryLater as error:
        return _later(message, error.code, runtime.clock(), channel)
    return Outcome("sent", channel=channel)


def _unsent(message: Message, family: Contact | Protected | None, now: datetime) -> Outcome | None:
    """What becomes of a message that is not to be sent; None where it is. Raises NotKnown."""
    if family is None:
        return Outcome("dropped", "erased")
    verdict = _verdict(message, family, now)
    if verdict == "wait":
        raise NotKnown("answer_too_old")
    if verdict == "too_late" and message.last_error:
        # It was tried until it was of no use any more: nobody was reached, which is no reason to be silent.
        return Outcome("dead", message.last_error)
    if verdict == "send" and not (family.email or family.phone):
        return Outcome("dropped", "no_address")
    return None if verdict == "send" else Outcome("dropped", verdict)


async def _send_by(
    channel: Channel,
    runtime: Runtime,
    http: httpx.AsyncClient,
    message: Message,
    family: Contact | Protected,
    now: datetime,
) -> None:
    settings = runtime.settings
    if channel == "email":
        mail = _mail(settings, message, family, now)
        await _begin(runtime, message, now)
        await channels.send_mail(settings, mail)
    else:
        text = _text(settings, message, family)
        await _begin(runtime, message, now)
        await channels.send_sms(settings, http, to=family.phone or "", text=text, message=message.id)


def _channels(settings: Settings, family: Contact | Protected) -> list[Channel]:
    """The ways by which a family can be reached at all, the preferred one in front."""
    ways: list[Channel] = []
    if family.email:
        with suppress(ValueError):
            addresses.header(family.email, utf8=settings.mail_utf8)
            ways.append("email")
    if family.phone and addresses.takes_sms(family.phone):
        ways.append("sms")
    return ways


def _verdict(message: Message, family: Contact | Protected, now: datetime) -> rules.Verdict:
    if isinstance(family, Protected):
        return rules.verdict_on_notice(
            message.kind, message.sequence, current=family.sequence, status=family.status, over=family.over
        )
    return rules.verdict(
        message.kind,
        message.sequence,
        current=family.sequence,
        status=family.status,
        start=family.start,
        end=family.end,
        now=now,
    )


def _mail(settings: Settings, message: Message, family: Contact | Protected, now: datetime) -> EmailMessage:
    sender, domain = settings.mail_from, settings.mail_domain
    if isinstance(family, Protected):
        return render.notice(family, message=message.id, sender=sender, domain=domain, now=now, utf8=settings.mail_utf8)
    return render.mail(
        message.kind,
        family,
        message=message.id,
        booking=message.booking,
        sender=sender,
        domain=domain,
        public_url=settings.public_url,
        now=now,
        utf8=settings.mail_utf8,
    )


def _text(settings: Settings, message: Message, family: Contact | Protected) -> str:
    if isinstance(family, Protected):
        return render.notice_text(family)
    return render.sms(message.kind, family, public_url=settings.public_url)


async def _begin(runtime: Runtime, message: Message, now: datetime) -> None:
    if not await tables.begin_attempt(runtime.engine, message, now):
        log.warning("message %s may have been sent before", message.id)
        _repeats.add(1, {"kind": message.kind})


async def _settle(connection: AsyncConnection, message: Message, outcome: Outcome, now: datetime) -> None:
    values: dict[str, Any] = {"status": outcome.status, "last_error": outcome.code}
    if outcome.channel:
        values["channel"] = outcome.channel
    if outcome.refused:
        values["refused"] = outcome.refused
    if outcome.status == "sent":
        values["sent_at"] = now
    if outcome.again:
        values["next_attempt_at"] = outcome.again
    await tables.settle(connection, message, now, counted=outcome.counted, **values)


def _dead_letter(message: Message, outcome: Outcome) -> outbox.Row:
    """What is left of a message that will not be sent, on stream DEAD: ids and the reason only."""
    letter = {
        "message": str(message.id),
        "booking": str(message.booking),
        "sequence": message.sequence,
        "kind": message.kind,
        "attempts": message.attempts + 1,
        "error": outcome.code,
    }
    headers: dict[str, str] = {"content-type": "application/json"}
    propagate.inject(headers)
    return outbox.Row(message.id, DEAD_LETTERS, json.dumps(letter).encode(), json.dumps(headers))
