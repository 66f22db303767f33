"""What a server is handed for HEAD; most servers and clients would drop a body by themselves."""

from starlette.responses import PlainTextResponse
from starlette.types import Message

from kit.head import Head


async def test_head_sends_no_body() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "HEAD", "path": "/", "headers": []}
    await Head(PlainTextResponse("who reads this"))(scope, receive, send)
    assert [message.get("body", b"") for message in sent] == [b"", b""]
    assert (b"content-length", b"14") in sent[0]["headers"]
