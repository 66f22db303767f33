"""A client that is slow, or says too much, is left: at a real port, with what a program of its own sends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from kit import server
from tests.conftest import until

# More than the two machines keep on the way.
MUCH = 30_000_000


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    much = scope["path"] == "/much"
    await PlainTextResponse("x" * MUCH if much else str(len(body)))(scope, receive, send)


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    for name in ("HEADER_SECONDS", "BODY_SECONDS", "WRITE_SECONDS", "IDLE_SECONDS"):
        monkeypatch.setattr(server, name, 0.3)
    running = uvicorn.Server(server.config(application, port=0, lifespan="off"))
    serving = asyncio.create_task(running.serve())

    async def started() -> bool:
        return running.started

    await until(started)
    yield running.servers[0].sockets[0].getsockname()[1]
    running.should_exit = True
    await serving


async def said(port: int, *parts: bytes, seconds: float = 5, pause: float = 0) -> bytes:
    """All that the server says until it ends the connection, which it must."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(seconds):
            answer = asyncio.create_task(reader.read())
            for part in parts:
                if answer.done():
                    break
                writer.write(part)
                await asyncio.sleep(pause)
            return await answer
    finally:
        writer.close()


GET = b"GET / HTTP/1.1\r\nhost: a\r\n"
POST = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n"


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([b""], b"408"),
        ([GET], b"408"),
        ([GET, b"x: ", *[b"1"] * 20], b"408"),
        ([POST, b"ab"], b"408"),
        ([GET + b"x: " + b"1" * server.HEADER_BYTES + b"\r\n\r\n"], b"431"),
        ([GET + b"x: " + b"1" * server.HEADER_BYTES], b"431"),
        ([b"GET /" + b"1" * server.HEADER_BYTES], b"431"),
        ([GET + b"x: 1\r\n" * server.HEADERS + b"\r\n"], b"431"),
        ([b"nonsense\r\n\r\n"], b"400"),
    ],
    ids=["silent", "half", "drips", "half-body", "long", "endless", "long-address", "many", "nonsense"],
)
async def test_whoever_is_slow_or_says_too_much_is_left(port: int, parts: list[bytes], status: bytes) -> None:
    assert (await said(port, *parts, pause=0.05)).startswith(b"HTTP/1.1 " + status)


async def test_whoever_is_not_is_answered_and_left_once_nothing_comes(port: int) -> None:
    answers = await said(port, POST + b"abcd" + GET + b"\r\n" + POST, b"ab", b"cd", pause=0.1)
    assert answers.count(b"HTTP/1.1 200") == 3
    assert answers.count(b"HTTP/1.1") == 3


@pytest.mark.parametrize("last", [b"\r\n", b"connection: close\r\n\r\n"], ids=["kept", "closed"])
async def test_whoever_takes_nothing_of_an_answer_is_left(port: int, last: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1000)
    try:
        writer.write(b"GET /much HTTP/1.1\r\nhost: a\r\n" + last)
        await asyncio.sleep(1.5)
        taken = 0
        with suppress(ConnectionError):
            async with asyncio.timeout(20):
                while part := await reader.read(1_000_000):
                    taken += len(part)
        assert taken < MUCH
    finally:
        writer.close()
