"""HEAD (RFC 9110, section 9.3.2): what GET would answer, without its body."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit import database


class Head:
    """ASGI middleware, the innermost: a HEAD is worked out as a GET, of which nothing is shown and nothing is kept.

    Its transactions are rolled back, so that nobody is noted to have read what was not shown.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        inner = {**scope, "method": "GET"}
        try:
            with database.keeping_nothing():
                await self.app(inner, receive, send_without_body)
        finally:
            # The route, which the span and the answer to a fault look for outside.
            scope.update({**inner, "method": "HEAD"})
