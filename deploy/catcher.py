"""Takes mail and SMS instead of sending them, and shows what was sent: for the demo, for containers and for tests.

`samtid catcher` runs it by itself; the demo mounts its application under its own port.
"""

import asyncio
import base64
import json
import logging
import re
import sys
from collections import deque
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote
from uuid import uuid4
from zoneinfo import ZoneInfo

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from fastapi import Depends, FastAPI, Form, Header, HTTPException, Response
from fastapi.responses import HTMLResponse
from fastapi.security import HTTPBasic
from jinja2 import Environment, StrictUndefined
from pydantic import BaseModel

from kit import problems
from kit.app import Clock, utc_now
from kit.language import clock_text, day_text

KEPT = 1000
LARGEST_MAIL = 1_000_000
REFERENCE = re.compile(r"\bRef ([A-Z0-9]{4,16})\b")


@dataclass(frozen=True)
class Attachment:
    """`content` is base64, so that it can stand in a line of JSON."""

    name: str
    content_type: str
    content: str


@dataclass(frozen=True)
class Caught:
    """One mail or SMS. `key` is the Message-ID or idempotency key: a repetition has the same."""

    id: str
    to: str
    channel: Literal["email", "sms"]
    subject: str
    text: str
    reference: str | None
    sent_at: str
    key: str | None
    attachments: list[Attachment] = field(default_factory=list)


class ListedAttachment(BaseModel):
    name: str
    content_type: str
    url: str


class Listed(BaseModel):
    """What was sent. `sent_at` is when it was taken, RFC 3339 in UTC; `key` is the same where one was sent twice."""

    to: str
    channel: Literal["email", "sms"]
    subject: str
    text: str
    reference: str | None
    sent_at: str
    key: str | None
    attachments: list[ListedAttachment]


class Messages(BaseModel):
    """Newest first."""

    items: list[Listed]


class Catcher:
    """The last thousand messages, in memory and, where a path is given, in a file that a restart reads again."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self.path = path
        self.clock = clock
        self.messages: deque[Caught] = deque(maxlen=KEPT)
        self.app = _application(self)
        self.smtp = self  # aiosmtpd calls handle_DATA on it
        self.port = 0
        self._server: asyncio.Server | None = None
        if path:
            self._load(path)

    def add(self, caught: Caught) -> None:
        """Keep a message."""
        self.messages.append(caught)
        if self.path:
            with self.path.open("a") as file:
                file.write(json.dumps(asdict(caught)) + "\n")

    def _load(self, path: Path) -> None:
        if path.exists():
            with path.open() as file:
                for line in file:
                    # A line that a kill left half written is not there.
                    if line.endswith("\n"):
                        values = json.loads(line)
                        values["attachments"] = [Attachment(**a) for a in values["attachments"]]
                        self.messages.append(Caught(**values))
        # Written anew, so that the file holds no more than the memory does.
        fresh = path.with_suffix(".new")
        # What families are told is for whoever runs the demo to read.
        fresh.touch(mode=0o600)
        fresh.write_text("".join(json.dumps(asdict(caught)) + "\n" for caught in self.messages))
        fresh.replace(path)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a mail, once for each of its recipients."""
        assert isinstance(envelope.content, bytes), "the server does not decode"
        mail = message_from_bytes(envelope.content, policy=policy.default)
        for recipient in envelope.rcpt_tos:
            self.add(_caught_mail(mail, recipient, self.clock()))
        return "250 OK"

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen for SMTP; with port 0 the system chooses, and `self.port` tells. Raises OSError if it is taken."""
        # At its usual level this logger writes addresses.
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        loop = asyncio.get_running_loop()

        def protocol() -> SMTP:
            return SMTP(self.smtp, hostname="samtid", data_size_limit=LARGEST_MAIL, enable_SMTPUTF8=True, loop=loop)

        self._server = await loop.create_server(protocol, host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more."""
        if self._server:
            self._server.close()
            await self._server.wait_closed()
            self._server = None


def create_catcher(path: Path | None = None, clock: Clock = utc_now) -> Catcher:
    """A catcher that keeps its messages in the file `path` too, one JSON object a line; nothing listens yet."""
    return Catcher(path, clock)


def serve(host: str, port: int, smtp_port: int, path: Path | None = None) -> int:
    """Run a catcher by itself until SIGTERM or SIGINT: page and SMS API on `port`, SMTP on `smtp_port`."""
    caught = create_catcher(path)

    server = uvicorn.Server(
        uvicorn.Config(caught.app, host=host, port=port, log_config=None, access_log=False, server_header=False)
    )

    async def both() -> None:
        await caught.start(host, smtp_port)
        try:
            await server.serve()
        finally:
            await caught.stop()

    try:
        asyncio.run(both())
    except OSError as error:
        print(f"samtid catcher: cannot listen on {host}:{smtp_port}: {error.strerror}.", file=sys.stderr)
        return 1
    return 0 if server.started else 1


def _caught_mail(mail: EmailMessage, recipient: str, now: datetime) -> Caught:
    body = mail.get_body(("plain", "html"))
    return Caught(
        id=uuid4().hex,
        to=recipient,
        channel="email",
        subject=str(mail.get("Subject", "")),
        text=body.get_content().replace("\r\n", "\n") if body else "",
        reference=mail.get("Samtid-Reference"),
        sent_at=_written(now),
        key=mail.get("Message-ID"),
        attachments=[
            Attachment(
                name=part.get_filename("bilaga"),
                content_type=part.get_content_type(),
                content=base64.b64encode(_bytes(part)).decode(),
            )
            for part in mail.iter_attachments()
        ],
    )


def _bytes(part: EmailMessage) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else part.as_bytes()


def _written(now: datetime) -> str:
    return now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _application(catcher: Catcher) -> FastAPI:
    app = FastAPI(
        title="Samtid: catcher", docs_url=None, redoc_url=None, openapi_url=None, telemetry={"tracing": False}
    )
    problems.install(app)

    @app.post("/demo/sms/a1/sms", dependencies=[Depends(HTTPBasic(auto_error=False))])
    async def take_sms(
        sender: Annotated[str, Form(alias="from")],
        to: Annotated[str, Form()],
        message: Annotated[str, Form()],
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> dict[str, str]:
        """As 46elks does; whoever calls is let in."""
        reference = REFERENCE.search(message)
        caught = Caught(
            id=uuid4().hex,
            to=to,
            channel="sms",
            subject="",
            text=message,
            reference=reference[1] if reference else None,
            sent_at=_written(catcher.clock()),
            key=idempotency_key,
        )
        catcher.add(caught)
        return {
            "id": f"s{caught.id}",
            "status": "created",
            "direction": "outgoing",
            "from": sender,
            "to": to,
            "message": message,
            "created": caught.sent_at,
        }

    @app.get("/demo/messages.json")
    async def listed() -> Messages:
        return Messages(items=[_listed(caught) for caught in reversed(catcher.messages)])

    @app.get("/demo/messages", response_class=HTMLResponse)
    async def page() -> HTMLResponse:
        items = [_listed(caught) for caught in reversed(catcher.messages)]
        return HTMLResponse(PAGE.render(items=items, local=_local), headers=PAGE_HEADERS)

    @app.get("/demo/messages/{message}/attachments/{number}")
    async def attachment(message: str, number: int) -> Response:
        for caught in catcher.messages:
            if caught.id == message and 0 <= number < len(caught.attachments):
                found = caught.attachments[number]
                return Response(
                    base64.b64decode(found.content),
                    media_type=found.content_type,
                    headers={
                        "content-disposition": f"attachment; filename*=utf-8''{quote(found.name)}",
                        "x-content-type-options": "nosniff",
                    },
                )
        raise HTTPException(404)

    return app


def _listed(caught: Caught) -> Listed:
    values = asdict(caught)
    values["attachments"] = [
        ListedAttachment(
            name=a.name, content_type=a.content_type, url=f"/demo/messages/{caught.id}/attachments/{number}"
        )
        for number, a in enumerate(caught.attachments)
    ]
    return Listed(**values)


def _local(sent_at: str) -> str:
    """`måndag 30 mars kl. 09.00`, in Swedish time."""
    instant = datetime.fromisoformat(sent_at)
    zone = ZoneInfo("Europe/Stockholm")
    return f"{day_text(instant.astimezone(zone).date(), 'sv')} kl. {clock_text(instant, zone, 'sv')}"


PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
PAGE = Environment(autoescape=True, undefined=StrictUndefined).from_string("""<!doctype html>
<html lang="sv">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Skickade meddelanden – Samtid</title>
<style>
:root { color-scheme: light dark; --line: #767676; --soft: #f3f3f0; }
@media (prefers-color-scheme: dark) { :root { --soft: #26261f; } }
body { margin: 0 auto; max-width: 40em; padding: 1.5rem 1rem 4rem; font: 18px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; }
h2 { font-size: 1.1rem; margin: 0; }
article { border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 0 0 1.5rem; }
.to { margin: .25rem 0 .75rem; }
.text { background: var(--soft); border-radius: .35rem; padding: .75rem; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; }
ul { list-style: none; margin: .75rem 0 0; padding: 0; }
li a { display: inline-block; padding: .6rem 0; }
</style>
</head>
<body>
<main>
<h1>Skickade meddelanden</h1>
<p>I demon går inga mejl eller sms ut på riktigt. Här syns det som familjerna skulle ha fått, det senaste först.</p>
{% for item in items %}
<article>
<h2>{% if item.channel == "email" %}{{ item.subject or "Mejl utan ämne" }}{% else %}Sms{% endif %}</h2>
<p class="to">{{ "Mejl" if item.channel == "email" else "Sms" }} till {{ item.to }}, {{ local(item.sent_at) }}</p>
<div class="text">{{ item.text | trim | urlize }}</div>
{% if item.attachments %}
<ul>
{% for attachment in item.attachments %}
<li><a href="{{ attachment.url }}">Ladda ner {{ attachment.name }}</a></li>
{% endfor %}
</ul>
{% endif %}
</article>
{% else %}
<p>Ännu är inget skickat. Boka en tid, så kommer bekräftelsen hit.</p>
{% endfor %}
</main>
</body>
</html>
""")
