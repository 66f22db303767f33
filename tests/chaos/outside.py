"""The world that messages go to: a mail server that refuses when told to, at any stage, and a provider of SMS."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from urllib.parse import parse_qs

STAGES = ("connect", "EHLO", "MAIL", "RCPT", "DATA", "end")
# Mail to these is refused for good, whatever the server's mood: nobody has such an address.
UNKNOWN = "unknown-"


@dataclass(frozen=True)
class Taken:
    """One message that was taken: the same `key` twice is the same message, told twice."""

    key: str
    to: str


@dataclass
class Outside:
    """`mood` is what is answered at a stage instead of the usual; `hangs` is the stage that never answers."""

    taken: list[Taken] = field(default_factory=list)
    mood: dict[str, str] = field(default_factory=dict)
    hangs: str | None = None
    smtp_port: int = 0
    sms_port: int = 0
    _servers: list[asyncio.Server] = field(default_factory=list)

    async def start(self) -> None:
        smtp = await asyncio.start_server(self._mail, "127.0.0.1", 0, limit=2**20)
        sms = await asyncio.start_server(self._sms, "127.0.0.1", 0)
        self._servers = [smtp, sms]
        self.smtp_port, self.sms_port = (server.sockets[0].getsockname()[1] for server in self._servers)

    def stop(self) -> None:
        for server in self._servers:
            server.close()

    @contextmanager
    def refusing(self, stage: str, answer: str) -> Iterator[None]:
        self.mood[stage] = answer
        try:
            yield
        finally:
            del self.mood[stage]

    @contextmanager
    def hanging(self, stage: str) -> Iterator[None]:
        self.hangs = stage
        try:
            yield
        finally:
            self.hangs = None

    async def _mail(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._say(writer, "connect", "220 outside.example")
            recipient = ""
            while line := (await reader.readline()).decode(errors="replace").strip():
                command = line.split(" ", 1)[0].split(":", 1)[0].upper()
                usual = "250 ok"
                if command == "QUIT":
                    usual = "221 bye"
                elif command == "RCPT":
                    recipient = line.partition("<")[2].partition(">")[0]
                    usual = "550 5.1.1 no such mailbox" if recipient.startswith(UNKNOWN) else usual
                elif command == "DATA":
                    usual = "354 go on"
                answer = await self._say(writer, command, usual)
                if command == "DATA" and answer.startswith("354"):
                    body = await reader.readuntil(b"\r\n.\r\n")
                    if (await self._say(writer, "end", "250 taken")).startswith("250"):
                        key = str(message_from_bytes(body)["Message-ID"])
                        self.taken.append(Taken(key.strip("<>").partition("@")[0], recipient))
                if command == "QUIT":
                    break
        except (OSError, asyncio.IncompleteReadError):
            pass  # whoever sent is gone: killed, or tired of waiting
        finally:
            writer.close()

    async def _say(self, writer: asyncio.StreamWriter, stage: str, usual: str) -> str:
        while self.hangs == stage:
            await asyncio.sleep(0.1)
        answer = self.mood.get(stage, usual)
        writer.write(f"{answer}\r\n".encode())
        await writer.drain()
        return answer

    async def _sms(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            headers = {k.strip().lower(): v.strip() for k, _, v in (h.partition(":") for h in head.splitlines()[1:])}
            form = parse_qs((await reader.readexactly(int(headers["content-length"]))).decode())
            self.taken.append(Taken(headers["idempotency-key"], form["to"][0]))
            body = json.dumps({"status": "created"})
            writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n{body}".encode())
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # as above
        finally:
            writer.close()
