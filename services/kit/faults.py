"""What no handler answered: told to the log in one line, within the request's span, and to the client as a refusal."""

import inspect
import logging

from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit import door, metrics
from kit.outage import Unavailable, UnavailableForKey, UnavailableForWriting, is_outage
from kit.refusal import Refusal

log = logging.getLogger(__name__)


class Faults:
    """ASGI middleware: an outage of the database leaves as 503 with Retry-After, and a fault of ours as 500."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def send_and_note(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except ClientDisconnect:
            return  # Nobody is there any more to be answered.
        except Exception as error:
            self._tell(scope, error)
            if begun:
                # The server cuts the answer short; what it would say of it has been said.
                error.samtid_told = True  # type: ignore[attr-defined]
                raise
            answer = await _answer(Request(scope, receive), error)
            for name, value in door.HEADERS.items():
                answer.headers.setdefault(name, value)
            await answer(scope, receive, send)

    def _tell(self, scope: Scope, error: Exception) -> None:
        # For the request's span and its metric, which see no exception that is answered here.
        scope["samtid.fault"] = type(error).__name__
        # The template and never the path, which holds links.
        route = getattr(scope.get("route"), "path", None)
        about = {"service": self.service, "method": scope["method"], **({"route": route} if route else {})}
        if not is_outage(error):
            log.error("fault", exc_info=error, extra=about)
            return
        log.warning("the database does not do its part: %s", type(error).__name__, extra=about)
        metrics.database_failures.add(1, {metrics.SERVICE: self.service})
        if isinstance(error, PoolTimeoutError):
            metrics.pool_timeouts.add(1, {metrics.SERVICE: self.service})


async def _answer(request: Request, error: Exception) -> Response:
    kind: type[Exception] = Exception
    if is_outage(error):
        kind = Refusal
        if request.method in ("GET", "HEAD", "OPTIONS"):
            error = Unavailable()
        else:
            error = UnavailableForKey() if "idempotency-key" in request.headers else UnavailableForWriting()
    made = request.app.exception_handlers[kind](request, error)
    response: Response = await made if inspect.isawaitable(made) else made
    return response
