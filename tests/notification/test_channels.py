"""What a mail server or an SMS provider may say at each stage: final is only what it says of the one whom it is for."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from email import message_from_string, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiosmtpd.smtp import SMTP
from hypothesis import given
from hypothesis import strategies as st

from kit import addresses
from notification import channels, render, rules
from notification.contact import Contact
from notification.settings import Settings
from tests.notification.conftest import BOOKED_AT, answer

MAIL: dict[str, Any] = json.loads((Path(__file__).parents[1] / "kit" / "addresses.json").read_text())
GOES_WELL = {
    "connect": "220 test",
    "EHLO": "250-test\r\n250-AUTH PLAIN\r\n250 SMTPUTF8",
    "AUTH": "235 yes",
    "MAIL": "250 OK",
    "RCPT": "250 OK",
    "DATA": "354 go on",
    ".": "250 OK",
    "RSET": "250 OK",
    "QUIT": "221 bye",
}


@asynccontextmanager
async def _server(**changed: str | None) -> AsyncIterator[tuple[int, list[str]]]:
    """A mail server that says at each stage what a test wants it to, and nothing at all where that is None."""
    says: Mapping[str, str | None] = {**GOES_WELL, **changed}
    heard: list[str] = []
    ending = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            stage = "connect"
            while True:
                if (reply := says[stage]) is None:
                    await ending.wait()
                    return
                writer.write(reply.encode() + b"\r\n")
                await writer.drain()
                if stage == "DATA" and reply.startswith("354"):
                    await reader.readuntil(b"\r\n.\r\n")
                    stage = "."
                elif line := await reader.readline():
                    stage = line.split()[0].decode().upper()
                else:
                    return
                heard.append(stage)
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        ending.set()
        server.close()
        await server.wait_closed()


def _settings(**changed: Any) -> Settings:
    made: dict[str, Any] = {
        "environment": "test",
        "database_url": "postgresql://127.0.0.1/x",
        "nats_url": "nats://127.0.0.1",
        "smtp_host": "127.0.0.1",
        "smtp_tls": "none",
        "mail_from": "Samtid <samtid@example.org>",
        "sms_url": "http://sms.example",
    }
    return Settings(**{**made, **changed})


def _mail(to: str = "kim@example.org", *, utf8: bool = False) -> EmailMessage:
    contact = Contact.model_validate(answer(email=to))
    return render.mail(
        "confirmation",
        contact,
        message=uuid4(),
        booking=uuid4(),
        sender="Samtid <samtid@example.org>",
        domain="example.org",
        public_url="https://samtid.example",
        now=BOOKED_AT,
        utf8=utf8,
    )


FINAL = [
    {"RCPT": "550 no such user"},
    {"RCPT": "550 5.1.1 no such user"},
    {"RCPT": "550-5.1.1 no such user\r\n550 5.1.1 really"},
    {"RCPT": "550 <kim@blocklisted.example>: no such user"},
    {"RCPT": "551 not here"},
    {"RCPT": "552 mailbox full"},
    {"RCPT": "552 5.2.2 mailbox full"},
    {"RCPT": "553 no such name"},
    {"RCPT": "554 5.1.1 no such user"},
    {"RCPT": "550 5.2.1 mailbox disabled"},
    {"RCPT": "550 5.4.1 recipient address rejected"},
    {"RCPT": "556 5.1.10 takes no mail"},
    {".": "550 5.1.1 no such user"},
    {".": "552 5.2.2 mailbox full"},
]
PASSING = [
    *(
        {stage: f"{code} no"}
        for stage in ("connect", "EHLO", "MAIL")
        for code in (421, 450, 451, 530, 535, 550, 553, 554)
    ),
    {"MAIL": "550 5.7.1 sender rejected"},
    {"MAIL": "550 5.1.8 no such sender"},
    {"MAIL": "553 5.1.1 no"},
    {"MAIL": "552 5.3.4 too large"},
    {"RCPT": "421 too many"},
    {"RCPT": "450 greylisted"},
    {"RCPT": "452 4.2.2 full"},
    {"RCPT": "503 need MAIL"},
    {"RCPT": "530 5.7.0 authenticate first"},
    {"RCPT": "535 5.7.8 authenticate first"},
    {"RCPT": "550 5.7.1 refused by SPF"},
    {"RCPT": "550 5.7.26 refused by DMARC"},
    {"RCPT": "550 5.1.7 sender address rejected"},
    {"RCPT": "550 5.1.8 sender's domain not found"},
    {"RCPT": "550 relay not permitted"},
    {"RCPT": "550 authentication required"},
    {"RCPT": "550 rejected because 192.0.2.1 is in a black list"},
    {"RCPT": "550-no such user\r\n550 sender verify failed"},
    {"RCPT": "553 sorry, that domain isn't in my list of allowed rcpthosts"},
    {"RCPT": "550 5.4.5 Daily user sending quota exceeded"},
    {"RCPT": "552 5.3.4 Message size exceeds fixed limit"},
    {"RCPT": "550 5.5.1 Too many connections"},
    {"RCPT": "550 5.3.2 system not accepting messages"},
    {"RCPT": "554 blocked, see the list"},
    {"RCPT": "554 5.7.1 relay access denied"},
    {"RCPT": "571 blocked"},
    {"DATA": "554 no valid recipients"},
    {"DATA": "503 bad sequence"},
    {".": "550 rejected"},
    {".": "550 5.7.1 refused by DMARC"},
    {".": "552 too large"},
    {".": "554 not this"},
    {".": "554 5.6.0 not this"},
    {".": "451 try again"},
]


async def _said(settings: Settings, mail: EmailMessage | None = None) -> type[rules.NotSent] | None:
    try:
        await channels.send_mail(settings, mail or _mail())
    except rules.NotSent as refused:
        return type(refused)
    return None


@pytest.mark.parametrize("changed", [{}, *FINAL, *PASSING], ids=str)
async def test_only_a_refused_recipient_is_final(changed: dict[str, str]) -> None:
    async with _server(**changed) as (port, _):
        said = await _said(_settings(smtp_port=port))
    assert said is (None if not changed else rules.Refused if changed in FINAL else rules.TryLater)


@pytest.mark.parametrize("reply", ["535 5.7.8 wrong password", "530 5.7.0 no", "534 no", "554 no", "454 later"])
async def test_a_wrong_password_costs_no_family_its_mail(reply: str) -> None:
    async with _server(AUTH=reply) as (port, _):
        assert await _said(_settings(smtp_port=port, smtp_username="u", smtp_password="p")) is rules.TryLater


async def test_a_server_that_lacks_what_we_need_may_have_it_later() -> None:
    plain = {"EHLO": "250 test"}
    async with _server(**plain) as (port, heard):
        assert await _said(_settings(smtp_port=port, smtp_tls="starttls")) is rules.TryLater
        assert await _said(_settings(smtp_port=port, smtp_username="u", smtp_password="p")) is rules.TryLater
        utf8 = _settings(smtp_port=port, mail_utf8=True)
        assert await _said(utf8, _mail("åsa@example.org", utf8=True)) is rules.TryLater
    assert "MAIL" not in heard


@pytest.mark.parametrize("goodbye", ["421 shutting down", "500 what", None], ids=str)
async def test_what_was_taken_is_sent_whatever_is_said_afterwards(
    goodbye: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "TIMEOUT_SECONDS", 0.5)
    async with _server(QUIT=goodbye) as (port, heard):
        assert await _said(_settings(smtp_port=port)) is None
    assert heard.count(".") == 1


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, "Invalid number", rules.Refused),
        (422, "to is not a telephone number", rules.Refused),
        (422, '{"errors":{"to":"invalid"}}', rules.Refused),
        (400, '{"detail":"Bad Request"}', rules.TryLater),
        (422, "", rules.TryLater),
        *(
            (400, said, rules.TryLater)
            for said in (
                "Invalid credentials",
                "Wrong username or password",
                "Insufficient funds to send to this number",
                "Rate exceeded for this number",
                "Quota exceeded",
                "Invalid API key",
                "Originator not allowed",
                "Number temporarily unavailable",
                "Failed to read what was sent",
            )
        ),
        (400, "Invalid from", rules.TryLater),
        (400, "Message too long", rules.TryLater),
        (422, "No credit on the account", rules.TryLater),
        (401, "to", rules.TryLater),
        (402, "to", rules.TryLater),
        (403, "Not enough credits", rules.TryLater),
        (404, "number not found", rules.TryLater),
        (429, "slow down", rules.TryLater),
        (500, "to", rules.TryLater),
        (302, "", rules.TryLater),
    ],
)
async def test_only_a_refused_number_is_final(status: int, body: str, expected: type[rules.NotSent]) -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(status, text=body))
    async with httpx.AsyncClient(transport=transport) as http:
        with pytest.raises(expected) as refused:
            await channels.send_sms(_settings(), http, to="+46701234567", text="hej", message=uuid4())
    assert type(refused.value) is expected
    assert refused.value.code == f"sms_{status}"


async def test_a_provider_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with suppress(OSError):
            for byte in b"HTTP/1.1 200 OK\r\nServer: drip\r\n\r\n":
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.1)
        writer.close()

    monkeypatch.setattr(channels, "TIMEOUT_SECONDS", 0.5)
    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, httpx.AsyncClient(trust_env=False) as http:
        with pytest.raises(rules.TryLater, match="sms_TimeoutError"):
            await channels.send_sms(_settings(sms_url=url), http, to="+46701234567", text="hej", message=uuid4())


class Taking:
    """What a real mail server took: the envelope's recipients, and the mail as another reader understands it."""

    def __init__(self) -> None:
        self.recipients: list[str] = []
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.recipients += envelope.rcpt_tos
        self.mails.append(message_from_string(envelope.content.decode(), policy=policy.default))
        return "250 OK"


@asynccontextmanager
async def _taking(*, utf8: bool) -> AsyncIterator[tuple[Taking, Settings]]:
    taking, loop = Taking(), asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(taking, hostname="test", enable_SMTPUTF8=utf8, loop=loop), "127.0.0.1", 0
    )
    try:
        yield taking, _settings(smtp_port=server.sockets[0].getsockname()[1], mail_utf8=utf8)
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("utf8", [False, True])
async def test_whatever_a_form_accepts_a_server_takes(utf8: bool) -> None:
    corpus = {**MAIL["mailable"], **(MAIL["needs_utf8"] if utf8 else {})}
    async with _taking(utf8=utf8) as (taking, settings):
        for typed in corpus:
            kept = addresses.email(typed, utf8=utf8)
            await channels.send_mail(settings, _mail(kept, utf8=utf8))
    wanted = [addresses.header(kept, utf8=utf8).addr_spec for kept in corpus.values()]
    assert taking.recipients == wanted
    assert [mail["To"].addresses[0].addr_spec for mail in taking.mails] == wanted
    assert [mail.defects for mail in taking.mails if mail.defects] == []


_PARTS = st.sampled_from(
    [*"aZ09.-+'_=?!@ åß中\u200b\u00ad\u00a0\u202e\ufeff", "..", "=?utf-8?q?x?=", "xn--", "example.org"]
)


@given(st.lists(_PARTS, max_size=12).map("".join), st.booleans())
async def test_whatever_is_accepted_of_chance_a_server_takes(typed: str, utf8: bool) -> None:
    for text in (typed, f"{typed}@example.org", f"kim@{typed}.org"):
        try:
            kept = addresses.email(text, utf8=utf8)
        except ValueError:
            continue
        async with _taking(utf8=utf8) as (taking, settings):
            await channels.send_mail(settings, _mail(kept, utf8=utf8))
        assert taking.recipients == [addresses.header(kept, utf8=utf8).addr_spec]
        assert taking.mails[0]["To"].addresses[0].addr_spec == taking.recipients[0]


def test_the_language_of_a_mail_is_in_its_own_header() -> None:
    assert _mail()["Content-Language"] == "sv"


@pytest.mark.parametrize(
    "sender", ["Samtid", "Samtid <åsa@example.org>", "S <s@localhost>", "S <=?utf-8?q?x?=@example.org>"]
)
def test_a_sender_that_cannot_be_mailed_does_not_start(sender: str) -> None:
    with pytest.raises(ValueError, match="MAIL_FROM has no address that can be mailed"):
        _settings(mail_from=sender)


def test_a_sender_of_a_domain_with_letters_is_written_as_servers_write_it() -> None:
    made = _settings(mail_from="Åsa <svar@räksmörgås.se>")
    assert made.mail_domain == "xn--rksmrgs-5wao1o.se"
    assert made.mail_from == "Åsa <svar@xn--rksmrgs-5wao1o.se>"
