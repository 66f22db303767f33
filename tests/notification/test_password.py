"""A password of ours that is wrong is nothing that a family did: its message waits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from aiosmtpd.smtp import SMTP, AuthResult

from booking import events
from tests.notification.conftest import BOOKED_AT, Booking, FakeTime, Notification, answer
from tests.notification.test_delivery import MailServer, _attempted, _settled


@asynccontextmanager
async def server_with(passwords: list[bytes]) -> AsyncIterator[tuple[MailServer, int]]:
    """A mail server that lets in whoever says one of the passwords, and answers 535 to anybody else."""
    handler = MailServer()
    loop = asyncio.get_running_loop()

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        return AuthResult(success=given.password in passwords, handled=False)

    def made() -> SMTP:
        return SMTP(handler, hostname="test", loop=loop, authenticator=check, auth_require_tls=False)

    server = await loop.create_server(made, "127.0.0.1", 0)
    try:
        yield handler, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def test_a_wrong_password_costs_no_family_its_message(notification: Notification, booking: Booking) -> None:
    one, clock, passwords = uuid4(), FakeTime(BOOKED_AT), [b"the old one"]
    booking.answers[one] = answer()
    ours = {"smtp_username": "samtid", "smtp_password": "the new one"}
    async with (
        server_with(passwords) as (server, port),
        notification(clock=clock, smtp_port=port, **ours) as running,
    ):
        await booking.publish(events.CONFIRMED, one)
        row = await _attempted(running, one, "confirmation", 1)
        assert (row.status, row.last_error) == ("pending", "smtp_535")
        assert server.mails == []
        passwords.append(b"the new one")
        clock.now = row.next_attempt_at
        await _settled(running, one, 0, "confirmation")
        assert len(server.mails) == 1
