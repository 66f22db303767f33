"""The HTTP server that each service runs on: uvicorn, which by itself waits as long as a client likes."""

from asyncio import TimerHandle
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

# A browser sends its header at once, and 64 kB over a poor connection in a minute.
HEADER_SECONDS = 10
BODY_SECONDS = 60
WRITE_SECONDS = 60  # in which what waits to be taken of an answer must be
IDLE_SECONDS = 65  # longer than a proxy keeps its connections, which would else meet a closing one
HEADER_BYTES = 32 * 1024
HEADERS = 100


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 whose requests arrive within a time and a size; a client that is slower or says more is left."""

    _timer: TimerHandle | None = None
    # Ends a connection whose client takes nothing: what is closed is else kept until all of it was taken.
    _unread: TimerHandle | None = None
    # How much of a header has come; None while none is read.
    _size: int | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait(HEADER_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        self._taken()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_taken()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._taken()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        if self.transport.is_closing():
            self._expect_taken()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._expect_taken()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # The parser tells of a line when it is whole; one that does not end is counted here.
        if self._size is not None:
            self._count(len(data))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._size = 0
        self._wait(HEADER_SECONDS)

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        self._size = None
        if self.transport.is_closing():
            return
        super().on_headers_complete()
        self._wait(BODY_SECONDS)

    def on_body(self, body: bytes) -> None:
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._stop()
        if not self.transport.is_closing():
            super().on_message_complete()

    def _count(self, size: int) -> None:
        self._size = (self._size or 0) + size
        if self._size > HEADER_BYTES or len(self.headers) > HEADERS:
            self._refuse(431)

    def _wait(self, seconds: float) -> None:
        self._stop()
        self._timer = self.loop.call_later(seconds, self._refuse, 408)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: int) -> None:
        self._stop()
        if self.transport.is_closing():
            return
        if self.cycle is None or not self.cycle.response_started:
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()
        self._expect_taken()

    def _expect_taken(self) -> None:
        self._taken()
        if self in self.connections:
            self._unread = self.loop.call_later(WRITE_SECONDS, self.transport.abort)

    def _taken(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


def config(app: Any, **more: Any) -> uvicorn.Config:
    """How each server of ours is run: with limits, and with logs that are ours."""
    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=IDLE_SECONDS,
        **more,
    )
