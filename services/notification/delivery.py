"""The job that sends what is due: claim one message, ask booking whom to tell, send, note how it went, commit.

The claim's transaction stays open while a message is sent. A process that dies in between lets the claim go, and
another sends the message; only where it dies after the server said yes does the family get it twice, with the same
Message-ID, and that is counted.
"""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Any

import httpx
from opentelemetry import metrics, propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from kit import database, outbox
from kit.app import Runtime
from notification import channels, contact, render, rules, tables
from notification.contact import Contact, Protected
from notification.roles import DELIVERY
from notification.rules import Refused, TryLater
from notification.settings import Settings
from notification.tables import Message

log = logging.getLogger(__name__)

# So many messages are sent at a time, each holding a connection; some are left for readers, relay and attempts.
WORKERS = 6
CONNECTIONS_FOR_OTHERS = 3
POLL_SECONDS = 1
DEAD_LETTERS = "dead.notification"

_meter = metrics.get_meter("notification")
_outcomes = _meter.create_counter("samtid.notification.outcomes", description="how attempts to send ended")
_repeats = _meter.create_counter(
    "samtid.notification.repeats", description="attempts after one that was begun and never ended: possible duplicates"
)


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended. `code` says why it is not `sent`; `again` is when a `pending` message is tried next."""

    status: str
    code: str | None = None
    again: datetime | None = None


async def run(runtime: Runtime, wake: asyncio.Event) -> None:
    """Send what falls due until cancelled; what is under way by then is finished first, some seconds at most."""
    stopping = asyncio.Event()
    count = max(1, min(WORKERS, runtime.settings.database_pool - CONNECTIONS_FOR_OTHERS))
    # A proxy of the environment's is for the way out; in demo and test the provider is on this machine.
    proxied = runtime.settings.environment == "production"
    async with httpx.AsyncClient(trust_env=proxied) as http:
        workers = [asyncio.create_task(_work(runtime, http, wake, stopping)) for _ in range(count)]
        try:
            await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            stopping.set()
            wake.set()
            await asyncio.gather(*workers)


async def _work(runtime: Runtime, http: httpx.AsyncClient, wake: asyncio.Event, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        wake.clear()
        try:
            if await send_one(runtime, http):
                continue
        except (SQLAlchemyError, OSError) as error:
            log.warning("delivery pauses: %s", type(error).__name__)
        if not stopping.is_set():
            with suppress(TimeoutError):
                # As in kit.outbox: not wait_for, which can lose a cancellation.
                async with asyncio.timeout(POLL_SECONDS):
                    await wake.wait()


async def send_one(runtime: Runtime, http: httpx.AsyncClient) -> bool:
    """One attempt at the message that has been due longest, in one transaction; False where nothing is due."""
    async with database.begin(runtime.engine, role=DELIVERY) as connection:
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
            log.log(
                logging.ERROR if outcome.status == "dead" else logging.INFO,
                "message %s (%s): %s%s",
                message.id,
                message.kind,
                outcome.status,
                f", {outcome.code}" if outcome.code else "",
            )
    _outcomes.add(1, {"kind": message.kind, "outcome": outcome.status})
    runtime.relay.wake()
    return True


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
    except Refused as error:
        return Outcome("dead", error.code)
    except TryLater as error:
        code = error.code
    except Exception as error:
        # A fault of ours: the message waits like any other that failed, and does not hold up those behind it.
        log.exception("message %s cannot be sent", message.id)
        code = type(error).__name__
    again = rules.retry_at(message.attempts + 1, runtime.clock())
    return Outcome("pending", code, again) if again else Outcome("dead", code)


async def _send(runtime: Runtime, http: httpx.AsyncClient, message: Message, span: Span) -> Outcome:
    family = await contact.ask(runtime.client, message.booking)
    if family is None:
        return Outcome("dropped", "erased")
    now = runtime.clock()
    verdict = _verdict(message, family, now)
    if verdict == "wait":
        raise TryLater("answer_too_old")
    if verdict != "send":
        return Outcome("dropped", verdict)
    settings = runtime.settings
    if family.email:
        span.set_attribute("samtid.channel", "email")
        mail = _mail(settings, message, family, now)
        await _begin(runtime, message, now)
        await channels.send_mail(settings, mail)
    elif family.phone:
        span.set_attribute("samtid.channel", "sms")
        text = _text(settings, message, family)
        await _begin(runtime, message, now)
        await channels.send_sms(settings, http, to=family.phone, text=text, message=message.id)
    else:
        return Outcome("dropped", "no_address")
    return Outcome("sent")


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
        return render.notice(family, message=message.id, sender=sender, domain=domain, now=now)
    return render.mail(
        message.kind,
        family,
        message=message.id,
        booking=message.booking,
        sender=sender,
        domain=domain,
        book_url=settings.public_url,
        now=now,
    )


def _text(settings: Settings, message: Message, family: Contact | Protected) -> str:
    if isinstance(family, Protected):
        return render.notice_text(family)
    return render.sms(message.kind, family, book_url=settings.public_url)


async def _begin(runtime: Runtime, message: Message, now: datetime) -> None:
    if not await tables.begin_attempt(runtime.engine, message, now):
        log.warning("message %s may have been sent before", message.id)
        _repeats.add(1, {"kind": message.kind})


async def _settle(connection: AsyncConnection, message: Message, outcome: Outcome, now: datetime) -> None:
    values: dict[str, Any] = {"status": outcome.status, "last_error": outcome.code}
    if outcome.status == "sent":
        values["sent_at"] = now
    if outcome.again:
        values["next_attempt_at"] = outcome.again
    await tables.settle(connection, message, **values)


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
