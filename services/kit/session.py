"""The session of whoever signed in: a sealed cookie, which every service opens with the same key.

A cookie says who signed in and when, nothing of what that person may do: rights are read anew with each request.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# The prefix makes browsers refuse a cookie that is not Secure, has a Domain, or has another Path than `/`.
COOKIE = "__Host-samtid"
# A cookie is sealed anew when it was last seen this long ago, so that not each answer carries one.
RENEWED_AFTER = timedelta(minutes=1)
_ENDED = timedelta(0)


@dataclass(frozen=True)
class Session:
    """One sign-in of one person. `begun` and `seen` are instants in UTC."""

    id: str
    person: str
    acr: str | None
    begun: datetime
    seen: datetime


def cookies_of(headers: Headers) -> str:
    """All cookies of a request as one header: a proxy may hand them on one by one, as HTTP/2 has them."""
    return "; ".join(headers.getlist("cookie"))


class Sealer:
    """Seals small values for cookies: encrypted, authenticated, and bound to a purpose."""

    def __init__(self, secrets_newest_first: Sequence[str]) -> None:
        keys = [hashlib.sha256(b"samtid cookie " + secret.encode()).digest() for secret in secrets_newest_first]
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
        self.signing = hashlib.sha256(b"samtid form " + secrets_newest_first[0].encode()).digest()

    def seal(self, purpose: str, value: dict[str, Any]) -> str:
        """Text that only this key opens, for the same purpose."""
        return self._fernet.encrypt(json.dumps([purpose, value]).encode()).decode()

    def open(self, purpose: str, sealed: str) -> dict[str, Any] | None:
        """What was sealed; None for whatever is not ours, whole and for this purpose."""
        try:
            sealed_for, value = json.loads(self._fernet.decrypt(sealed.encode()))
        except (InvalidToken, UnicodeEncodeError):
            return None
        return dict(value) if sealed_for == purpose else None


class Sessions:
    """Begins, reads and ends sessions. `idle` is since the last request, `longest` since signing in."""

    def __init__(self, sealer: Sealer, *, idle: timedelta, longest: timedelta) -> None:
        self.sealer = sealer
        self.idle = idle
        self.longest = longest

    def begin(self, person: str, acr: str | None, now: datetime) -> Session:
        """A new session; its id is chance."""
        return Session(secrets.token_urlsafe(16), person, acr, now, now)

    def cookie(self, session: Session | None) -> str:
        """The value of Set-Cookie that keeps a session, or that ends one."""
        value, age = (self._seal(session), self.longest) if session else ("", _ENDED)
        return f"{COOKIE}={value}; Path=/; Max-Age={int(age.total_seconds())}; Secure; HttpOnly; SameSite=Lax"

    def read(self, cookie_header: str, now: datetime) -> Session | None:
        """The session of a Cookie header; None where it is missing, forged, idle for too long or too old.

        Others' cookies may say what they like, and so may others of our own name: the first that is a session is it.
        """
        # Starlette's parser: http.cookies drops all, or raises, where one of another site's is not to its taste.
        given = (cookie_parser(each).get(COOKIE) for each in cookie_header.split(";"))
        return next((found for sealed in given if sealed and (found := self._opened(sealed, now))), None)

    def _opened(self, sealed: str, now: datetime) -> Session | None:
        if (value := self.sealer.open("session", sealed)) is None:
            return None
        moments = {name: datetime.fromtimestamp(value[name], UTC) for name in ("begun", "seen")}
        session = Session(**{**value, **moments})
        # Servers' clocks differ a little: a session may seem to begin a moment from now, and no more.
        early = now + timedelta(minutes=1)
        live = session.begun <= early and now - session.seen < self.idle and now - session.begun < self.longest
        return session if live else None

    def renewed(self, session: Session, now: datetime) -> Session | None:
        """The session as seen now, where it is time to send it again."""
        return replace(session, seen=now) if now - session.seen >= RENEWED_AFTER else None

    def form_token(self, session: Session) -> str:
        """What every form of this session carries, and no other site can know."""
        return hmac.new(self.sealer.signing, session.id.encode(), hashlib.sha256).hexdigest()

    def is_form_token(self, session: Session, given: str) -> bool:
        """Whether a form carries its session's token."""
        return hmac.compare_digest(self.form_token(session).encode(), given.encode())

    def _seal(self, session: Session) -> str:
        value = asdict(session)
        return self.sealer.seal("session", {**value, **{n: value[n].timestamp() for n in ("begun", "seen")}})


class Renewal:
    """ASGI middleware: sends the cookie again that a request left to be renewed in its scope."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Parents bring no cookie, and pay nothing for those who do.
        if not any(name == b"cookie" for name, _ in scope.get("headers", ())):
            await self.app(scope, receive, send)
            return

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and (cookie := scope.get("samtid.renew")):
                headers = MutableHeaders(scope=message)
                # Signing in or out says more than a renewal.
                if not any(COOKIE in given for given in headers.getlist("set-cookie")):
                    headers.append("set-cookie", cookie)
            await send(message)

        await self.app(scope, receive, send_with_cookie)
