"""What every request passes on its way in, and every answer on its way out: limits, and headers for browsers."""

import inspect
from collections.abc import Callable
from datetime import datetime

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit.limits import Limits
from kit.limits import client_of as of_address
from kit.refusal import Refusal, TooLarge
from kit.session import Sessions, cookies_of

BODY_BYTES = 64 * 1024

# For every answer that says nothing else of it: pages have a policy of their own, and files may be kept.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_RAW = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_UNCOUNTED = ("/healthz", "/readyz")


class Door:
    """ASGI middleware: refuses what is too much or too large, and sees to the headers of each answer.

    A refusal leaves through the application's own handler: a page for whoever accepts one, else a problem document.
    """

    def __init__(self, app: ASGIApp, limits: Limits | None, clock: Callable[[], datetime]) -> None:
        self.app = app
        self.limits = limits
        self.clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *[h for h in _RAW if h[0] not in given]]
            await send(message)

        scope["samtid.client"] = self._client(scope)
        try:
            self._count(scope)
            if _has_no_end(scope):
                receive = await _within_limit(receive)
        except Refusal as refusal:
            answer = await _answer(scope, refusal)
            await answer(scope, receive, send_with_headers)
            return
        await self.app(scope, receive, send_with_headers)

    def _count(self, scope: Scope) -> None:
        """Raise TooManyRequests, or count the request. Health probes and files that browsers keep are free."""
        path: str = scope["path"]
        if self.limits is None or path.startswith("/static/") or path.endswith(_UNCOUNTED):
            return
        self.limits.take("reads" if scope["method"] in _READING else "writes", client_of(scope), self.clock())

    def _client(self, scope: Scope) -> str:
        """Staff are counted each by themselves, never with the families of the building where they work."""
        sessions: Sessions | None = scope["app"].state.runtime.sessions
        if (
            sessions
            and (cookies := cookies_of(Headers(scope=scope)))
            and (found := sessions.read(cookies, self.clock()))
        ):
            return f"staff {found.person}"
        return of_address(address_of(scope))


def client_of(scope: Scope) -> str:
    """Who a request is counted for: a member of staff who is signed in, or the address that it came from."""
    client: str = scope["samtid.client"]
    return client


def address_of(scope: Scope) -> str:
    """The address that a request came from; behind a proxy that is trusted, the one that it names."""
    return scope["client"][0] if scope.get("client") else "unknown"


def _has_no_end(scope: Scope) -> bool:
    """Whether the length of the body is not announced, which the server would hold it to. Raises TooLarge."""
    endless = False
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            endless = True
        elif name == b"content-length" and int(value) > BODY_BYTES:
            raise TooLarge
    return endless


async def _within_limit(receive: Receive) -> Receive:
    """`receive`, once the body has been read as far as it may go. Raises TooLarge."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message.get("body", b"")
        if len(body) > BODY_BYTES:
            raise TooLarge
        if not message.get("more_body"):
            message = {"type": "http.request", "body": body, "more_body": False}
            break
    kept: list[Message] = [message]

    async def receive_again() -> Message:
        return kept.pop() if kept else await receive()

    return receive_again


async def _answer(scope: Scope, refusal: Refusal) -> Response:
    made = scope["app"].exception_handlers[Refusal](Request(scope), refusal)
    response: Response = await made if inspect.isawaitable(made) else made
    return response
