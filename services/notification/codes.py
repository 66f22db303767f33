"""Sends codes by which somebody shows that a contact is theirs, and tells one that another took its place: at once, by
the one way that it is about, and not any more once it is over. What is sent or over is forgotten.
"""

import logging

import httpx
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, StatusCode

from kit import database, metrics
from kit.app import Runtime
from notification import channels, contact, render, rules, tables
from notification.contact import Changed, Code
from notification.roles import DELIVERY
from notification.rules import NotSent, Refused
from notification.tables import DueCode

log = logging.getLogger(__name__)

# As `notification.delivery.IDLE_SECONDS`.
IDLE_SECONDS = 60
_outcomes = metrics.counter(
    "notification",
    "samtid.notification.codes",
    description="how attempts to send a code ended",
    series=[{"channel": channel, "outcome": o} for channel in ("email", "sms") for o in ("sent", "failed", "given_up")],
)


async def send_one(runtime: Runtime, http: httpx.AsyncClient) -> bool:
    """One attempt at the code that has been due longest, in one transaction; False where none is due."""
    async with database.begin(runtime.engine, role=DELIVERY, idle=IDLE_SECONDS) as connection:
        due = await tables.claim_code(connection, runtime.clock())
        if due is None:
            return False
        with trace.get_tracer("notification").start_as_current_span(
            "send code",
            context=propagate.extract(due.trace),
            kind=SpanKind.CLIENT,
            attributes={"samtid.proof_id": str(due.proof), "samtid.channel": due.channel},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            why = await _attempt(runtime, http, due)
            now = runtime.clock()
            final = why is None or isinstance(why, Refused)
            again = None if final else rules.code_again(due.attempts + 1, due.expires_at, now)
            await tables.settle_code(connection, due, again)
            if why:
                span.set_status(StatusCode.ERROR, why.code)
    _tell(due, why, ended=again is None)
    return True


async def _attempt(runtime: Runtime, http: httpx.AsyncClient, due: DueCode) -> NotSent | None:
    """Send a code; why not, where it was not sent. One that is over or used needs no sending."""
    try:
        code = await contact.ask_code(runtime.client, due.proof)
        if code is not None and runtime.clock() < due.expires_at:
            await _send(runtime, http, due, code)
    except NotSent as error:
        return error
    except Exception as error:
        # A fault of ours. Whoever waits asks for a new code; others' are not held up.
        log.exception("code of proof %s cannot be sent", due.proof)
        return NotSent(type(error).__name__)
    return None


async def _send(runtime: Runtime, http: httpx.AsyncClient, due: DueCode, code: Code | Changed) -> None:
    settings = runtime.settings
    if due.channel == "sms":
        text = render.code_text(code, due.language, settings.service_name)
        await channels.send_sms(settings, http, to=code.to, text=text, message=due.proof)
        return
    try:
        mail = render.code_mail(
            code,
            due.language,
            proof=due.proof,
            name=settings.service_name,
            sender=settings.mail_from,
            domain=settings.mail_domain,
            now=runtime.clock(),
            utf8=settings.mail_utf8,
        )
    except ValueError:
        raise Refused("no_mailable_address") from None
    await channels.send_mail(settings, mail)


def _tell(due: DueCode, why: NotSent | None, *, ended: bool) -> None:
    outcome = "sent" if why is None else "given_up" if ended else "failed"
    level = logging.WARNING if outcome == "given_up" else logging.INFO
    because = f", {why.code}" if why else ""
    log.log(level, "code of proof %s by %s: %s%s, try %d", due.proof, due.channel, outcome, because, due.attempts + 1)
    _outcomes.add(1, {"channel": due.channel, "outcome": outcome})
